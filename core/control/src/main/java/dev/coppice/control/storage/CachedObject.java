package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import java.util.Map;

/**
 * An object as the cache holds it: bytes, not a tree. There are many, so no text of them is kept twice.
 *
 * @param namespace empty for cluster-scoped ones; one text for all objects of a namespace
 * @param key {@code NAMESPACE/NAME}, or the name
 * @param json the whole object in its stored version, with its resourceVersion
 * @param labels kept apart because selectors ask for them
 */
public record CachedObject(String namespace, String key, long revision, byte[] json, Map<String, String> labels) {

    /** Of what has no place in a cache. */
    public static CachedObject of(
            String namespace, String name, long revision, byte[] json, Map<String, String> labels) {
        return new CachedObject(namespace, namespace.isEmpty() ? name : namespace + "/" + name, revision, json, labels);
    }

    /** Writes the revision into the tree. */
    static CachedObject of(String namespace, String key, long revision, ObjectNode object) {
        Json.metadata(object).put("resourceVersion", Long.toString(revision));
        return new CachedObject(
                namespace.intern(),
                key,
                revision,
                Json.bytes(object),
                Json.strings(object.path("metadata").path("labels")));
    }

    public String name() {
        return namespace.isEmpty() ? key : key.substring(namespace.length() + 1);
    }

    /** A fresh tree that the caller may change. */
    public ObjectNode tree() {
        return Json.parse(json);
    }
}
