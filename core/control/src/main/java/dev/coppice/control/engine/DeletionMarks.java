package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import java.util.List;

/** Marks objects that are being deleted but held. */
final class DeletionMarks {
    private DeletionMarks() {}

    static void checkPreconditions(Target target, DeleteOptions options, ObjectNode old) {
        String uid = Json.text(old, "metadata", "uid");
        if (!options.uid().isEmpty() && !options.uid().equals(uid)) {
            throw target.conflict(
                    "Precondition failed: UID in precondition: " + options.uid() + ", UID in object meta: " + uid);
        }
        String version = Json.text(old, "metadata", "resourceVersion");
        if (!options.resourceVersion().isEmpty() && !options.resourceVersion().equals(version)) {
            throw target.conflict("Precondition failed: ResourceVersion in precondition: " + options.resourceVersion()
                    + ", ResourceVersion in object meta: " + version);
        }
    }

    /** The object with its deletion mark and the finalizers that its propagation asks for. */
    static ObjectNode marked(Definition d, ObjectNode old, DeleteOptions options, String now) {
        ObjectNode marked = old.deepCopy();
        ObjectNode meta = Json.metadata(marked);
        List<String> finalizers = Json.list(meta.path("finalizers"));
        switch (options.propagation()) {
            case "Orphan" -> {
                finalizers.remove("foregroundDeletion");
                if (!finalizers.contains("orphan")) {
                    finalizers.add("orphan");
                }
            }
            case "Foreground" -> {
                finalizers.remove("orphan");
                if (!finalizers.contains("foregroundDeletion")) {
                    finalizers.add("foregroundDeletion");
                }
            }
            case "Background" -> {
                finalizers.remove("orphan");
                finalizers.remove("foregroundDeletion");
            }
            default -> {}
        }
        if (d.kind().equals("CustomResourceDefinition")
                && !finalizers.contains(CustomResources.FINALIZER)
                && !meta.hasNonNull("deletionTimestamp")) {
            finalizers.add(CustomResources.FINALIZER);
        }
        if (finalizers.isEmpty()) {
            meta.remove("finalizers");
        } else {
            meta.set("finalizers", Json.array(finalizers));
        }
        if (!meta.hasNonNull("deletionTimestamp")) {
            meta.put("deletionTimestamp", now);
            meta.put("deletionGracePeriodSeconds", 0);
            if (meta.path("generation").asLong(0) > 0) {
                meta.put("generation", meta.path("generation").asLong() + 1);
            }
            if (Preparation.heldByNamespace(d, marked)) {
                Json.child(marked, "status").put("phase", "Terminating");
            }
        }
        return marked;
    }
}
