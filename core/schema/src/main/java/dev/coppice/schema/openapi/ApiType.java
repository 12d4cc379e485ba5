package dev.coppice.schema.openapi;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.schema.builtin.BuiltinSchemas;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A type that an API server serves, in one version. Immutable.
 *
 * @param group "" for core
 * @param verbs such as get, list, create
 * @param subresources such as status and scale
 * @param schema the openAPIV3Schema of a custom type, which is not changed; null for a built-in one
 */
public record ApiType(
        String group,
        String version,
        String kind,
        String plural,
        boolean namespaced,
        List<String> verbs,
        List<String> subresources,
        @Nullable JsonNode schema) {

    /** The name of its definition: {@code io.k8s.api.core.v1.ConfigMap}, {@code com.example.v1.Widget}. */
    public String definitionName() {
        String builtin = schema == null ? BuiltinSchemas.name(group, version, kind) : null;
        if (builtin != null) {
            return builtin;
        }
        List<String> parts = new ArrayList<>(List.of(group.split("\\.")));
        Collections.reverse(parts);
        return String.join(".", parts) + "." + version + "." + kind;
    }

    /** The path of its group and version: {@code /api/v1}, {@code /apis/apps/v1}. */
    public String basePath() {
        return (group.isEmpty() ? "/api/" : "/apis/" + group + "/") + version;
    }
}
