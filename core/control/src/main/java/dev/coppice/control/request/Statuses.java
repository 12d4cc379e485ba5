package dev.coppice.control.request;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.schema.Cause;
import java.util.List;
import java.util.stream.Collectors;

/** Makes the Status answers of Kubernetes (apimachinery: api/errors), word for word. */
public final class Statuses {
    private Statuses() {}

    /** A value that is none of those supported; {@code shown} as Go shows it. */
    public static Cause unsupported(String field, String shown, String... supported) {
        return new Cause(
                field,
                "FieldValueNotSupported",
                "Unsupported value: " + shown + ": supported values: "
                        + List.of(supported).stream().map(Statuses::quote).collect(Collectors.joining(", ")));
    }

    /** As Go's %q for what occurs in names. */
    public static String quote(String value) {
        StringBuilder result = new StringBuilder(value.length() + 2).append('"');
        value.codePoints().forEach(c -> {
            switch (c) {
                case '"' -> result.append("\\\"");
                case '\\' -> result.append("\\\\");
                case '\n' -> result.append("\\n");
                case '\t' -> result.append("\\t");
                case '\r' -> result.append("\\r");
                default -> {
                    if (c < 0x20 || c == 0x7f) {
                        result.append(String.format("\\x%02x", c));
                    } else {
                        result.appendCodePoint(c);
                    }
                }
            }
        });
        return result.append('"').toString();
    }

    private static ObjectNode failure(int code, String reason, String message) {
        ObjectNode status = Json.object();
        status.put("kind", "Status").put("apiVersion", "v1");
        status.putObject("metadata");
        status.put("status", "Failure").put("message", message);
        if (!reason.isEmpty()) {
            status.put("reason", reason);
        }
        status.put("code", code);
        return status;
    }

    private static ObjectNode details(ObjectNode status, String group, String kind, String name) {
        ObjectNode details = status.putObject("details");
        if (!name.isEmpty()) {
            details.put("name", name);
        }
        if (!group.isEmpty()) {
            details.put("group", group);
        }
        if (!kind.isEmpty()) {
            details.put("kind", kind);
        }
        return details;
    }

    /** {@code plural} or {@code plural.group}. */
    public static String qualified(String group, String name) {
        return group.isEmpty() ? name : name + "." + group;
    }

    public static ApiException of(int code, String reason, String message) {
        return new ApiException(failure(code, reason, message));
    }

    public static ApiException notFound(String group, String plural, String name) {
        ObjectNode status = failure(404, "NotFound", qualified(group, plural) + " " + quote(name) + " not found");
        details(status, group, plural, name);
        return new ApiException(status);
    }

    /** A path that names nothing. */
    public static ApiException noSuchPath() {
        ObjectNode status = failure(404, "NotFound", "the server could not find the requested resource");
        status.putObject("details");
        return new ApiException(status);
    }

    public static ApiException alreadyExists(String group, String plural, String name) {
        ObjectNode status =
                failure(409, "AlreadyExists", qualified(group, plural) + " " + quote(name) + " already exists");
        details(status, group, plural, name);
        return new ApiException(status);
    }

    /** Whether it says that an object of that name is there. */
    public static boolean isAlreadyExists(ApiException error) {
        return error.status().path("reason").asText().equals("AlreadyExists");
    }

    /** Whether it says that the store does not answer now. */
    public static boolean isUnavailable(ApiException error) {
        return error.status().path("reason").asText().equals("ServiceUnavailable");
    }

    public static ApiException conflict(String group, String plural, String name, String why) {
        ObjectNode status = failure(
                409,
                "Conflict",
                "Operation cannot be fulfilled on " + qualified(group, plural) + " " + quote(name) + ": " + why);
        details(status, group, plural, name);
        return new ApiException(status);
    }

    public static final String MODIFIED =
            "the object has been modified; please apply your changes to the latest version and try again";

    public static ApiException badRequest(String message) {
        return of(400, "BadRequest", message);
    }

    public static ApiException unauthorized() {
        return of(401, "Unauthorized", "Unauthorized");
    }

    public static ApiException tooLarge(String message) {
        return of(413, "RequestEntityTooLarge", message);
    }

    public static ApiException expired(String message) {
        return of(410, "Expired", message);
    }

    public static ApiException gone(String message) {
        return of(410, "Gone", message);
    }

    public static ApiException internal(String message) {
        ObjectNode status = failure(500, "InternalError", "Internal error occurred: " + message);
        ObjectNode details = status.putObject("details");
        details.putArray("causes").addObject().put("message", message);
        return new ApiException(status);
    }

