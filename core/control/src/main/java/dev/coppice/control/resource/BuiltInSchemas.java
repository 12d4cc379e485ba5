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

    /** As Kubernetes names definitions, such as {@code io.k8s.api.core.v1.ConfigMap}. */
    public static String definitionName(String group, String version, String kind) {
        String area = group.isEmpty() ? "core" : group.contains(".") ? group.substring(0, group.indexOf('.')) : group;
        return group.equals("apiextensions.k8s.io")
                ? "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions." + version + "." + kind
                : "io.k8s.api." + area + "." + version + "." + kind;
    }
}
