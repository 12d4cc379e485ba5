package dev.coppice.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An object of a {@link Kind}, read into records.
 *
 * @param tree the whole object as it was read; not to be changed
 * @param status null until a controller wrote one
 */
public record Resource<S extends Record, T extends Record>(
        Kind<S, T> kind, ObjectNode tree, S spec, @Nullable T status) {

    public String namespace() {
        return tree.path("metadata").path("namespace").asText("");
    }

    public String name() {
        return tree.path("metadata").path("name").asText();
    }

    public String uid() {
        return tree.path("metadata").path("uid").asText();
    }

    public long generation() {
        return tree.path("metadata").path("generation").asLong();
    }

    public boolean deleting() {
        return tree.path("metadata").hasNonNull("deletionTimestamp");
    }

    public Key key() {
        return new Key(namespace(), name());
    }

    public Map<String, String> labels() {
        return Trees.strings(tree.path("metadata").path("labels"));
    }

    public Map<String, String> annotations() {
        return Trees.strings(tree.path("metadata").path("annotations"));
    }
}
