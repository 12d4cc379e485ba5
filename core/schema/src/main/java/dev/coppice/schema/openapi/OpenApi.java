package dev.coppice.schema.openapi;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes the OpenAPI documents that Kubernetes clients read: v3 for one group and version, v2 for all. They hold the
 * definitions in full, and of the paths what kubectl (explain, validation, apply, diff) and Terraform look at.
 * Pure functions.
 */
public final class OpenApi {
    private static final String STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
    private static final String DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
    private static final String SCALE = "io.k8s.api.autoscaling.v1.Scale";
    private static final List<String> BODIES = List.of("application/json", "application/yaml");
    private static final List<String> PATCHES = List.of(
            "application/apply-patch+yaml",
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json");
    private static final Map<String, String> LIST_PARAMETERS = Map.of(
            "allowWatchBookmarks", "boolean",
            "continue", "string",
            "fieldSelector", "string",
            "labelSelector", "string",
            "limit", "integer",
            "resourceVersion", "string",
            "resourceVersionMatch", "string",
            "sendInitialEvents", "boolean",
            "timeoutSeconds", "integer",
            "watch", "boolean");

    private final boolean v3;
    private final PublishedSchemas schemas;
    private final TreeMap<String, ObjectNode> paths = new TreeMap<>();

    private OpenApi(boolean v3) {
        this.v3 = v3;
        this.schemas = new PublishedSchemas(v3);
    }

    /**
     * The v3 document of one group and version.
     *
     * @param types all of that group and version
     * @param serverVersion such as v1.32.13
     */
    public static ObjectNode v3(List<ApiType> types, String serverVersion) {
        return new OpenApi(true).document(types, serverVersion);
    }

    /** The v2 document of all types. */
    public static ObjectNode v2(List<ApiType> types, String serverVersion) {
        return new OpenApi(false).document(types, serverVersion);
    }

    private ObjectNode document(List<ApiType> types, String serverVersion) {
        schemas.want(STATUS);
        schemas.want(DELETE_OPTIONS);
        for (ApiType type : types) {
            schemas.add(type);
            addPaths(type);
        }
        ObjectNode document = JsonNodeFactory.instance.objectNode();
        document.put(v3 ? "openapi" : "swagger", v3 ? "3.0.0" : "2.0");
        document.putObject("info").put("title", "Kubernetes").put("version", serverVersion);
        ObjectNode all = schemas.all();
        document.putObject("paths").setAll(paths);
        if (v3) {
            document.putObject("components").set("schemas", all);
        } else {
            document.set("definitions", all);
        }
        return document;
    }

    private void addPaths(ApiType type) {
        String scope = type.namespaced() ? "/namespaces/{namespace}/" : "/";
        String collection = type.basePath() + scope + type.plural();
        String item = collection + "/{name}";
        List<String> verbs = type.verbs();
        if (verbs.contains("list")) {
            operation(type, collection, "get", "list", "List");
            if (type.namespaced()) {
                operation(type, type.basePath() + "/" + type.plural(), "get", "list", "List");
            }
        }
        if (verbs.contains("create")) {
            operation(type, collection, "post", "post", "");
        }
        if (verbs.contains("deletecollection")) {
            operation(type, collection, "delete", "deletecollection", "");
        }
        if (verbs.contains("get")) {
            operation(type, item, "get", "get", "");
        }
        if (verbs.contains("update")) {
            operation(type, item, "put", "put", "");
        }
        if (verbs.contains("patch")) {
            operation(type, item, "patch", "patch", "");
        }
        if (verbs.contains("delete")) {
            operation(type, item, "delete", "delete", "");
        }
        for (String subresource : type.subresources()) {
            if (subresource.equals("status") || subresource.equals("scale")) {
                String path = item + "/" + subresource;
                operation(type, path, "get", "get", subresource);
                operation(type, path, "put", "put", subresource);
                operation(type, path, "patch", "patch", subresource);
            }
        }
    }

    private void operation(ApiType type, String path, String method, String action, String part) {
        boolean scale = part.equals("scale");
        boolean list = part.equals("List");
        ObjectNode operations = paths.computeIfAbsent(path, this::newPath);
        ObjectNode operation = operations.putObject(method);
        operation.put("operationId", operationId(type, path, action, list ? "" : part));
        operation.put("description", description(action, part, type.kind()));
        if (scale) {
            schemas.want(SCALE);
        }
        String answer = action.startsWith("delete")
                ? STATUS
                : scale ? SCALE : list ? type.definitionName() + "List" : type.definitionName();
        parameters(operation, method, action, scale ? SCALE : type.definitionName());
        answer(operation, answer);
        operation.put("x-kubernetes-action", action);
        operation
                .putObject("x-kubernetes-group-version-kind")
                .put("group", scale ? "autoscaling" : type.group())
                .put("kind", scale ? "Scale" : type.kind())
                .put("version", scale ? "v1" : type.version());
    }

    private ObjectNode newPath(String path) {
        ObjectNode operations = JsonNodeFactory.instance.objectNode();
        ArrayNode parameters = operations.putArray("parameters");
        for (String name : List.of("name", "namespace")) {
            if (path.contains("{" + name + "}")) {
                parameter(parameters, name, "path", "string");
            }
        }
        return operations;
    }

    private void parameter(ArrayNode parameters, String name, String place, String type) {
        ObjectNode parameter = parameters.addObject().put("name", name).put("in", place);
        if (place.equals("path")) {
            parameter.put("required", true);
        }
        ObjectNode schema = v3 ? parameter.putObject("schema") : parameter;
        schema.put("type", type).put("uniqueItems", true);
    }

    private void parameters(ObjectNode operation, String method, String action, String definition) {
        ArrayNode parameters = JsonNodeFactory.instance.arrayNode();
        if (action.equals("list") || action.equals("deletecollection")) {
            new TreeMap<>(LIST_PARAMETERS).forEach((name, type) -> parameter(parameters, name, "query", type));
        }
        if (method.equals("delete")) {
            parameter(parameters, "dryRun", "query", "string");
            parameter(parameters, "gracePeriodSeconds", "query", "integer");
            parameter(parameters, "propagationPolicy", "query", "string");
            body(operation, parameters, DELETE_OPTIONS, BODIES);
        } else if (!method.equals("get")) {
            parameter(parameters, "dryRun", "query", "string");
            parameter(parameters, "fieldManager", "query", "string");
            parameter(parameters, "fieldValidation", "query", "string");
            if (method.equals("patch")) {
                parameter(parameters, "force", "query", "boolean");
            }
            boolean patch = method.equals("patch");
            String body = patch ? "io.k8s.apimachinery.pkg.apis.meta.v1.Patch" : definition;
            if (patch) {
                schemas.want(body);
            }
            body(operation, parameters, body, patch ? PATCHES : BODIES);
        }
        if (!parameters.isEmpty()) {
            operation.set("parameters", parameters);
        }
    }

    private void body(ObjectNode operation, ArrayNode parameters, String definition, List<String> types) {
        if (v3) {
            ObjectNode content = operation.putObject("requestBody").putObject("content");
            types.forEach(
                    type -> content.putObject(type).putObject("schema").put("$ref", schemas.prefix() + definition));
        } else {
            ArrayNode consumes = operation.putArray("consumes");
            types.forEach(consumes::add);
            parameters
                    .addObject()
                    .put("name", "body")
                    .put("in", "body")
                    .put("required", true)
                    .putObject("schema")
                    .put("$ref", schemas.prefix() + definition);
        }
    }

    private void answer(ObjectNode operation, String definition) {
        ObjectNode ok = operation.putObject("responses").putObject("200").put("description", "OK");
        if (v3) {
            ObjectNode content = ok.putObject("content");
            BODIES.forEach(
                    type -> content.putObject(type).putObject("schema").put("$ref", schemas.prefix() + definition));
        } else {
            ok.putObject("schema").put("$ref", schemas.prefix() + definition);
            ArrayNode produces = operation.putArray("produces");
            BODIES.forEach(produces::add);
        }
    }

    private static String operationId(ApiType type, String path, String action, String part) {
        String verb = switch (action) {
            case "post" -> "create";
            case "get" -> "read";
            case "put" -> "replace";
            case "deletecollection" -> "deleteCollection";
            default -> action;
        };
        String group = type.group().isEmpty() ? "Core" : capital(type.group().split("\\.", -1)[0]);
        String scope = path.contains("{namespace}") ? "Namespaced" : "";
        String everywhere = type.namespaced() && scope.isEmpty() ? "ForAllNamespaces" : "";
        return verb + group + capital(type.version()) + scope + type.kind() + capital(part) + everywhere;
    }

    private static String description(String action, String part, String kind) {
        String what = part.isEmpty() || part.equals("List") ? "" : part + " of the ";
        return switch (action) {
            case "list" -> "list or watch objects of kind " + kind;
            case "post" -> "create a " + kind;
            case "get" -> "read " + what + "the specified ".substring(what.isEmpty() ? 0 : 4) + kind;
            case "put" -> "replace " + what + "the specified ".substring(what.isEmpty() ? 0 : 4) + kind;
            case "patch" -> "partially update " + what + "the specified ".substring(what.isEmpty() ? 0 : 4) + kind;
            case "deletecollection" -> "delete collection of " + kind;
            default -> action + " a " + kind;
        };
    }

    private static String capital(String text) {
        return text.isEmpty() ? "" : text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }
}
