package dev.coppice.schema.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.Values;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The OpenAPI definitions of Kubernetes 1.32's built-in kinds and of the types that all kinds share, with their descriptions.
 * Read on first use; compiled one by one. Thread-safe.
 *
 * <p>The definitions derive from Kubernetes (Apache License 2.0, copyright The Kubernetes Authors), by
 * {@code core/schema/generate-builtins.py}.
 */
public final class BuiltinSchemas {
    public static final String OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    public static final String LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

    private static final String RESOURCE = "definitions.json.gz";
    private static final String POLICIES = "mutating-policies.json";

    private BuiltinSchemas() {}

    /** A kind by group ("" for core), version and kind. */
    public record GroupVersionKind(String group, String version, String kind) {
        /** Reads an apiVersion and a kind. */
        public static GroupVersionKind of(String apiVersion, String kind) {
            int slash = apiVersion.indexOf('/');
            return new GroupVersionKind(
                    slash < 0 ? "" : apiVersion.substring(0, slash), apiVersion.substring(slash + 1), kind);
        }
    }

    /** What was read, from first use on. */
    private static final class Loaded {
        static final Map<String, ObjectNode> DEFINITIONS = read();
        static final Map<GroupVersionKind, String> NAMES = names();
        static final Map<String, Schema> SCHEMAS = new ConcurrentHashMap<>();

        private static Map<String, ObjectNode> read() {
            try (InputStream file = BuiltinSchemas.class.getResourceAsStream(RESOURCE)) {
                if (file == null) {
                    throw new IllegalStateException(RESOURCE + " is missing from the jar");
                }
                JsonNode root = new JsonMapper().readTree(new GZIPInputStream(file, 1 << 16));
                Map<String, ObjectNode> all = new HashMap<>();
                root.path("definitions").properties().forEach(e -> {
                    if (e.getValue() instanceof ObjectNode definition) {
                        all.put(e.getKey(), definition);
                    }
                });
                readPolicies(all);
                return Map.copyOf(all);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Kinds that are newer than the other definitions, in versions that are alike. */
        private static void readPolicies(Map<String, ObjectNode> all) throws IOException {
            try (InputStream file = BuiltinSchemas.class.getResourceAsStream(POLICIES)) {
                if (file == null) {
                    throw new IllegalStateException(POLICIES + " is missing from the jar");
                }
                String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
                for (String version : List.of("v1", "v1beta1", "v1alpha1")) {
                    new JsonMapper()
                            .readTree(text.replace("VERSION", version))
                            .properties()
                            .forEach(e -> {
                                if (e.getValue() instanceof ObjectNode definition) {
                                    all.put(e.getKey(), definition);
                                }
                            });
                }
            }
        }

        private static Map<GroupVersionKind, String> names() {
            Map<GroupVersionKind, String> all = new HashMap<>();
            DEFINITIONS.forEach((name, definition) -> {
                for (JsonNode gvk : Values.elements(definition, "x-kubernetes-group-version-kind")) {
                    all.put(
                            new GroupVersionKind(
                                    Values.text(gvk, "group"), Values.text(gvk, "version"), Values.text(gvk, "kind")),
                            name);
                }
            });
            return Map.copyOf(all);
        }
    }

    /** The names of all definitions, such as {@code io.k8s.api.core.v1.ConfigMap}, sorted. */
    public static List<String> names() {
        List<String> names = new ArrayList<>(Loaded.DEFINITIONS.keySet());
        names.sort(null);
        return names;
    }

    /** The definition of a name, in OpenAPI v2's form; null when there is none. Not to be changed. */
    public static @Nullable ObjectNode definition(String name) {
        return Loaded.DEFINITIONS.get(name);
    }

    /** The name of a kind's definition; null when it is not built in. */
    public static @Nullable String name(String group, String version, String kind) {
        return Loaded.NAMES.get(new GroupVersionKind(group, version, kind));
    }

    /** The compiled schema of a kind; null when it is not built in. */
    public static @Nullable Schema schema(String group, String version, String kind) {
        String name = name(group, version, kind);
        return name == null ? null : named(name);
    }

    /**
     * The compiled schema of a definition.
     *
     * @throws IllegalArgumentException where there is none of that name
     */
    public static Schema named(String name) {
        Schema known = Loaded.SCHEMAS.get(name);
        if (known != null) {
            return known;
        }
        ObjectNode json = definition(name);
        if (json == null) {
            throw new IllegalArgumentException("No definition is called " + name);
        }
        Schema compiled = Schema.ofDefinition(json, BuiltinSchemas::named);
        Schema earlier = Loaded.SCHEMAS.putIfAbsent(name, compiled);
        return earlier == null ? compiled : earlier;
    }

    /** The description of a field of a definition, such as name of ObjectMeta; "" when there is none. */
    public static String description(String name, String field) {
        return Values.text(definition(name), "properties", field, "description");
    }
}
