package dev.coppice.control.resource;

import dev.coppice.schema.Schema;

/** The schemas of the built-in types. */
public final class BuiltInSchemas {
    private BuiltInSchemas() {}

    public static Schema of(String apiVersion, String kind) {
        assert !apiVersion.isEmpty() && !kind.isEmpty();
        return Schema.any();
    }

    /** As Kubernetes names definitions, such as {@code io.k8s.api.core.v1.ConfigMap}. */
    public static String definitionName(String group, String version, String kind) {
        String area = group.isEmpty() ? "core" : group.contains(".") ? group.substring(0, group.indexOf('.')) : group;
        return group.equals("apiextensions.k8s.io")
                ? "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions." + version + "." + kind
                : "io.k8s.api." + area + "." + version + "." + kind;
    }
}
