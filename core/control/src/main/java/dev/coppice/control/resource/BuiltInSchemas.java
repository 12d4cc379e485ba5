package dev.coppice.control.resource;

import dev.coppice.schema.Schema;
import dev.coppice.schema.builtin.BuiltinSchemas;

/** The schemas of the built-in types. */
public final class BuiltInSchemas {
    private BuiltInSchemas() {}

    public static Schema of(String apiVersion, String kind) {
        int slash = apiVersion.indexOf('/');
        Schema schema = BuiltinSchemas.schema(
                slash < 0 ? "" : apiVersion.substring(0, slash), apiVersion.substring(slash + 1), kind);
        return schema == null ? Schema.any() : schema;
    }
}
