package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Names;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Asks names, schema, rules and strategy whether an object may be stored. */
final class Validation {
    private Validation() {}

    static List<Cause> validateUpdate(Target target, ObjectNode fresh, ObjectNode old) {
        Definition d = target.definition();
        List<Cause> causes = new ArrayList<>();
        if (old.path("metadata").hasNonNull("deletionTimestamp")) {
            List<String> added = Json.list(fresh.path("metadata").path("finalizers"));
            added.removeAll(Json.list(old.path("metadata").path("finalizers")));
            if (!added.isEmpty()) {
                Cause cause = Cause.forbidden(
                        "metadata.finalizers",
                        "no new finalizers can be added if the object is being deleted, found new finalizers []string{"
                                + String.join(
                                        ", ",
                                        added.stream().map(Statuses::quote).toList())
                                + "}");
                causes.add(cause);
                causes.add(cause);
            }
        }
        causes.addAll(metadata(d, fresh));
        List<Cause> found;
        if (d.custom() && target.subresource().equals("status")) {
            found = d.schema().property("status") instanceof Schema status
                    ? status.validate(fresh.path("status"), "status")
                    : List.of();
            if (fresh.path("status").isMissingNode()) {
                found = List.of();
            }
        } else {
            found = d.custom() ? d.schema().validate(fresh) : List.of();
        }
        causes.addAll(Scales.check(d, fresh));
        causes.addAll(d.custom() ? Ratcheting.unchanged(found, fresh, old) : found);
        if (!d.custom() && target.subresource().isEmpty()) {
            causes.addAll(d.strategy().validate(fresh, old));
            causes.addAll(d.strategy().validateUpdate(fresh, old));
        }
        addRules(d, fresh, old, causes);
        return causes;
    }

    static List<Cause> rules(Definition d, ObjectNode object, @Nullable ObjectNode old) {
        return d.custom() ? d.rules().validate(object, old, "") : List.of();
    }

    /** Adds what the rules say, or why they could not be asked. */
    static void addRules(Definition d, ObjectNode object, @Nullable ObjectNode old, List<Cause> causes) {
        if (!d.custom()) {
            return;
        }
        Cause blocked = d.rules().blocked(causes);
        if (blocked != null) {
            causes.add(blocked);
        } else {
            causes.addAll(rules(d, object, old));
        }
    }

    static List<Cause> validateCreate(Definition d, ObjectNode object) {
        List<Cause> causes = new ArrayList<>(metadata(d, object));
        if (d.custom()) {
            causes.addAll(d.schema().validate(object));
            causes.addAll(Scales.check(d, object));
        } else {
            causes.addAll(d.strategy().validate(object, null));
        }
        addRules(d, object, null, causes);
        return causes;
    }

    /** What to tell whoever stored it, though it is stored. */
    static void warn(Definition d, ObjectNode fresh, @Nullable ObjectNode old, Caller caller) {
        if (!d.custom()) {
            return;
        }
        List<String> known =
                old == null ? List.of() : Json.list(old.path("metadata").path("finalizers"));
        for (String name : new TreeSet<>(Json.list(fresh.path("metadata").path("finalizers")))) {
            if (!known.contains(name) && !Names.finalizerIsPlaced(name)) {
                caller.warn("metadata.finalizers: " + Statuses.quote(name)
                        + ": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with"
                        + " other finalizer writers");
            }
        }
    }

    private static List<Cause> metadata(Definition d, ObjectNode object) {
        boolean coreKind = !d.custom() && !d.group().equals(CustomResources.GROUP);
        return Names.metadata(object, d.nameRule(), coreKind);
    }
}
