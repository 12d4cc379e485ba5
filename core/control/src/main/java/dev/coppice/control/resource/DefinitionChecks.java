package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Names;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleCheck;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a CustomResourceDefinition's versions, names and approval may be. What is equal in all versions is reported once, at the
 * place above the versions where Kubernetes keeps it.
 */
final class DefinitionChecks {
    private static final List<String> COLUMN_TYPES = List.of("boolean", "date", "integer", "number", "string");
    private static final List<String> COLUMN_FORMATS =
            List.of("byte", "date", "date-time", "double", "float", "int32", "int64", "password");
    private static final int MOST_SELECTABLE = 8;
    private static final int LONGEST_WARNING = 256;

    private final JsonNode versions;
    private final @Nullable JsonNode before;
    private final List<Cause> causes;

    /** @param before the versions that these replace; null of a new definition */
    DefinitionChecks(JsonNode versions, @Nullable JsonNode before, List<Cause> causes) {
        this.versions = versions;
        this.before = before;
        this.causes = causes;
    }

    // ---- versions

    void versions() {
        schemas();
        shared("subresources", this::scale);
        shared("additionalPrinterColumns", this::columns);
        selectable();
        int i = 0;
        for (JsonNode version : versions) {
            deprecation(version, "spec.versions[" + i++ + "].deprecationWarning");
        }
    }

    @FunctionalInterface
    private interface Check {
        void check(JsonNode value, String at);
    }

    private boolean same(String field) {
        JsonNode first = versions.path(0).path(field);
        for (JsonNode version : versions) {
            if (!version.path(field).equals(first)) {
                return false;
            }
        }
        return true;
    }

    private void shared(String field, Check check) {
        if (same(field)) {
            check.check(versions.path(0).path(field), "spec." + field);
            return;
        }
        for (int i = 0; i < versions.size(); i++) {
            check.check(versions.get(i).path(field), "spec.versions[" + i + "]." + field);
        }
    }

    private void schemas() {
        boolean same = same("schema");
        for (int i = 0; i < versions.size(); i++) {
            JsonNode schema = versions.get(i).path("schema").path("openAPIV3Schema");
            if (!schema.isObject()) {
                causes.add(Cause.required("spec.versions[" + i + "].schema.openAPIV3Schema", "schemas are required"));
            } else if (!same || i == 0) {
                String place = (same ? "spec.validation" : "spec.versions[" + i + "].schema") + ".openAPIV3Schema";
                List<Cause> found = Schema.check(schema, place);
                causes.addAll(found);
                if (found.isEmpty()) {
                    boolean unchanged =
                            schema.equals(schemaBefore(versions.get(i).path("name")));
                    causes.addAll(RuleCheck.check(Schema.ofResource(schema), place, unchanged));
                }
            }
        }
    }

    private @Nullable JsonNode schemaBefore(JsonNode name) {
        if (before != null) {
            for (JsonNode version : before) {
                if (version.path("name").equals(name)) {
                    return version.path("schema").path("openAPIV3Schema");
                }
            }
        }
        return null;
    }

    private void columns(JsonNode columns, String at) {
        int i = 0;
        for (JsonNode column : columns) {
            String place = at + "[" + i++ + "]";
            if (column.path("name").asText("").isEmpty()) {
                causes.add(Cause.required(place + ".name", ""));
            }
            String type = column.path("type").asText("");
            String types = "must be one of " + String.join(",", COLUMN_TYPES);
            if (type.isEmpty()) {
                causes.add(Cause.required(place + ".type", types));
            } else if (!COLUMN_TYPES.contains(type)) {
                causes.add(Cause.invalid(place + ".type", type, types));
            }
            String format = column.path("format").asText("");
            if (!format.isEmpty() && !COLUMN_FORMATS.contains(format)) {
                causes.add(
                        Cause.invalid(place + ".format", format, "must be one of " + String.join(",", COLUMN_FORMATS)));
            }
            String path = column.path("jsonPath").asText("");
            if (path.isEmpty()) {
                causes.add(Cause.required(place + ".JSONPath", ""));
            } else {
                boolean _ = simple(path, place + ".JSONPath");
            }
        }
    }

    private boolean simple(String path, String at) {
        if (path.startsWith(".")) {
            return true;
        }
        causes.add(Cause.invalid(at, path, "must be a simple json path starting with ."));
        return false;
    }

    private void scale(JsonNode subresources, String at) {
        JsonNode scale = subresources.path("scale");
        if (!scale.isObject()) {
            return;
        }
        for (String part : List.of("spec", "status")) {
            String place = at + ".scale." + part + "ReplicasPath";
            String path = scale.path(part + "ReplicasPath").asText("");
            if (path.isEmpty()) {
                causes.add(Cause.required(place, ""));
            } else if (simple(path, place) && !path.startsWith("." + part + ".")) {
                causes.add(Cause.invalid(place, path, "should be a json path under ." + part));
            }
        }
        String selector = scale.path("labelSelectorPath").asText("");
        String place = at + ".scale.labelSelectorPath";
        if (!selector.isEmpty()
                && simple(selector, place)
                && !selector.startsWith(".spec.")
                && !selector.startsWith(".status.")) {
            causes.add(Cause.invalid(place, selector, "should be a json path under either .spec or .status"));
        }
    }

