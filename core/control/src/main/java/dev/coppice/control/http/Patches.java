package dev.coppice.control.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.schema.patch.JsonPatch;
import dev.coppice.schema.patch.MergePatch;
import dev.coppice.schema.patch.PatchException;
import dev.coppice.schema.patch.StrategicMergePatch;

/** The patches by their content types. */
final class Patches {
    static final String APPLY = "application/apply-patch+yaml";
    private static final String JSON = "application/json-patch+json";
    private static final String MERGE = "application/merge-patch+json";
    private static final String STRATEGIC = "application/strategic-merge-patch+json";

    private Patches() {}

    static boolean supported(Definition d, String type) {
        return switch (type) {
            case APPLY, JSON, MERGE -> true;
            case STRATEGIC -> !d.custom();
            default -> false;
        };
    }

    static ApiException unsupported(Definition d) {
        String all =
                d.custom() ? JSON + ", " + MERGE + ", " + APPLY : JSON + ", " + MERGE + ", " + STRATEGIC + ", " + APPLY;
        return Statuses.of(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: " + all);
    }

    /** The new state of an object. */
    static ObjectNode merge(Definition d, String type, ObjectNode old, JsonNode patch, boolean scale) {
        try {
            JsonNode result = switch (type) {
                case JSON -> JsonPatch.apply(old, patch);
                case STRATEGIC ->
                    scale
                            ? MergePatch.apply(old, object(patch))
                            : StrategicMergePatch.apply(d.schema(), old, object(patch));
                default -> MergePatch.apply(old, object(patch));
            };
            if (result instanceof ObjectNode object) {
                return object;
            }
            throw Statuses.badRequest("the patch does not leave a JSON object");
        } catch (PatchException e) {
            String message = String.valueOf(e.getMessage());
            throw switch (e.kind()) {
                case MALFORMED -> Statuses.badRequest(message);
                case UNPROCESSABLE, TEST_FAILED -> Statuses.of(422, "Invalid", message);
            };
        }
    }

    private static ObjectNode object(JsonNode patch) {
        if (patch instanceof ObjectNode object) {
            return object;
        }
        throw Statuses.badRequest("error decoding patch: json: cannot unmarshal "
                + patch.getNodeType().name().toLowerCase(java.util.Locale.ROOT)
                + " into Go value of type map[string]interface {}");
    }
}
