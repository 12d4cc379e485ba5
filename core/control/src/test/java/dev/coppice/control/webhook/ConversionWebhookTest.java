package dev.coppice.control.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ServedApi;
import dev.coppice.control.ServedApi.Answer;
import dev.coppice.control.request.Json;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Custom resources with a conversion webhook: v1 has {@code spec.address}, v2 has {@code spec.host} and {@code spec.port}. */
class ConversionWebhookTest {
    private static final String CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    @TempDir
    static Path directory;

    private static ServedApi api;
    private static WebhookServer hooks;

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
        hooks = new WebhookServer(api.kernel(), directory.resolve("pki"), "127.0.0.1");
        hooks.on("/convert", ConversionWebhookTest::convert);
    }

    @AfterAll
    static void stop() {
        hooks.close();
        api.close();
    }

    private static ObjectNode convert(JsonNode request) {
        ObjectNode response = Json.object();
        response.putObject("result").put("status", "Success");
        var converted = response.putArray("convertedObjects");
        String wanted = request.path("desiredAPIVersion").asText();
        for (JsonNode each : request.path("objects")) {
            ObjectNode object = each.deepCopy();
            ObjectNode spec = Json.child(object, "spec");
            if (wanted.endsWith("/v2")) {
                String[] parts = spec.path("address").asText().split(":");
                spec.put("host", parts[0])
                        .put("port", Integer.parseInt(parts[1]))
                        .remove("address");
            } else {
                spec.put(
                                "address",
                                spec.path("host").asText() + ":"
                                        + spec.path("port").asInt())
                        .remove(List.of("host", "port"));
            }
            object.put("apiVersion", wanted);
            converted.add(object);
        }
        return response;
    }

    private static String version(String name, boolean storage, String properties, String columns) {
        return "{\"name\":\"" + name + "\",\"served\":true,\"storage\":" + storage
                + ",\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\","
                + "\"properties\":{" + properties + "}}}}}" + columns + "}";
    }

    private static String definition(String plural, String storage, String path) {
        return "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":\""
                + plural
                + ".conv.test\"},\"spec\":{\"group\":\"conv.test\",\"scope\":\"Cluster\",\"names\":{\"plural\":\""
                + plural + "\",\"kind\":\"K" + plural + "\"},\"conversion\":{\"strategy\":\"Webhook\",\"webhook\":"
                + "{\"conversionReviewVersions\":[\"v1\"],\"clientConfig\":" + hooks.clientConfig(path)
                + "}},\"versions\":["
                + version("v1", storage.equals("v1"), "\"address\":{\"type\":\"string\"}", "") + ","
                + version(
                        "v2",
                        storage.equals("v2"),
                        "\"host\":{\"type\":\"string\"},\"port\":{\"type\":\"integer\"}",
                        ",\"selectableFields\":[{\"jsonPath\":\".spec.host\"}],\"additionalPrinterColumns\":"
                                + "[{\"name\":\"Port\",\"type\":\"integer\",\"jsonPath\":\".spec.port\"}]")
                + "]}}";
    }

    private static String define(String plural, String path) throws Exception {
        Answer made = api.call("POST", CRDS, definition(plural, "v1", path));
        assertThat(made.code()).as(made.body().toString()).isEqualTo(201);
        for (String version : List.of("v1", "v2")) {
            api.await(200, "GET", "/apis/conv.test/" + version + "/" + plural, "");
        }
        hooks.asked();
        return "/apis/conv.test/v1/" + plural;
    }

    private static String object(String plural, String name, String address) {
        return "{\"apiVersion\":\"conv.test/v1\",\"kind\":\"K" + plural + "\",\"metadata\":{\"name\":\"" + name
                + "\"},\"spec\":{\"address\":\"" + address + "\"}}";
    }

    @Test
    void objectsAreReadAndWrittenInEveryVersion() throws Exception {
        String one = define("doors", "/convert");
        String two = one.replace("/v1/", "/v2/");
        assertThat(api.call("POST", one, object("doors", "a", "h:1")).code()).isEqualTo(201);
        assertThat(api.call("POST", one, object("doors", "b", "g:2")).code()).isEqualTo(201);
        assertThat(hooks.asked()).as("nothing to convert").isEmpty();

        Answer read = api.call("GET", two + "/a", "");
        assertThat(read.body().path("spec").toString()).isEqualTo("{\"host\":\"h\",\"port\":1}");
        hooks.asked();
        Answer list = api.call("GET", two, "");
        assertThat(list.body().path("items").findValuesAsText("host")).containsExactly("h", "g");
        // Others may be about kinds of other tests, which are looked at in the background.
        assertThat(hooks.asked())
                .filteredOn(each -> each.path("request")
                        .path("objects")
                        .path(0)
                        .path("kind")
                        .asText()
                        .equals("Kdoors"))
                .as("one review for a whole list")
                .hasSize(1);

        ObjectNode changed = read.body().deepCopy();
        Json.child(changed, "spec").put("port", 9);
        assertThat(api.call("PUT", two + "/a", changed.toString()).code()).isEqualTo(200);
        assertThat(api.call("GET", one + "/a", "")
                        .body()
                        .path("spec")
                        .path("address")
                        .asText())
                .isEqualTo("h:9");

        Answer chosen = api.call("GET", two + "?fieldSelector=spec.host%3Dg", "");
        assertThat(chosen.body().path("items")).hasSize(1);
        Answer table = api.call("GET", two, "", "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
        assertThat(table.body().path("rows").get(1).path("cells").toString()).isEqualTo("[\"b\",2]");
    }

    @Test
    void aNewStorageVersionIsReachedByWritingObjectsAgain() throws Exception {
        String one = define("gates", "/convert");
        String two = one.replace("/v1/", "/v2/");
        api.call("POST", one, object("gates", "old", "h:1"));
        ObjectNode crd = api.call("GET", CRDS + "/gates.conv.test", "").body().deepCopy();
        crd.set("spec", Json.parse(definition("gates", "v2", "/convert")).path("spec"));
        assertThat(api.call("PUT", CRDS + "/gates.conv.test", crd.toString())
                        .body()
                        .path("status")
                        .path("storedVersions")
                        .toString())
                .isEqualTo("[\"v1\",\"v2\"]");
        api.await(
                201,
                "POST",
                two,
                "{\"apiVersion\":\"conv.test/v2\",\"kind\":\"Kgates\",\"metadata\":{\"name\":\"new\"},"
                        + "\"spec\":{\"host\":\"n\",\"port\":3}}");
        assertThat(api.call("GET", two, "").body().path("items").findValuesAsText("host"))
                .containsExactly("n", "h");
        assertThat(api.call("GET", one, "").body().path("items").findValuesAsText("address"))
                .containsExactly("n:3", "h:1");

        ObjectNode old = api.call("GET", two + "/old", "").body().deepCopy();
        String before = Json.text(old, "metadata", "resourceVersion");
        assertThat(Json.text(api.call("PUT", two + "/old", old.toString()).body(), "metadata", "resourceVersion"))
                .as("writing it again migrates it")
                .isNotEqualTo(before);
        hooks.asked();
        assertThat(api.call("GET", two + "/old", "")
                        .body()
                        .path("spec")
                        .path("host")
                        .asText())
                .isEqualTo("h");
        assertThat(hooks.asked())
                .as("conversions to v2; watches of v1 have theirs when they come to it")
                .noneMatch(review ->
                        Json.text(review, "request", "desiredAPIVersion").equals("conv.test/v2"));
    }

    @Test
    void aWebhookThatFailsOrLiesIsToldOf() throws Exception {
        hooks.on("/refuse", r -> {
            ObjectNode response = Json.object();
            response.putObject("result").put("status", "Failed").put("message", "cannot do that");
            return response;
        });
        hooks.on("/rename", r -> {
            ObjectNode response = convert(r);
            ((ObjectNode) response.path("convertedObjects").get(0).path("metadata")).put("name", "other");
            return response;
        });
        for (var each : List.of(
                List.of("refuse", "conversion webhook for conv.test/v1, Kind=Krefuse failed: cannot do that"),
                List.of("rename", "invalid converted object at index 0: metadata.name differs"))) {
            String one = define(each.getFirst(), "/" + each.getFirst());
            api.call("POST", one, object(each.getFirst(), "x", "h:1"));
            Answer read = api.call("GET", one.replace("/v1/", "/v2/") + "/x", "");
            assertThat(read.code()).isEqualTo(500);
            assertThat(read.message()).contains(each.getLast());
            assertThat(api.call("GET", one + "/x", "").code()).isEqualTo(200);
        }
    }

    @Test
    void aDefinitionHasToSayWhereItsWebhookIs() throws Exception {
        String wrong = definition("wrong", "v1", "/convert")
                .replaceFirst("\"clientConfig\":\\{[^}]*\\}", "\"clientConfig\":{\"url\":\"http://x\"}")
                .replace("[\"v1\"]", "[]");
        assertThat(api.call("POST", CRDS, wrong)
                        .body()
                        .path("details")
                        .path("causes")
                        .findValuesAsText("field"))
                .contains("spec.conversion.webhookClientConfig.url", "spec.conversion.conversionReviewVersions");
    }
}
