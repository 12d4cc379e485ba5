package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.ObjectStore.Stored;
import dev.coppice.schema.Schema;
import dev.coppice.schema.builtin.BuiltinDecoding;
import java.util.ArrayList;
import java.util.List;

/** Brings objects into the state in which they are stored: pruned, defaulted, with what only the server sets. */
final class Preparation {
    private Preparation() {}

    /** Leaves of a new object what its maker may say, with defaults. */
    static void settleNew(Definition d, ObjectNode object) {
        ObjectNode meta = Json.metadata(object);
        List.of(
                        "selfLink",
                        "deletionTimestamp",
                        "deletionGracePeriodSeconds",
                        "resourceVersion",
                        "generation",
                        "uid",
                        "creationTimestamp")
                .forEach(meta::remove);
        if (d.custom() && d.statusApart()) {
            object.remove("status");
        }
        normalise(d, object);
        d.strategy().prepareCreate(object);
    }

    /** Leaves of a changed object what its changer may say, with defaults. */
    static void settleChanged(Target target, ObjectNode fresh, ObjectNode old) {
        Definition d = target.definition();
        restoreMetadata(fresh, old);
        restrict(target, fresh, old);
        normalise(d, fresh);
        if (target.subresource().isEmpty()) {
            d.strategy().prepareUpdate(fresh, old);
        }
    }

    /** Prunes, then fills in defaults. */
    static void normalise(Definition d, ObjectNode object) {
        Schema schema = d.schema();
        var unused = schema.prune(object);
        if (d.custom()) {
            schema.applyDefaults(object);
        } else {
            BuiltinDecoding.normalise(schema, object);
        }
        d.strategy().defaults(object);
    }

    /** Drops empty parts that Kubernetes leaves out, and puts apiVersion, kind and metadata first. */
    static void tidy(ObjectNode object) {
        ObjectNode meta = Json.metadata(object);
        for (String name : List.of("labels", "annotations", "finalizers", "ownerReferences", "managedFields")) {
            JsonNode value = meta.get(name);
            if (value != null && (value.isNull() || value.isEmpty())) {
                meta.remove(name);
            }
        }
        for (String name :
                List.of("generateName", "selfLink", "namespace", "deletionTimestamp", "deletionGracePeriodSeconds")) {
            JsonNode value = meta.get(name);
            if (value != null
                    && (value.isNull() || value.isTextual() && value.asText().isEmpty())) {
                meta.remove(name);
            }
        }
    }

    static void restoreMetadata(ObjectNode fresh, ObjectNode old) {
        ObjectNode meta = Json.metadata(fresh);
        JsonNode before = old.path("metadata");
        for (String name : List.of(
                "uid",
                "creationTimestamp",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
                "generation",
                "name",
                "namespace",
                "generateName")) {
            JsonNode value = before.get(name);
            if (value == null) {
                meta.remove(name);
            } else {
                meta.set(name, value);
            }
        }
        meta.remove("selfLink");
    }

    /** Leaves of a change only what the resource, or the sub-resource, may touch. */
    static void restrict(Target target, ObjectNode fresh, ObjectNode old) {
        Definition d = target.definition();
        switch (target.subresource()) {
            case "" -> {
                if (d.statusApart()) {
                    copy("status", old, fresh);
                }
            }
            case "status" -> {
                JsonNode managed = fresh.path("metadata").get("managedFields");
                List<String> names = new ArrayList<>();
                fresh.fieldNames().forEachRemaining(names::add);
                old.fieldNames().forEachRemaining(n -> {
                    if (!names.contains(n)) {
                        names.add(n);
                    }
                });
                for (String name : names) {
                    if (!name.equals("status")) {
                        copy(name, old, fresh);
                    }
                }
                if (managed != null) {
                    Json.metadata(fresh).set("managedFields", managed);
                }
            }
            default -> {}
        }
    }

    static void copy(String name, ObjectNode from, ObjectNode to) {
        JsonNode value = from.get(name);
        if (value == null) {
            to.remove(name);
        } else {
            to.set(name, value.deepCopy());
        }
    }

    static void countGeneration(Definition d, ObjectNode fresh, ObjectNode old) {
        if (!d.custom() && !d.strategy().generation()) {
            return;
        }
        ObjectNode a = fresh.deepCopy();
        ObjectNode b = old.deepCopy();
        List<String> uncounted = d.statusApart() ? List.of("metadata", "status") : List.of("metadata");
        a.remove(uncounted);
        b.remove(uncounted);
        if (!dev.coppice.schema.Values.same(a, b)) {
            Json.metadata(fresh)
                    .put("generation", old.path("metadata").path("generation").asLong(0) + 1);
        }
    }

    /** Whether nothing changed, times of managed fields aside. */
    static boolean sameBytes(byte[] bytes, Stored current, Definition d, ObjectNode old, ObjectNode fresh) {
        if (java.util.Arrays.equals(bytes, current.value())) {
            return true;
        }
        return d.storedVersion()
                && dev.coppice.schema.Values.same(timeless(old), timeless(fresh))
                && !outdated(bytes, current, d);
    }

    /** Whether the object is stored in a version that is not the storage version any more: writing it migrates it. */
    private static boolean outdated(byte[] bytes, Stored current, Definition d) {
        return d.custom()
                && !Json.parse(bytes)
                        .path("apiVersion")
                        .equals(Json.parse(current.value()).path("apiVersion"));
    }

    static ObjectNode timeless(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        for (JsonNode entry : copy.path("metadata").path("managedFields")) {
            if (entry instanceof ObjectNode e) {
                e.remove("time");
            }
        }
        return copy;
    }

    static boolean heldByNamespace(Definition d, ObjectNode object) {
        return d.kind().equals("Namespace")
                && d.group().isEmpty()
                && !object.path("spec").path("finalizers").isEmpty();
    }
}
