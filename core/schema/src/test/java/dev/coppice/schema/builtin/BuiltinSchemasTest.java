package dev.coppice.schema.builtin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Json;
import dev.coppice.schema.Schema;
import dev.coppice.schema.apply.FieldManager;
import dev.coppice.schema.patch.StrategicMergePatch;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class BuiltinSchemasTest {
    private static Schema schema(String group, String kind) {
        Schema schema = BuiltinSchemas.schema(group, "v1", kind);
        assertThat(schema).as(kind).isNotNull();
        return schema;
    }

    @Test
    void describesFieldsAsKubernetes() {
        assertThat(BuiltinSchemas.description(BuiltinSchemas.OBJECT_META, "creationTimestamp"))
                .isEqualTo(
                        "CreationTimestamp is a timestamp representing the server time when this object was created. It is not"
                                + " guaranteed to be set in happens-before order across separate operations. Clients may not set this value."
                                + " It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists."
                                + " More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata");
        assertThat(BuiltinSchemas.description(BuiltinSchemas.OBJECT_META, "name"))
                .startsWith("Name must be unique within a namespace. Is required when creating resources,")
                .endsWith("working-with-objects/names#names");
        assertThat(BuiltinSchemas.description("io.k8s.api.coordination.v1.LeaseSpec", "holderIdentity"))
                .endsWith("the holder identity must be equal to the elected LeaseCandidate.metadata.name field.");
    }

    @Test
    void everyReferenceResolves() {
        for (String name : BuiltinSchemas.names()) {
            Schema schema = BuiltinSchemas.named(name);
            schema.properties().values().forEach(p -> {
                assertThat(p.json()).isNotNull();
                Schema items = p.items();
                if (items != null) {
                    assertThat(items.json()).isNotNull();
                }
            });
        }
    }

    @Test
    void findsUnknownFields() {
        JsonNode pod =
                Json.of("{apiVersion:'v1',kind:'Pod',metadata:{name:'a',bogus:1,managedFields:[{fieldsV1:{'f:x':{}}}]},"
                        + "spec:{containers:[{name:'c',image:'i',nope:1,resources:{limits:{cpu:1}}}],zz:1}}");
        assertThat(schema("", "Pod").unknownFields(pod))
                .containsExactly("metadata.bogus", "spec.containers[0].nope", "spec.zz");
    }

    @Test
    void mergesServiceAccounts() {
        ObjectNode live = Json.object(
                "{apiVersion:'v1',kind:'ServiceAccount',metadata:{name:'b'},imagePullSecrets:[{name:'p1'}],secrets:[{name:'s1'}]}");
        ObjectNode patched = StrategicMergePatch.apply(
                schema("", "ServiceAccount"),
                live,
                Json.object("{imagePullSecrets:[{name:'p2'}],secrets:[{name:'s2'}]}"));
        assertThat(patched.path("imagePullSecrets")).isEqualTo(Json.of("[{name:'p2'}]"));
        assertThat(patched.path("secrets")).isEqualTo(Json.of("[{name:'s2'},{name:'s1'}]"));
    }

    @Test
    void appliesServiceAccounts() {
        FieldManager manager = FieldManager.of("v1", schema("", "ServiceAccount"));
        Instant now = Instant.parse("2026-01-01T00:00:00Z");
        ObjectNode live = manager.apply(
                null,
                Json.object(
                        "{apiVersion:'v1',kind:'ServiceAccount',metadata:{name:'bot'},secrets:[{name:'s1'}],imagePullSecrets:[{name:'p1'}]}"),
                "m1",
                false,
                now);
        live = manager.apply(
                live,
                Json.object("{apiVersion:'v1',kind:'ServiceAccount',metadata:{name:'bot'},secrets:[{name:'s2'}]}"),
                "m2",
                false,
                now);
        assertThat(live.path("secrets")).isEqualTo(Json.of("[{name:'s1'},{name:'s2'}]"));
        assertThat(live.at("/metadata/managedFields/0/fieldsV1"))
                .isEqualTo(Json.of("{'f:imagePullSecrets':{},'f:secrets':{'k:{\\\"name\\\":\\\"s1\\\"}':{}}}"));
    }
}
