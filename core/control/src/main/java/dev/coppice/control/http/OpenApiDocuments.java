package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Writes OpenAPI documents of the types in a registry. */
final class OpenApiDocuments {
    private OpenApiDocuments() {}

    static String fingerprint(Registry.Snapshot snapshot, String path) {
        StringBuilder all = new StringBuilder();
        for (Definition d : of(snapshot, path)) {
            all.append(d.plural()).append(d.custom() ? d.schema().json().hashCode() : 0);
        }
        return all.toString();
    }

    private static List<Definition> of(Registry.Snapshot snapshot, String path) {
        String[] parts = path.split("/");
        return parts.length == 2 ? snapshot.of("", parts[1]) : snapshot.of(parts[1], parts[2]);
    }

    /** The name of a type's definition, such as {@code com.example.v1.Widget}. */
    static String name(Definition d) {
        if (!d.custom()) {
            return dev.coppice.control.resource.BuiltInSchemas.definitionName(d.group(), d.version(), d.kind());
        }
        List<String> parts = new ArrayList<>(List.of(d.group().split("\\.")));
        Collections.reverse(parts);
        return String.join(".", parts) + "." + d.version() + "." + d.kind();
    }

    static ObjectNode v3(Registry.Snapshot snapshot, String path) {
        ObjectNode document = Json.object().put("openapi", "3.0.0");
        document.putObject("info").put("title", "Kubernetes").put("version", "v1.32.13+coppice");
        ObjectNode paths = document.putObject("paths");
        ObjectNode schemas = document.putObject("components").putObject("schemas");
        for (Definition d : of(snapshot, path)) {
            Schemas.addTo(schemas, d, "#/components/schemas/");
            paths(paths, d, "#/components/schemas/", true);
        }
        return document;
    }

    static ObjectNode v2(Registry.Snapshot snapshot) {
        ObjectNode document = Json.object().put("swagger", "2.0");
        document.putObject("info").put("title", "Kubernetes").put("version", "v1.32.13+coppice");
        ObjectNode paths = document.putObject("paths");
        ObjectNode definitions = document.putObject("definitions");
        for (Definition d : snapshot.all()) {
            Schemas.addTo(definitions, d, "#/definitions/");
            paths(paths, d, "#/definitions/", false);
        }
        return document;
    }

    private static void paths(ObjectNode paths, Definition d, String prefix, boolean v3) {
        String base = (d.group().isEmpty() ? "/api/" : "/apis/" + d.group() + "/") + d.version();
        String collection = base + (d.namespaced() ? "/namespaces/{namespace}/" : "/") + d.plural();
        ObjectNode all = paths.putObject(collection);
        ObjectNode one = paths.putObject(collection + "/{name}");
        for (String verb : d.verbs()) {
            switch (verb) {
                case "list" -> operation(all, "get", "list", d, prefix, v3);
                case "create" -> operation(all, "post", "post", d, prefix, v3);
                case "deletecollection" -> operation(all, "delete", "deletecollection", d, prefix, v3);
                case "get" -> operation(one, "get", "get", d, prefix, v3);
                case "update" -> operation(one, "put", "put", d, prefix, v3);
                case "patch" -> operation(one, "patch", "patch", d, prefix, v3);
                case "delete" -> operation(one, "delete", "delete", d, prefix, v3);
                default -> {}
            }
        }
        if (one.isEmpty()) {
            paths.remove(collection + "/{name}");
        }
    }

    private static void operation(
            ObjectNode path, String method, String action, Definition d, String prefix, boolean v3) {
        ObjectNode operation = path.putObject(method);
        String scope = d.namespaced() ? "Namespaced" : "";
        operation.put(
                "operationId", action + capital(d.group().replace(".", "")) + capital(d.version()) + scope + d.kind());
        ObjectNode ok = operation.putObject("responses").putObject("200");
        ok.put("description", "OK");
        if (v3) {
            ok.putObject("content")
                    .putObject("application/json")
                    .putObject("schema")
                    .put("$ref", prefix + name(d));
        } else {
            ok.putObject("schema").put("$ref", prefix + name(d));
            ArrayNode produces = operation.putArray("produces");
            produces.add("application/json");
        }
        if (List.of("patch", "put", "post").contains(method)) {
            parameters(operation, method, v3);
        }
        operation.put("x-kubernetes-action", action);
        operation
                .putObject("x-kubernetes-group-version-kind")
                .put("group", d.group())
                .put("version", d.version())
                .put("kind", d.kind());
    }

    /** kubectl looks here for what a type supports. */
    private static void parameters(ObjectNode operation, String method, boolean v3) {
        ArrayNode parameters = operation.putArray("parameters");
        List<String> names = method.equals("patch")
                ? List.of("dryRun", "fieldManager", "fieldValidation", "force")
                : List.of("dryRun", "fieldManager", "fieldValidation");
        for (String name : names) {
            ObjectNode p = parameters.addObject().put("name", name).put("in", "query");
            String type = name.equals("force") ? "boolean" : "string";
            if (v3) {
                p.putObject("schema").put("type", type).put("uniqueItems", true);
            } else {
                p.put("type", type).put("uniqueItems", true);
            }
        }
        if (method.equals("patch") && v3) {
            ObjectNode content = operation.putObject("requestBody").putObject("content");
            for (String type : List.of(
                    "application/apply-patch+yaml",
                    "application/json-patch+json",
                    "application/merge-patch+json",
                    "application/strategic-merge-patch+json")) {
                content.putObject(type).putObject("schema").put("type", "object");
            }
        }
    }

    private static String capital(String text) {
        return text.isEmpty() ? "" : text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }
}
