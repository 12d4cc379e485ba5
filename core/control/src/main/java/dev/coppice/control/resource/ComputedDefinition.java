package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Kind;
import dev.coppice.control.request.Json;
import dev.coppice.schema.RecordSchema;
import dev.coppice.schema.Schema;
import java.util.List;

/** Makes the definition of a kind whose objects are made on demand, from its records. */
public final class ComputedDefinition {
    private static final List<String> VERBS = List.of("get", "list");

    private ComputedDefinition() {}

    public static Definition of(Kind<?, ?> kind, ComputedSource source) {
        List<Subresource> parts = source.parts().stream()
                .map(part -> new Subresource(part.name(), "", "", part.kind(), part.verbs()))
                .toList();
        Definition.Builder b = Definition.of(kind.group(), kind.version(), kind.plural(), kind.kind())
                .custom()
                .computed(source)
                .shortNames(kind.shortNames())
                .categories(kind.categories())
                .verbs(VERBS)
                .subresources(parts)
                .selectable(source.selectableFields().toArray(String[]::new))
                .columns(CustomColumns.of(columns(kind)))
                .schema(() -> Schema.ofResource(RecordSchema.ofKind(kind.description(), kind.spec(), kind.status())));
        return (kind.namespaced() ? b : b.clusterScoped()).build();
    }

    /** The columns of a kind as a CustomResourceDefinition declares them. */
    public static ArrayNode columns(Kind<?, ?> kind) {
        ArrayNode columns = Json.array();
        for (Kind.Column column : kind.columns()) {
            ObjectNode each = columns.addObject()
                    .put("name", column.name())
                    .put("type", column.type())
                    .put("jsonPath", column.jsonPath())
                    .put("description", column.description());
            if (column.wide()) {
                each.put("priority", 1);
            }
        }
        return columns;
    }
}
