package dev.coppice.control.history;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.engine.Target;
import dev.coppice.control.history.Entry.Operation;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.ObjectStore.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Objects as they were: from the store as far as it remembers, beyond that by going back from now through the journal. What
 * comes from the journal has no managedFields. Whoever calls has been authorized. Safe for use by many threads.
 */
public final class PastObjects {
    private static final int STEP = 100;
    /** Changes of one object that are gone back. */
    private static final int MOST_CHANGES = 5_000;
    /** Objects of a list. */
    private static final int MOST_OBJECTS = 5_000;
    /** How far the clocks of nodes may differ. */
    private static final long SKEW_MILLIS = 60_000;

    private final Journal journal;
    private final ObjectStore store;

    public PastObjects(Journal journal, ObjectStore store) {
        this.journal = journal;
        this.store = store;
    }

    /** When. */
    public sealed interface Moment {
        /** Whether a change came after it. */
        boolean before(Entry entry);

        record Revision(long revision) implements Moment {
            @Override
            public boolean before(Entry entry) {
                return entry.revision() > revision;
            }

            @Override
            public String toString() {
                return "revision " + revision;
            }
        }

        record Time(long millis) implements Moment {
            @Override
            public boolean before(Entry entry) {
                return entry.timeMillis() > millis;
            }

            @Override
            public String toString() {
                return Instant.ofEpochMilli(millis).toString();
            }
        }
    }

    /** An object as it was; null: there was none. Throws 410 when that is no longer known, 400 for the future. */
    public @Nullable ObjectNode at(Target target, Moment moment) {
        long now = store.revision();
        checkPast(moment, now);
        if (moment instanceof Moment.Revision(long revision)) {
            try {
                Stored stored = store.get(target.key(), revision);
                return stored == null
                        ? null
                        : served(target.definition(), Json.parse(stored.value()), stored.revision());
            } catch (ApiException e) {
                if (e.code() != 410) {
                    throw e;
                }
            }
        }
        checkKnown(moment);
        return back(target, moment, now);
    }

    private static void checkPast(Moment moment, long now) {
        if (moment instanceof Moment.Revision(long revision) && revision > now) {
            throw Statuses.badRequest("at: revision " + revision + " is not there yet, the newest is " + now);
        }
    }

    private void checkKnown(Moment moment) {
        Journal.Horizon horizon = journal.horizon();
        boolean known = switch (moment) {
            case Moment.Revision(long revision) -> revision >= horizon.revision();
            case Moment.Time(long millis) -> millis >= horizon.timeMillis();
        };
        if (!known) {
            throw Statuses.gone(
                    "at: " + moment + " is no longer known: the store has compacted it, and the journal begins at "
                            + Instant.ofEpochMilli(horizon.timeMillis()) + ", revision " + horizon.revision());
        }
    }

    private @Nullable ObjectNode back(Target target, Moment moment, long now) {
        Stored current = store.get(target.key(), now);
        ObjectNode state = current == null ? null : Journal.plain(Json.parse(current.value()));
        long version = current == null ? 0 : current.revision();
        long below = now + 1;
        for (int gone = 0; gone < MOST_CHANGES; gone += STEP) {
            List<Entry> entries = journal.of(target.key(), below, 0, STEP);
            for (Entry each : entries) {
                if (!moment.before(each)) {
                    return state == null ? null : served(target.definition(), state, version);
                }
                state = undone(target, state, each);
                version = each.previous();
                below = each.revision();
            }
            if (entries.size() < STEP) {
                return state == null ? null : served(target.definition(), state, version);
            }
        }
        throw Statuses.gone("at: " + target.name() + " changed more than " + MOST_CHANGES + " times since " + moment
                + ", which is as far as one can go back");
    }

    private static @Nullable ObjectNode undone(Target target, @Nullable ObjectNode state, Entry entry) {
        if (entry.operation() == Operation.CREATED) {
            return null;
        }
        Difference difference = entry.difference();
        if (difference == null) {
            throw Statuses.gone("at: the change of " + target.name() + " at revision " + entry.revision()
                    + " was too large for the journal, or its key is gone; what was before it is not known");
        }
        return difference.reversed().applied(state == null ? Json.object() : state);
    }

    private static ObjectNode served(Definition definition, ObjectNode stored, long version) {
        ObjectNode tree = definition.fromStored().apply(stored);
        Json.metadata(tree).put("resourceVersion", Long.toString(version));
        return tree;
    }

    /** All objects of a type (in a namespace, if it is not empty) as they were; by key. */
    public List<ObjectNode> list(Definition definition, String namespace, Moment moment) {
        long now = store.revision();
        checkPast(moment, now);
        String prefix = namespace.isEmpty() || !definition.namespaced()
                ? definition.storagePrefix()
                : definition.storagePrefix() + namespace + "/";
        if (moment instanceof Moment.Revision(long revision)) {
            try {
                return trees(definition, store.all(prefix, revision).values());
            } catch (ApiException e) {
                if (e.code() != 410) {
                    throw e;
                }
            }
        }
        checkKnown(moment);
        Set<Key> changed = new HashSet<>();
        Set<String> keys = changed(definition, prefix, moment, now, changed);
        List<ObjectNode> all = new ArrayList<>(trees(
                definition,
                store.all(prefix, now).values().stream()
                        .filter(each -> !keys.contains(each.key()))
                        .toList()));
        for (Key key : changed) {
            ObjectNode then = back(Target.of(definition, key.namespace(), key.name()), moment, now);
            if (then != null) {
                all.add(then);
            }
        }
        all.sort(java.util.Comparator.comparing(tree ->
                definition.storageKey(Json.text(tree, "metadata", "namespace"), Json.text(tree, "metadata", "name"))));
        return all;
    }

    private Set<String> changed(Definition definition, String prefix, Moment moment, long now, Set<Key> changed) {
        Set<String> keys = new HashSet<>();
        long since = switch (moment) {
            case Moment.Time(long millis) -> millis;
            case Moment.Revision _ -> 0;
        };
        long stop = Long.MIN_VALUE;
        String start = "";
        do {
            Journal.Page page = journal.all(start, since, now, 1_000);
            for (Entry each : page.entries()) {
                if (!moment.before(each)) {
                    stop = stop == Long.MIN_VALUE ? each.timeMillis() - SKEW_MILLIS : stop;
                } else if (each.subject().storageKey().startsWith(prefix)
                        && keys.add(each.subject().storageKey())) {
                    changed.add(
                            new Key(each.subject().namespace(), each.subject().name()));
                }
                if (each.timeMillis() < stop) {
                    return keys;
                }
            }
            if (keys.size() > MOST_OBJECTS) {
                throw Statuses.badRequest("at: more than " + MOST_OBJECTS + " objects of " + definition.qualified()
                        + " changed since " + moment + "; name a namespace or an object");
            }
            start = page.next();
        } while (!start.isEmpty());
        return keys;
    }

    private static List<ObjectNode> trees(Definition definition, List<Stored> all) {
        return all.stream()
                .map(each -> served(definition, Json.parse(each.value()), each.revision()))
                .toList();
    }
}
