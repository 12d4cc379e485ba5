package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;

/**
 * How to write.
 *
 * @param fieldManager empty for the caller's default
 * @param fieldValidation Strict, Warn or Ignore
 * @param force take over fields in a server-side apply
 * @param verb what was asked for, as the journal tells it
 */
public record WriteOptions(boolean dryRun, String fieldManager, String fieldValidation, boolean force, String verb) {
    public WriteOptions(boolean dryRun, String fieldManager, String fieldValidation, boolean force) {
        this(dryRun, fieldManager, fieldValidation, force, "update");
    }

    public static final WriteOptions DEFAULT = new WriteOptions(false, "", "Warn", false);

    public static WriteOptions manager(String name) {
        return new WriteOptions(false, name, "Ignore", false);
    }

    public WriteOptions forced() {
        return new WriteOptions(dryRun, fieldManager, fieldValidation, true, verb);
    }

    /** The field manager, or the caller's default. */
    String managerOf(Caller caller) {
        return fieldManager.isEmpty() ? caller.manager() : fieldManager;
    }

    /** As admission is told of them. */
    ObjectNode tree(String kind, boolean dry) {
        ObjectNode tree = Json.object().put("kind", kind).put("apiVersion", "meta.k8s.io/v1");
        if (dry) {
            tree.putArray("dryRun").add("All");
        }
        if (!fieldManager.isEmpty()) {
            tree.put("fieldManager", fieldManager);
        }
        return tree;
    }

    WriteOptions asking(String verb) {
        return new WriteOptions(dryRun, fieldManager, fieldValidation, force, verb);
    }
}
