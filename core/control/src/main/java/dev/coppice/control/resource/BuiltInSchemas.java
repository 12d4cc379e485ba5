package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.builtin.BuiltinDecoding;
import dev.coppice.schema.builtin.BuiltinSchemas;
import org.jspecify.annotations.Nullable;

/** The schemas of the built-in types. */
public final class BuiltInSchemas {
    private BuiltInSchemas() {}

    public static Schema of(String apiVersion, String kind) {
        int slash = apiVersion.indexOf('/');
        Schema schema = BuiltinSchemas.schema(
                slash < 0 ? "" : apiVersion.substring(0, slash), apiVersion.substring(slash + 1), kind);
        return schema == null ? Schema.any() : schema;
    }

    /** Why an object is no object of its kind, in Go's words; null when all types fit. */
    public static @Nullable String wrongType(Definition d, ObjectNode object) {
        return wrongType(d.group(), d.version(), d.kind(), object);
    }

    /** The same for a kind that has no definition of its own. */
    public static @Nullable String wrongType(String group, String version, String kind, ObjectNode object) {
        String name = BuiltinSchemas.name(group, version, kind);
        return name == null ? null : BuiltinDecoding.error(name, object);
    }
}
