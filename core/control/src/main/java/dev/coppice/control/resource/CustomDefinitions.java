package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The definitions that a CustomResourceDefinition makes, one for each served version. */
public final class CustomDefinitions {
    private final JsonNode spec;
    private final JsonNode names;
    private final String group;
    private final String storageVersion;
    private final Schema storageSchema;
    private final Conversion conversion;
    /** Whether all stored objects have the storage version, or are taken to have it. */
    private final boolean uniform;

    public CustomDefinitions(ObjectNode crd, JsonNode acceptedNames, Conversion conversion) {
        this.conversion = conversion;
        this.spec = crd.path("spec").deepCopy();
        this.names = acceptedNames;
        this.group = spec.path("group").asText();
        String version = "";
        Schema schema = Schema.any();
        for (JsonNode v : spec.path("versions")) {
            if (v.path("storage").asBoolean(false)) {
                version = v.path("name").asText();
                schema = schema(v);
            }
        }
        this.storageVersion = version;
        this.storageSchema = schema;
        this.uniform = conversion == Conversion.NONE
                || Json.list(crd.path("status").path("storedVersions")).equals(List.of(version));
    }

    private static Schema schema(JsonNode version) {
        return Schema.ofResource(version.path("schema").path("openAPIV3Schema"));
    }

    public String storagePrefix() {
        return "/registry/" + group + "/" + names.path("plural").asText() + "/";
    }

    public boolean namespaced() {
        return spec.path("scope").asText().equals("Namespaced");
    }

    /** Makes the served form of the stored version. */
    public UnaryOperator<ObjectNode> decoder() {
        return tree -> {
            if (uniform) {
                tree.put("apiVersion", group + "/" + storageVersion);
                storageSchema.applyDefaults(tree);
            }
            return tree;
        };
    }

    public List<Definition> definitions(Supplier<ResourceCache> cache) {
        List<Definition> result = new ArrayList<>();
        for (JsonNode v : spec.path("versions")) {
            if (v.path("served").asBoolean(false)) {
                result.add(definition(v, cache));
            }
        }
        return result;
    }

    private Definition definition(JsonNode v, Supplier<ResourceCache> cache) {
        String version = v.path("name").asText();
        String kind = names.path("kind").asText();
        boolean stored = version.equals(storageVersion);
        Schema schema = stored ? storageSchema : schema(v);
        JsonNode subs = v.path("subresources");
        List<Subresource> subresources = new ArrayList<>();
        if (subs.has("status")) {
            subresources.add(Subresource.status(kind));
        }
        if (subs.has("scale")) {
            subresources.add(Subresource.scale());
        }
        Definition.Builder b = Definition.of(
                        group, version, names.path("plural").asText(), kind)
                .names(names.path("singular").asText(), names.path("listKind").asText(kind + "List"))
                .custom()
                .shortNames(Json.list(names.path("shortNames")))
                .categories(Json.list(names.path("categories")))
                .verbs(Definition.CUSTOM_VERBS)
                .subresources(subresources)
                .stored(storagePrefix())
                .schema(() -> schema)
                .scale(scale(subs))
                .columns(CustomColumns.of(v.path("additionalPrinterColumns")))
                .selectable(selectable(v))
                .deprecation(deprecation(v, version, kind))
                .converted(
                        stored && uniform,
                        trees -> {
                            List<ObjectNode> converted = conversion.convert(trees, group + "/" + version);
                            converted.forEach(schema::applyDefaults);
                            return converted;
                        },
                        tree -> conversion.convert(tree, group + "/" + storageVersion))
                .cache(cache);
        return (namespaced() ? b : b.clusterScoped()).build();
    }

    private static String[] selectable(JsonNode version) {
        List<String> fields = new ArrayList<>();
        version.path("selectableFields")
                .forEach(f -> fields.add(withoutDot(f.path("jsonPath").asText())));
        return fields.toArray(String[]::new);
    }

    private static String withoutDot(String path) {
        return path.startsWith(".") ? path.substring(1) : path;
    }

    private String deprecation(JsonNode v, String version, String kind) {
        if (!v.path("deprecated").asBoolean(false)) {
            return "";
        }
        String text = v.path("deprecationWarning").asText("");
        return text.isEmpty() ? group + "/" + version + " " + kind + " is deprecated" : text;
    }

    private static Definition.@Nullable ScalePaths scale(JsonNode subresources) {
        JsonNode scale = subresources.path("scale");
        return scale.isMissingNode()
                ? null
                : new Definition.ScalePaths(
                        withoutDot(scale.path("specReplicasPath").asText()),
                        withoutDot(scale.path("statusReplicasPath").asText()),
                        withoutDot(scale.path("labelSelectorPath").asText("")));
    }
}