    private void selectable() {
        boolean same = same("selectableFields");
        for (int i = 0; i < versions.size() && (!same || i == 0); i++) {
            JsonNode version = versions.get(i);
            String at = (same ? "spec." : "spec.versions[" + i + "].") + "selectableFields";
            Set<String> seen = new HashSet<>();
            int n = 0;
            for (JsonNode field : version.path("selectableFields")) {
                String path = field.path("jsonPath").asText("");
                String place = at + "[" + n++ + "].jsonPath";
                if (path.isEmpty()) {
                    causes.add(Cause.required(place, ""));
                } else {
                    selectable(version.path("schema").path("openAPIV3Schema"), path, place, seen);
                }
            }
            if (seen.size() > MOST_SELECTABLE) {
                causes.add(new Cause(
                        at,
                        "FieldValueTooMany",
                        "Too many: " + seen.size() + ": must have at most " + MOST_SELECTABLE + " items"));
            }
        }
    }

    private void selectable(JsonNode schema, String path, String place, Set<String> seen) {
        JsonNode target = schema;
        String[] steps = path.startsWith(".") ? path.substring(1).split("\\.", -1) : new String[] {""};
        for (String step : steps) {
            target = target.path("properties").path(step);
        }
        boolean metadata = path.equals(".metadata") || path.startsWith(".metadata.");
        if (target.isMissingNode() && !metadata) {
            causes.add(Cause.invalid(place, path, "is an invalid path: does not refer to a valid field"));
            return;
        }
        if (metadata) {
            causes.add(Cause.invalid(place, path, "must not point to fields in metadata"));
        }
        if (!List.of("string", "boolean", "integer")
                .contains(target.path("type").asText(""))) {
            causes.add(Cause.invalid(
                    place,
                    path,
                    "must point to a field of type string, boolean or integer. Enum string fields and strings with "
                            + "formats are allowed."));
        }
        if (!seen.add(path)) {
            causes.add(new Cause(place, "FieldValueDuplicate", "Duplicate value: " + Statuses.quote(path)));
        }
    }

    private void deprecation(JsonNode version, String at) {
        if (!version.hasNonNull("deprecationWarning")) {
            return;
        }
        String text = version.path("deprecationWarning").asText();
        if (!version.path("deprecated").asBoolean(false)) {
            causes.add(Cause.invalid(at, text, "can only be set for deprecated versions"));
            return;
        }
        if (text.length() > LONGEST_WARNING) {
            causes.add(Cause.invalid(at, text, "must be <= " + LONGEST_WARNING + " characters long"));
        }
        if (text.isEmpty()) {
            causes.add(Cause.invalid(at, text, "must not be an empty string"));
        }
        for (int i = 0; i < text.length(); i++) {
            if (Character.isISOControl(text.charAt(i))) {
                causes.add(Cause.invalid(
                        at,
                        text,
                        "must only contain printable UTF-8 characters; non-printable character found at index " + i));
                return;
            }
        }
    }

    boolean uniqueNames() {
        Set<String> names = new HashSet<>();
        for (JsonNode version : versions) {
            if (!names.add(version.path("name").asText())) {
                return false;
            }
        }
        return true;
    }

    /** Versions in which objects may be stored have to stay. */
    void storedVersions(JsonNode stored) {
        List<String> names = new ArrayList<>();
        versions.forEach(version -> names.add(version.path("name").asText()));
        int i = 0;
        for (String version : Json.list(stored)) {
            if (!names.contains(version)) {
                causes.add(Cause.invalid(
                        "status.storedVersions[" + i + "]",
                        version,
                        "missing from spec.versions; " + version
                                + " was previously a storage version, and must remain in "
                                + "spec.versions until a storage migration ensures no data remains persisted in "
                                + version
                                + " and removes " + version + " from status.storedVersions"));
            }
            i++;
        }
    }

    // ---- names

    void names(JsonNode names) {
        String listKind = names.path("listKind").asText("");
        if (!listKind.isEmpty()) {
            Names.label1035(listKind.toLowerCase(Locale.ROOT))
                    .forEach(w -> causes.add(Cause.invalid(
                            "spec.names.listKind", listKind, "may have mixed case, but should otherwise match: " + w)));
            if (listKind.equals(names.path("kind").asText(""))) {
                causes.add(Cause.invalid("spec.names.listKind", listKind, "kind and listKind may not be the same"));
            }
        }
        int i = 0;
        for (String category : Json.list(names.path("categories"))) {
            String at = "spec.names.categories[" + i++ + "]";
            Names.label1035(category).forEach(w -> causes.add(Cause.invalid(at, category, w)));
        }
    }

    // ---- approval of groups that belong to Kubernetes

    void approved(ObjectNode crd) {
        ApiApproval approval = ApiApproval.of(crd);
        if (approval == null || approval.approved() || approval.bypassed()) {
            return;
        }
        String text = crd.path("metadata")
                .path("annotations")
                .path(ApiApproval.ANNOTATION)
                .asText("");
        String at = "metadata.annotations[" + ApiApproval.ANNOTATION + "]";
        causes.add(
                text.isEmpty() ? Cause.required(at, approval.message()) : Cause.invalid(at, text, approval.message()));
    }
}
