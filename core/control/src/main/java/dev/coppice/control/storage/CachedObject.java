package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import java.util.Map;

/**
 * An object as the cache holds it: bytes, not a tree.
 *
 * @param json the whole object in its stored version, with its resourceVersion
 * @param labels kept apart because selectors ask for them
 */
public record CachedObject(String namespace, String name, long revision, byte[] json, Map<String, String> labels) {

    static CachedObject of(String namespace, String name, long revision, ObjectNode object) {
        Json.metadata(object).put("resourceVersion", Long.toString(revision));
        return new CachedObject(
                namespace,
                name,
                revision,
                Json.bytes(object),
                Json.strings(object.path("metadata").path("labels")));
    }

    /** A fresh tree that the caller may change. */
    public ObjectNode tree() {
        return Json.parse(json);
    }
}
