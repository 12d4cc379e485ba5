package dev.coppice.schema.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Json;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class OpenApiTest {
    private static final List<String> ALL =
            List.of("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch");
    private static final ApiType WIDGET =
            new ApiType("example.test", "v1", "Widget", "widgets", true, ALL, List.of("status", "scale"), Json.of("""
                    {type:'object',description:'A widget.',properties:{spec:{type:'object',properties:{
                    port:{'x-kubernetes-int-or-string':true,anyOf:[{type:'integer'},{type:'string'}]},
                    free:{type:'object','x-kubernetes-preserve-unknown-fields':true,properties:{a:{type:'string'}}},
                    n:{type:'integer',nullable:true,default:3},s:{type:'string',default:'x',oneOf:[{pattern:'a'}]}}}}}"""));
    private static final ApiType CONFIG_MAP =
            new ApiType("", "v1", "ConfigMap", "configmaps", true, ALL, List.of(), null);
    private static final ApiType NODE = new ApiType("", "v1", "Node", "nodes", false, ALL, List.of("status"), null);

    private static void references(JsonNode node, Set<String> found) {
        JsonNode ref = node.get("$ref");
        if (ref != null && ref.isTextual()) {
            found.add(ref.asText().substring(ref.asText().lastIndexOf('/') + 1));
        }
        node.forEach(child -> references(child, found));
    }

    private static void assertComplete(ObjectNode document, JsonNode schemas) {
        Set<String> found = new TreeSet<>();
        references(document, found);
        Set<String> known = new TreeSet<>();
        schemas.fieldNames().forEachRemaining(known::add);
        assertThat(known).containsAll(found);
    }

    @Test
    void v3DescribesCustomTypes() {
        ObjectNode document = OpenApi.v3(List.of(WIDGET), "v1.32.13");
        JsonNode schemas = document.at("/components/schemas");
        assertComplete(document, schemas);
        JsonNode widget = schemas.path("test.example.v1.Widget");
        assertThat(widget.at("/properties/metadata/allOf/0/$ref").asText())
                .isEqualTo("#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        assertThat(widget.at("/properties/spec/properties/n/default").asInt()).isEqualTo(3);
        assertThat(widget.path("x-kubernetes-group-version-kind").get(0))
                .isEqualTo(Json.of("{group:'example.test',kind:'Widget',version:'v1'}"));
        JsonNode patch = document.path("paths")
                .path("/apis/example.test/v1/namespaces/{namespace}/widgets/{name}")
                .path("patch");
        assertThat(patch.path("x-kubernetes-group-version-kind").path("kind").asText())
                .isEqualTo("Widget");
        assertThat(patch.path("parameters").findValuesAsText("name")).contains("dryRun", "fieldValidation");
        assertThat(schemas.has("test.example.v1.WidgetList")).isTrue();
    }

    @Test
    void v3DescribesBuiltInTypes() {
        ObjectNode document = OpenApi.v3(List.of(CONFIG_MAP, NODE), "v1.32.13");
        JsonNode schemas = document.at("/components/schemas");
        assertComplete(document, schemas);
        assertThat(schemas.at("/io.k8s.api.core.v1.ConfigMap/properties/metadata/allOf/0/$ref")
                        .asText())
                .endsWith("ObjectMeta");
        assertThat(schemas.at("/io.k8s.apimachinery.pkg.api.resource.Quantity/oneOf")
                        .size())
                .isEqualTo(2);
        assertThat(schemas.has("io.k8s.api.core.v1.Pod")).isFalse();
        assertThat(document.at("/paths").has("/api/v1/nodes/{name}/status")).isTrue();
    }

    @Test
    void v2IsReduced() {
        ObjectNode document = OpenApi.v2(List.of(WIDGET, CONFIG_MAP), "v1.32.13");
        assertComplete(document, document.path("definitions"));
        assertThat(document.at("/definitions/test.example.v1.Widget/properties/spec/properties"))
                .isEqualTo(Json.of("""
                        {port:{'x-kubernetes-int-or-string':true},
                        free:{type:'object','x-kubernetes-preserve-unknown-fields':true},n:{},s:{type:'string'}}"""));
        assertThat(document.at("/definitions/io.k8s.api.core.v1.ConfigMap/properties/metadata/$ref")
                        .asText())
                .isEqualTo("#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        assertThat(document.at("/definitions/io.k8s.api.core.v1.ConfigMap/properties/metadata/allOf")
                        .isMissingNode())
                .isTrue();
    }
}
