package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import java.time.Instant;

/** Makes meta.k8s.io/v1 Tables and PartialObjectMetadata. */
public final class Tables {
    private Tables() {}

    /** An empty table with the columns of a type. */
    public static ObjectNode table(Definition definition, boolean withColumns, String resourceVersion) {
        ObjectNode table = Json.object();
        table.put("kind", "Table").put("apiVersion", "meta.k8s.io/v1");
        ObjectNode meta = table.putObject("metadata");
        if (!resourceVersion.isEmpty()) {
            meta.put("resourceVersion", resourceVersion);
        }
        table.set("columnDefinitions", withColumns ? definition.columns().definitions() : Json.array());
        table.putArray("rows");
        return table;
    }

    /**
     * Adds a row.
     *
     * @param include None, Metadata or Object: what of the object comes with it
     */
    public static void addRow(
            ObjectNode table,
            Definition definition,
            ObjectNode stored,
            ObjectNode object,
            String include,
            Instant now) {
        ObjectNode row = ((ArrayNode) table.get("rows")).addObject();
        row.set("cells", definition.columns().cells(stored, now));
        switch (include) {
            case "None" -> row.putNull("object");
            case "Object" -> row.set("object", object);
            default -> row.set("object", partial(object));
        }
    }

    /** The metadata of an object alone. */
    public static ObjectNode partial(ObjectNode object) {
        ObjectNode partial = Json.object();
        partial.put("kind", "PartialObjectMetadata").put("apiVersion", "meta.k8s.io/v1");
        partial.set("metadata", object.path("metadata"));
        return partial;
    }
}
