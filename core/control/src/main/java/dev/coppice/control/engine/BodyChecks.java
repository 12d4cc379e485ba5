package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.BuiltInSchemas;
import dev.coppice.control.resource.Definition;
import dev.coppice.schema.Cause;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks what clients send against the type and the path it is sent to. */
final class BodyChecks {
    private BodyChecks() {}

    static void checkKind(Definition d, ObjectNode body) {
        String kind = body.path("kind").asText("");
        String apiVersion = body.path("apiVersion").asText("");
        if (kind.isEmpty() || apiVersion.isEmpty()) {
            if (d.custom() || !kind.isEmpty() && !kind.equals(d.kind())) {
                String missing = kind.isEmpty() ? "Kind" : "apiVersion";
                throw Statuses.badRequest("Object '" + missing + "' is missing in '" + Json.text(body) + "'");
            }
            body.put("kind", d.kind()).put("apiVersion", d.apiVersion());
            return;
        }
        if (kind.equals(d.kind()) && apiVersion.equals(d.apiVersion())) {
            return;
        }
        String version = apiVersion.substring(apiVersion.indexOf('/') + 1);
        if (d.custom()) {
            throw Statuses.badRequest(
                    apiVersion.equals(d.apiVersion())
                            ? kind + " in version " + Statuses.quote(version) + " cannot be handled as a " + d.kind()
                                    + ": the object provided is unrecognized (must be of type " + d.kind() + ")"
                            : "the API version in the data (" + apiVersion
                                    + ") does not match the expected API version (" + d.apiVersion() + ")");
        }
        throw Statuses.badRequest(kind + " in version " + Statuses.quote(version) + " cannot be handled as a "
                + d.kind()
                + ": no kind " + Statuses.quote(kind) + " is registered for version " + Statuses.quote(apiVersion)
                + " in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"");
    }

    static void checkFields(Definition d, ObjectNode body, WriteOptions options, Caller caller) {
        String wrong = d.custom() ? null : BuiltInSchemas.wrongType(d, body);
        if (wrong != null) {
            throw Statuses.badRequest(d.kind() + " in version " + Statuses.quote(d.version())
                    + " cannot be handled as a " + d.kind() + ": " + wrong);
        }
        List<String> unknown = d.schema().unknownFields(body);
        if (unknown.isEmpty() || options.fieldValidation().equals("Ignore")) {
            return;
        }
        List<String> texts =
                unknown.stream().map(f -> "unknown field " + Statuses.quote(f)).toList();
        if (options.fieldValidation().equals("Strict")) {
            throw Statuses.badRequest(d.kind() + " in version " + Statuses.quote(d.version())
                    + " cannot be handled as a " + d.kind() + ": strict decoding error: " + String.join(", ", texts));
        }
        texts.forEach(caller::warn);
    }

    static void checkPatched(Definition d, Target target, ObjectNode fresh, WriteOptions options, Caller caller) {
        String name = Json.text(fresh, "metadata", "name");
        if (!name.equals(target.name())) {
            throw Statuses.badRequest(
                    "the name of the object (" + name + ") does not match the name on the URL (" + target.name() + ")");
        }
        if (!fresh.path("kind").asText().equals(d.kind())
                || !fresh.path("apiVersion").asText().equals(d.apiVersion())) {
            checkKind(d, fresh);
        }
        String wrong = d.custom() ? null : BuiltInSchemas.wrongType(d, fresh);
        if (wrong != null) {
            throw Statuses.invalid("", "", "", List.of(Cause.invalidShown("patch", Json.text(fresh), wrong)));
        }
        List<String> unknown = d.schema().unknownFields(fresh);
        if (unknown.isEmpty() || options.fieldValidation().equals("Ignore")) {
            return;
        }
        List<String> texts =
                unknown.stream().map(f -> "unknown field " + Statuses.quote(f)).toList();
        if (options.fieldValidation().equals("Strict")) {
            throw Statuses.invalid(
                    "",
                    "",
                    "",
                    List.of(Cause.invalidShown(
                            "patch", Json.text(fresh), "strict decoding error: " + String.join(", ", texts))));
        }
        texts.forEach(caller::warn);
    }

    static void checkUid(Target target, ObjectNode body, @Nullable ObjectNode old) {
        String wanted = Json.text(body, "metadata", "uid");
        String there = old == null ? "" : Json.text(old, "metadata", "uid");
        if (!wanted.isEmpty() && !wanted.equals(there)) {
            throw target.conflict("StorageError: invalid object, Code: 4, Key: " + target.key()
                    + ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: " + wanted
                    + ", UID in object meta: " + there);
        }
    }

    static void place(Definition d, String namespace, ObjectNode object) {
        ObjectNode meta = Json.metadata(object);
        String own = meta.path("namespace").asText("");
        if (d.namespaced()) {
            if (!own.isEmpty() && !own.equals(namespace)) {
                throw Statuses.badRequest(
                        "the namespace of the provided object does not match the namespace sent on the request");
            }
            meta.put("namespace", namespace);
        } else {
            meta.remove("namespace");
        }
    }
}
