package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;

/** Writes the schemas of types into OpenAPI documents. */
final class Schemas {
    private Schemas() {}

    static void addTo(ObjectNode schemas, Definition d, String prefix) {
        ObjectNode schema = d.schema().json().deepCopy();
        ObjectNode gvk = Json.object()
                .put("group", d.group())
                .put("version", d.version())
                .put("kind", d.kind());
        if (!schema.has("type")) {
            schema.put("type", "object");
        }
        schema.putArray("x-kubernetes-group-version-kind").add(gvk);
        schemas.set(OpenApiDocuments.name(d), schema);
        assert !prefix.isEmpty();
    }
}