    /** An error that Kubernetes answers as 500 without a reason. */
    public static ApiException unknown(String message) {
        return of(500, "", message);
    }

    public static ApiException forbidden(String group, String plural, String name, String why) {
        String what = qualified(group, plural);
        if (!name.isEmpty()) {
            what += " " + quote(name);
        }
        ObjectNode status =
                failure(403, "Forbidden", what.isEmpty() ? "forbidden: " + why : what + " is forbidden: " + why);
        details(status, group, plural, name);
        return new ApiException(status);
    }

    public static ApiException methodNotAllowed() {
        ObjectNode status =
                failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
        status.putObject("details");
        return new ApiException(status);
    }

    public static ApiException methodNotSupported(String group, String plural, String verb) {
        ObjectNode status = failure(
                405,
                "MethodNotAllowed",
                verb + " is not supported on resources of kind " + quote(qualified(group, plural)));
        details(status, group, plural, "");
        return new ApiException(status);
    }

    /** A write to a custom type that is being deleted. */
    public static ApiException terminating(String group, String plural, String verb) {
        ObjectNode status =
                failure(405, "MethodNotAllowed", verb + " not allowed while custom resource definition is terminating");
        details(status, group, plural, "");
        return new ApiException(status);
    }

    /** A write, or a watch, of what is made when somebody asks for it. */
    public static ApiException computed(String group, String plural, String verb, List<String> allowed) {
        ObjectNode status = failure(
                405,
                "MethodNotAllowed",
                verb + " is not supported on " + qualified(group, plural)
                        + ": it is made when somebody asks for it, and not stored; allowed: "
                        + String.join(", ", allowed));
        details(status, group, plural, "");
        return new ApiException(status);
    }

    /** 422 with its causes; {@code kind} qualified by the group as Kubernetes does. */
    public static ApiException invalid(String group, String kind, String name, List<Cause> causes) {
        List<Cause> distinct = causes.stream().distinct().toList();
        String list = distinct.stream()
                .map(c -> c.field().isEmpty() ? c.message() : c.field() + ": " + c.message())
                .distinct()
                .collect(Collectors.joining(", "));
        String why = distinct.size() > 1 ? "[" + list + "]" : list;
        ObjectNode status = failure(422, "Invalid", qualified(group, kind) + " " + quote(name) + " is invalid: " + why);
        ObjectNode details = details(status, group, kind, name);
        if (!causes.isEmpty()) {
            ArrayNode array = details.putArray("causes");
            for (Cause cause : causes) {
                ObjectNode node =
                        array.addObject().put("reason", cause.reason()).put("message", cause.message());
                if (!cause.field().isEmpty()) {
                    node.put("field", cause.field());
                }
            }
        }
        return new ApiException(status);
    }

    public static ApiException invalidOptions(String kind, List<Cause> causes) {
        return invalid("meta.k8s.io", kind, "", causes);
    }

    public static ApiException timeout(String message, int retrySeconds) {
        ObjectNode status = failure(504, "Timeout", "Timeout: " + message);
        ObjectNode details = status.putObject("details");
        details.put("retryAfterSeconds", retrySeconds);
        return new ApiException(status);
    }

    public static ApiException tooLargeVersion(long asked, long current) {
        ObjectNode status =
                failure(504, "Timeout", "Timeout: Too large resource version: " + asked + ", current: " + current);
        ObjectNode details = status.putObject("details");
        details.putArray("causes")
                .addObject()
                .put("reason", "ResourceVersionTooLarge")
                .put("message", "Too large resource version");
        details.put("retryAfterSeconds", 1);
        return new ApiException(status);
    }

    public static ApiException tooManyRequests(String message, int retrySeconds) {
        ObjectNode status = failure(429, "TooManyRequests", message);
        status.putObject("details").put("retryAfterSeconds", retrySeconds);
        return new ApiException(status);
    }

    public static ApiException notAcceptable(String message, boolean withDetails) {
        ObjectNode status = failure(406, "NotAcceptable", message);
        if (withDetails) {
            status.putObject("details");
        }
        return new ApiException(status);
    }

    public static ApiException unsupportedMediaType() {
        return of(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                        + "application/json, application/yaml, application/vnd.kubernetes.protobuf");
    }

    /** A successful deletion. */
    public static ObjectNode deleted(String group, String plural, String name, String uid) {
        ObjectNode status = Json.object();
        status.put("kind", "Status").put("apiVersion", "v1");
        status.putObject("metadata");
        status.put("status", "Success");
        ObjectNode details = details(status, group, plural, name);
        if (!uid.isEmpty()) {
            details.put("uid", uid);
        }
        return status;
    }
}
