package dev.coppice.control.resource;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.control.ServedApi;
import dev.coppice.control.ServedApi.Answer;
import dev.coppice.control.runtime.Eventually;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Definitions whose rules could cost too much, at the API. */
class DefinitionCostTest {
    private static final String CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private static final String RULE = "spec.validation.openAPIV3Schema.properties[spec].properties[tags]"
            + ".x-kubernetes-validations[0].rule: Forbidden: ";
    private static final String ADVICE = " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength"
            + " where arrays, maps, and strings are declared)";

    @TempDir
    static Path directory;

    private static ServedApi api;

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
    }

    @AfterAll
    static void close() {
        api.close();
    }

    /** A definition with one rule: 11 units for each tag, of which it limits neither number nor length unless told. */
    private static String crd(String plural, String maxItems, String maxLength) {
        return """
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                "metadata":{"name":"%1$s.cost.test"},"spec":{"group":"cost.test","scope":"Cluster",
                "names":{"plural":"%1$s","kind":"%1$sKind"},"versions":[{"name":"v1","served":true,"storage":true,
                "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{
                "tags":{"type":"array",%2$s"items":{%3$s"type":"string"},
                "x-kubernetes-validations":[{"rule":"self.all(x, x.contains('gpu'))"}]}}}}}}}]}}""".formatted(plural, maxItems, maxLength);
    }

    private static List<String> causes(Answer answer) {
        assertThat(answer.code()).as(answer.message()).isEqualTo(422);
        List<String> causes = new ArrayList<>();
        answer.body()
                .path("details")
                .path("causes")
                .forEach(cause -> causes.add(cause.path("field").asText() + ": "
                        + cause.path("message").asText()));
        return causes;
    }

    private static Answer patch(String name, String body) throws Exception {
        return api.call("PATCH", CRDS + "/" + name, body, "Content-Type", "application/merge-patch+json");
    }

    /** The example of docs/resource-api.md, with and without its limits. */
    @Test
    void isRefusedWhenItIsMade() throws Exception {
        String page = Files.readString(Path.of("../../docs/resource-api.md"));
        String example = page.substring(page.indexOf("## What rules may cost"));
        example = example.substring(example.indexOf("```yaml\n") + 8, example.indexOf("```\n\nWithout"));
        String unlimited = example.replaceFirst("maxItems: 25\n *", "").replaceFirst(", maxLength: 63", "");
        List<String> causes = causes(api.call("POST", CRDS, unlimited, "Content-Type", "application/yaml"));
        assertThat(causes)
                .containsExactlyInAnyOrder(
                        RULE + "estimated rule cost exceeds budget by factor of more than 100x" + ADVICE,
                        RULE
                                + "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
                        "spec.validation.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total"
                                + " for entire OpenAPIv3 schema exceeds budget by factor of more than 100x" + ADVICE);
        assertThat(page.replace('\n', ' '))
                .contains(causes.stream()
                        .filter(cause -> cause.contains("estimated rule cost exceeds"))
                        .findFirst()
                        .orElseThrow());
        assertThat(api.call("GET", CRDS + "/machines.example.org", "").code()).isEqualTo(404);
        assertThat(api.call("POST", CRDS, example, "Content-Type", "application/yaml")
                        .code())
                .isEqualTo(201);
    }

    @Test
    void isRefusedWhenItsSchemaChangesOnly() throws Exception {
        assertThat(api.call("POST", CRDS, crd("olds", "\"maxItems\":900000,", "\"maxLength\":16,"))
                        .code())
                .isEqualTo(201);
        api.await(200, "GET", "/apis/cost.test/v1/olds", "");
        store("/registry/apiextensions.k8s.io/customresourcedefinitions/olds.cost.test", "900000", "999999");
        Eventually.eventually(
                Duration.ofSeconds(20),
                () -> api.call("GET", CRDS + "/olds.cost.test", "")
                        .body()
                        .toString()
                        .contains("999999"));
        assertThat(patch("olds.cost.test", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}")
                        .code())
                .as("stored by an earlier version that took it")
                .isEqualTo(200);
        assertThat(causes(api.call(
                        "PUT", CRDS + "/olds.cost.test", crd("olds", "\"maxItems\":999998,", "\"maxLength\":16,"))))
                .containsExactly(RULE + "estimated rule cost exceeds budget by factor of 1.099998x" + ADVICE);
    }

    /** Changes a stored definition, past the API. */
    private static void store(String key, String from, String to) {
        ByteString name = ByteString.copyFromUtf8(key);
        String stored = api.keyspace()
                .range(RangeRequest.newBuilder().setKey(name).build())
                .getKvs(0)
                .getValue()
                .toStringUtf8();
        assertThat(stored).contains(from);
        var _ = api.keyspace()
                .put(PutRequest.newBuilder()
                        .setKey(name)
                        .setValue(ByteString.copyFromUtf8(stored.replace(from, to)))
                        .build());
    }
}
