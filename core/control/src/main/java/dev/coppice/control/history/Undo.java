package dev.coppice.control.history;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.history.Entry.Operation;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Works out which request undoes changes of an object; it makes none itself. The status is left to its controllers. Safe for use
 * by many threads.
 */
public final class Undo {
    private static final int MOST = 1_000;
    /** What the server sets, and a new object does not bring along. */
    private static final List<String> OF_THE_SERVER = List.of(
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "managedFields",
            "selfLink");

    /** What of the metadata users write. */
    private static final List<String> OF_USERS = List.of("labels", "annotations", "finalizers", "ownerReferences");

    private final Engine engine;
    private final Journal journal;
    private final PastObjects past;

    public Undo(Engine engine, Journal journal, PastObjects past) {
        this.engine = engine;
        this.journal = journal;
        this.past = past;
    }

    /** What has to be done. */
    public enum Action {
        NOTHING,
        CREATE,
        UPDATE,
        DELETE
    }

    /**
     * How to undo.
     *
     * @param object what to send with CREATE or UPDATE; what is there now with DELETE
     * @param undone the changes that it undoes, the newest first
     * @param conflicts later changes that would be lost with it, the newest first
     */
    public record Plan(
            Action action,
            @Nullable ObjectNode object,
            Difference difference,
            List<Entry> undone,
            List<Entry> conflicts) {}

    /** Back to how it was at a revision; 0: to before the newest change. */
    public Plan to(Target target, long revision) {
        List<Entry> entries = changes(target);
        long asked = revision > 0
                ? revision
                : entries.isEmpty() ? 0 : entries.getFirst().revision() - 1;
        List<Entry> undone = entries.stream().filter(e -> e.revision() > asked).toList();
        if (undone.isEmpty()) {
            checkKnown(target, entries);
            return new Plan(Action.NOTHING, null, Difference.NONE, List.of(), List.of());
        }
        String author = undone.getLast().author().user();
        List<Entry> conflicts =
                undone.stream().filter(e -> !e.author().user().equals(author)).toList();
        ObjectNode then = past.at(target, new PastObjects.Moment.Revision(asked));
        return plan(engine.read(target), then, undone, conflicts);
    }

    /** Takes back one change and leaves later ones. */
    public Plan change(Target target, long revision) {
        List<Entry> entries = changes(target);
        Entry change = entries.stream()
                .filter(e -> e.revision() == revision)
                .findFirst()
                .orElseThrow(() -> Statuses.badRequest("change: the journal has no change of " + target.name()
                        + " at revision " + revision + ", besides the status; see its history"));
        List<Entry> later =
                entries.stream().filter(e -> e.revision() > revision).toList();
        ObjectNode now = engine.read(target);
        Difference difference = change.difference();
        if (change.operation() != Operation.UPDATED || now == null) {
            ObjectNode then = past.at(target, new PastObjects.Moment.Revision(revision - 1));
            return plan(now, then, List.of(change), later);
        }
        if (difference == null) {
            throw Statuses.gone("change: what changed at revision " + revision + " was too large for the journal");
        }
        List<Difference.Field> fields = difference.fields().stream()
                .filter(f -> !Objects.equals(f.path().getFirst(), "status"))
                .toList();
        List<Entry> conflicts = later.stream().filter(e -> touches(e, fields)).toList();
        ObjectNode then;
        try {
            then = new Difference(fields).reversed().applied(Journal.plain(now));
        } catch (IllegalStateException e) {
            throw target.conflict(
                    "the change at revision " + revision + " cannot be taken back alone: " + e.getMessage());
        }
        return plan(now, then, List.of(change), conflicts);
    }

    private static boolean touches(Entry entry, List<Difference.Field> fields) {
        Difference difference = entry.difference();
        return difference == null
                || entry.operation() != Operation.UPDATED
                || difference.fields().stream().anyMatch(f -> fields.stream().anyMatch(f::touches));
    }

    /** All but those of the status, the newest first. */
    private List<Entry> changes(Target target) {
        return journal.of(target.key(), Long.MAX_VALUE, 0, MOST).stream()
                .filter(e -> !e.statusOnly())
                .toList();
    }

    private void checkKnown(Target target, List<Entry> entries) {
        if (entries.isEmpty() && engine.read(target) == null) {
            throw target.notFound();
        }
    }

    private static Plan plan(
            @Nullable ObjectNode now, @Nullable ObjectNode then, List<Entry> undone, List<Entry> conflicts) {
        if (then == null) {
            return now == null
                    ? new Plan(Action.NOTHING, null, Difference.NONE, undone, conflicts)
                    : new Plan(Action.DELETE, now, gone(now), undone, conflicts);
        }
        if (now == null) {
            ObjectNode made = then.deepCopy();
            OF_THE_SERVER.forEach(Json.metadata(made)::remove);
            made.remove("status");
            return new Plan(Action.CREATE, made, Difference.between(Json.object(), made), undone, conflicts);
        }
        ObjectNode made = restored(now, then);
        Difference difference = Difference.between(Journal.plain(now), Journal.plain(made));
        return new Plan(
                difference.fields().isEmpty() ? Action.NOTHING : Action.UPDATE, made, difference, undone, conflicts);
    }

    private static Difference gone(ObjectNode now) {
        return Difference.between(Journal.plain(now), Json.object());
    }

    /** What is there now, with everything that users write as it was. */
    private static ObjectNode restored(ObjectNode now, ObjectNode then) {
        ObjectNode made = Json.object();
        then.properties()
                .forEach(field -> made.set(field.getKey(), field.getValue().deepCopy()));
        ObjectNode metadata = now.path("metadata").deepCopy();
        for (String name : OF_USERS) {
            JsonNode value = then.path("metadata").get(name);
            if (value == null) {
                metadata.remove(name);
            } else {
                metadata.set(name, value);
            }
        }
        made.set("metadata", metadata);
        JsonNode status = now.get("status");
        if (status == null) {
            made.remove("status");
        } else {
            made.set("status", status);
        }
        return made;
    }
}
