package dev.coppice.control.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import dev.coppice.control.ServedApi;
import dev.coppice.control.ServedApi.Answer;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.runtime.Eventually;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.store.api.PutRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mutating and validating webhooks, asked over HTTPS by an API server that is asked over HTTP. */
class AdmissionWebhooksTest {
    private static final String ADMISSION = "/apis/admissionregistration.k8s.io/v1/";
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String RULES =
            "[{\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"resources\":[\"configmaps\"],\"operations\":[\"*\"]}]";

    @TempDir
    static Path directory;

    private static ServedApi api;
    private static WebhookServer hooks;
    private static int names;

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
        hooks = new WebhookServer(api.kernel(), directory.resolve("pki"), "127.0.0.1", "hook.default.svc");
    }

    @AfterAll
    static void stop() {
        hooks.close();
        api.close();
    }

    @AfterEach
    void clean() throws Exception {
        for (String plural : List.of("mutatingwebhookconfigurations", "validatingwebhookconfigurations")) {
            api.call("DELETE", ADMISSION + plural, "");
            var cache = cache(plural);
            Eventually.eventually(Duration.ofSeconds(20), () -> cache.size() == 0);
        }
        hooks.asked();
    }

    private static String webhook(String name, String clientConfig, String more) {
        return "{\"name\":\"" + name + ".hooks.test\",\"clientConfig\":" + clientConfig + ",\"rules\":" + RULES
                + ",\"sideEffects\":\"None\",\"admissionReviewVersions\":[\"v1\"]" + more + "}";
    }

    /** Stores a configuration and waits until it is followed: its cache is fed by a watch. */
    private static void configure(String kind, String... webhooks) throws Exception {
        String name = "config-" + ++names;
        String body = "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"" + kind
                + "WebhookConfiguration\",\"metadata\":{\"name\":\"" + name + "\"},\"webhooks\":["
                + String.join(",", webhooks) + "]}";
        String plural = kind.toLowerCase(java.util.Locale.ROOT) + "webhookconfigurations";
        Answer made = api.call("POST", ADMISSION + plural, body);
        assertThat(made.code()).as(made.body().toString()).isEqualTo(201);
        var cache = cache(plural);
        Eventually.eventually(Duration.ofSeconds(20), () -> cache.get("", name) != null);
    }

    private static ResourceCache cache(String plural) {
        return Objects.requireNonNull(api.server().registry().find("admissionregistration.k8s.io", "v1", plural))
                .cache();
    }

    private static String map(String name, String labels) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name + "\",\"labels\":"
                + labels + "},\"data\":{\"a\":\"1\"}}";
    }

    @Test
    void aPatchIsAppliedBeforeValidationAndStored() throws Exception {
        hooks.on("/patch", r -> WebhookServer.patch("[{\"op\":\"add\",\"path\":\"/data/b\",\"value\":\"2\"}]"));
        configure("Mutating", webhook("patch", hooks.clientConfig("/patch"), ""));
        Answer made = api.call("POST", MAPS + "?fieldManager=me", map("patched", "{}"));
        assertThat(made.code()).isEqualTo(201);
        assertThat(made.body().path("data").toString()).isEqualTo("{\"a\":\"1\",\"b\":\"2\"}");
        assertThat(api.call("GET", MAPS + "/patched", "")
                        .body()
                        .path("data")
                        .path("b")
                        .asText())
                .isEqualTo("2");
        JsonNode review = hooks.asked().getFirst();
        JsonNode request = review.path("request");
        assertThat(review.path("apiVersion").asText()).isEqualTo("admission.k8s.io/v1");
        assertThat(request.path("operation").asText()).isEqualTo("CREATE");
        assertThat(request.path("resource").path("resource").asText()).isEqualTo("configmaps");
        assertThat(request.path("userInfo").path("username").asText()).isEqualTo("admin");
        assertThat(request.path("object").path("metadata").has("uid")).isFalse();
        assertThat(request.path("oldObject").isNull()).isTrue();
        assertThat(request.path("options").path("fieldManager").asText()).isEqualTo("me");
    }

    @Test
    void whatAPatchMakesInvalidIsRefused() throws Exception {
        hooks.on("/bad-key", r -> WebhookServer.patch("[{\"op\":\"add\",\"path\":\"/data/a b\",\"value\":\"2\"}]"));
        configure("Mutating", webhook("bad-key", hooks.clientConfig("/bad-key"), ""));
        Answer made = api.call("POST", MAPS, map("bad-key", "{}"));
        assertThat(made.code()).isEqualTo(422);
        assertThat(made.message()).contains("data[a b]");
    }

    @Test
    void aPatchMayNotRename() throws Exception {
        hooks.on(
                "/rename",
                r -> WebhookServer.patch("[{\"op\":\"replace\",\"path\":\"/metadata/name\",\"value\":\"x\"}]"));
        configure("Mutating", webhook("rename", hooks.clientConfig("/rename"), ""));
        assertThat(api.call("POST", MAPS, map("renamed", "{}")).message()).contains("changes metadata.name");
    }

    @Test
    void updatesAndDeletionsAreAskedAboutToo() throws Exception {
        api.call("POST", MAPS, map("changing", "{}"));
        hooks.on("/see", r -> WebhookServer.allow());
        configure("Validating", webhook("see", hooks.clientConfig("/see"), ""));
        api.call("PUT", MAPS + "/changing", map("changing", "{\"x\":\"y\"}"));
        api.call("DELETE", MAPS + "/changing?dryRun=All", "");
        List<JsonNode> asked = hooks.asked();
        assertThat(asked.stream().map(r -> r.path("request").path("operation").asText()))
                .containsExactly("UPDATE", "DELETE");
        assertThat(asked.getFirst()
                        .path("request")
                        .path("oldObject")
                        .path("metadata")
                        .path("uid")
                        .asText())
                .hasSize(36);
        assertThat(asked.getLast().path("request").path("dryRun").asBoolean()).isTrue();
        assertThat(asked.getLast().path("request").path("object").isNull()).isTrue();
    }

    @Test
    void aDenialIsToldAsTheWebhookWordsIt() throws Exception {
        hooks.on("/deny", r -> {
            var response = Json.object().put("allowed", false);
            response.putObject("status").put("code", 418).put("message", "no tea");
            response.putArray("warnings").add("the kettle is empty");
            return response;
        });
        configure("Validating", webhook("deny", hooks.clientConfig("/deny"), ""));
        Answer made = api.call("POST", MAPS, map("denied", "{}"));
        assertThat(made.code()).isEqualTo(418);
        assertThat(made.message()).isEqualTo("admission webhook \"deny.hooks.test\" denied the request: no tea");
        assertThat(api.call("GET", MAPS + "/denied", "").code()).isEqualTo(404);
    }

    @Test
    void warningsOfAllowedRequestsAreToldInHeaders() throws Exception {
        hooks.on("/warn", r -> {
            var response = WebhookServer.allow();
            response.putArray("warnings").add("use another name");
            return response;
        });
        configure("Validating", webhook("warn", hooks.clientConfig("/warn"), ""));
        Answer made = api.call("POST", MAPS, map("warned", "{}"));
        assertThat(made.code()).isEqualTo(201);
        assertThat(made.warnings()).containsExactly("299 - \"use another name\"");
    }

    @Test
    void selectorsAndConditionsChooseWhatIsAsked() throws Exception {
        hooks.on("/chosen", r -> Json.object().put("allowed", false));
        configure(
                "Validating",
                webhook(
                        "chosen",
                        hooks.clientConfig("/chosen"),
                        ",\"objectSelector\":{\"matchLabels\":{\"hook\":\"yes\"}},\"matchConditions\":[{\"name\":\"c\","
                                + "\"expression\":\"object.metadata.name.startsWith('sel')\"}]"));
        assertThat(api.call("POST", MAPS, map("sel-no-label", "{}")).code()).isEqualTo(201);
        assertThat(api.call("POST", MAPS, map("other", "{\"hook\":\"yes\"}")).code())
                .isEqualTo(201);
        Answer made = api.call("POST", MAPS, map("sel-both", "{\"hook\":\"yes\"}"));
        assertThat(made.code()).isEqualTo(400);
        assertThat(made.message())
                .isEqualTo("admission webhook \"chosen.hooks.test\" denied the request without explanation");
    }

    @Test
    void aConditionThatFailsClosesOrOpensByTheFailurePolicy() throws Exception {
        String condition = ",\"matchConditions\":[{\"name\":\"c\",\"expression\":\"object.nothing.here == 1\"}]";
        hooks.on("/conditions", r -> Json.object().put("allowed", false));
        configure(
                "Validating",
                webhook("open", hooks.clientConfig("/conditions"), condition + ",\"failurePolicy\":\"Ignore\""));
        assertThat(api.call("POST", MAPS, map("condition-open", "{}")).code()).isEqualTo(201);
        configure("Validating", webhook("closed", hooks.clientConfig("/conditions"), condition));
        assertThat(api.call("POST", MAPS, map("condition-closed", "{}")).code()).isEqualTo(403);
    }

    @Test
    void aWebhookThatCannotBeReachedFailsOrIsIgnored() throws Exception {
        String nobody = "{\"url\":\"https://127.0.0.1:1/x\",\"caBundle\":\"" + hooks.caBundle() + "\"}";
        configure("Mutating", webhook("ignored", nobody, ",\"failurePolicy\":\"Ignore\""));
        assertThat(api.call("POST", MAPS, map("ignored", "{}")).code()).isEqualTo(201);
        configure("Validating", webhook("needed", nobody, ""));
        Answer made = api.call("POST", MAPS, map("needed", "{}"));
        assertThat(made.code()).isEqualTo(500);
        assertThat(made.message())
                .startsWith("Internal error occurred: failed calling webhook \"needed.hooks.test\": Post"
                        + " \"https://127.0.0.1:1/x?timeout=10s\": ");
    }

    @Test
    void aWebhookThatHangsOrTricklesEndsWithItsTimeout() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        hooks.raw("/hang", exchange -> {
            var _ = end.await(30, TimeUnit.SECONDS);
        });
        hooks.raw("/trickle", exchange -> {
            try (var out = exchange.stream()) {
                while (!end.await(50, TimeUnit.MILLISECONDS)) {
                    out.write(' ');
                    out.flush();
                }
            }
        });
        for (String path : List.of("hang", "trickle")) {
            configure("Validating", webhook(path, hooks.clientConfig("/" + path), ",\"timeoutSeconds\":1"));
            Answer made = api.call("POST", MAPS, map(path, "{}"));
            assertThat(made.code()).isEqualTo(500);
            assertThat(made.message()).contains("context deadline exceeded: no answer within 1 s");
            clean();
        }
        end.countDown();
    }

    @Test
    void answersThatAreNoneAreRefused() throws Exception {
        hooks.raw("/text", e -> e.send("text/plain", "hello"));
        hooks.raw("/status", e -> e.status(503).send("text/plain", "out of order"));
        hooks.raw(
                "/redirect", e -> e.status(302).setHeader("Location", "/allow").sendEmpty());
        hooks.raw("/large", e -> WebhookServer.send(e, new byte[WebhookClient.LARGEST_ANSWER + 1]));
        hooks.raw(
                "/other-uid",
                e -> WebhookServer.send(
                        e,
                        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":\"1\",\"allowed\":true}}"
                                .getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        hooks.on("/patching", r -> WebhookServer.patch("[]"));
        for (var each : List.of(
                List.of("text", "no JSON object"),
                List.of("status", "status 503: out of order"),
                List.of("redirect", "status 302"),
                List.of("large", "larger than"),
                List.of("other-uid", "expected response.uid="),
                List.of("patching", "validating webhook may not return response.patch"))) {
            configure("Validating", webhook(each.getFirst(), hooks.clientConfig("/" + each.getFirst()), ""));
            Answer made = api.call("POST", MAPS, map(each.getFirst(), "{}"));
            assertThat(made.code()).as(each.getFirst()).isEqualTo(500);
            assertThat(made.message()).contains(each.getLast());
            clean();
        }
    }

    @Test
    void aCertificateOfAnotherAuthorityIsNotTrusted() throws Exception {
        try (WebhookServer other = new WebhookServer(api.kernel(), directory.resolve("other-pki"), "127.0.0.1")) {
            other.on("/allow", r -> WebhookServer.allow());
            configure(
                    "Validating",
                    webhook(
                            "stranger",
                            "{\"url\":\"https://127.0.0.1:" + other.port() + "/allow\",\"caBundle\":\""
                                    + hooks.caBundle() + "\"}",
                            ""));
            assertThat(api.call("POST", MAPS, map("stranger", "{}")).code()).isEqualTo(500);
            assertThat(other.asked()).isEmpty();
        }
    }

    @Test
    void aWebhookIsAskedAgainWhenALaterOneChangedTheObject() throws Exception {
        hooks.on(
                "/count",
                r -> WebhookServer.patch("[{\"op\":\"add\",\"path\":\"/data/seen\",\"value\":\""
                        + r.path("object").path("data").size() + "\"}]"));
        hooks.on("/later", r -> WebhookServer.patch("[{\"op\":\"add\",\"path\":\"/data/later\",\"value\":\"1\"}]"));
        configure(
                "Mutating",
                webhook("count", hooks.clientConfig("/count"), ",\"reinvocationPolicy\":\"IfNeeded\""),
                webhook("later", hooks.clientConfig("/later"), ""));
        Answer made = api.call("POST", MAPS, map("again", "{}"));
        assertThat(made.body().path("data").path("seen").asText()).isEqualTo("3");
        assertThat(hooks.asked()).hasSize(3);
    }

    @Test
    void aServiceIsFoundByItsEndpointSlices() throws Exception {
        api.call(
                "POST",
                "/api/v1/namespaces/default/services",
                "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"hook\"},\"spec\":{\"clusterIP\":"
                        + "\"None\",\"ports\":[{\"name\":\"https\",\"port\":443}]}}");
        hooks.on("/service", r -> WebhookServer.allow());
        String service =
                "{\"service\":{\"namespace\":\"default\",\"name\":\"hook\",\"path\":\"/service\"},\"caBundle\":\""
                        + hooks.caBundle() + "\"}";
        configure("Validating", webhook("service", service, ""));
        assertThat(api.call("POST", MAPS, map("no-endpoint", "{}")).message())
                .contains("no endpoints available for service \"hook\"");
        api.call(
                "POST",
                "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"hook-1\","
                        + "\"labels\":{\"kubernetes.io/service-name\":\"hook\"}},\"addressType\":\"IPv4\",\"ports\":"
                        + "[{\"name\":\"https\",\"port\":" + hooks.port()
                        + "}],\"endpoints\":[{\"addresses\":[\"127.0.0.1\"]}]}");
        assertThat(api.await(201, "POST", MAPS, map("by-service", "{}")).code()).isEqualTo(201);
        assertThat(hooks.asked()).hasSize(1);
    }

    @Test
    void webhooksAreNotAskedAboutConfigurationsOfAdmission() throws Exception {
        String all = webhook("all", hooks.clientConfig("/nowhere"), "")
                .replace("\"configmaps\"", "\"*/*\"")
                .replace(
                        "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"]",
                        "\"apiGroups\":[\"*\"],\"apiVersions\":[\"*\"]");
        configure("Validating", all);
        assertThat(api.call("POST", MAPS, map("locked", "{}")).code()).isEqualTo(500);
        assertThat(api.call("DELETE", ADMISSION + "validatingwebhookconfigurations/config-" + names, "")
                        .code())
                .isEqualTo(200);
        api.await(201, "POST", MAPS, map("locked", "{}"));
    }

    @Test
    void allMistakesOfAConfigurationAreTold() throws Exception {
        Answer made = api.call(
                "POST",
                ADMISSION + "mutatingwebhookconfigurations",
                "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"MutatingWebhookConfiguration\","
                        + "\"metadata\":{\"name\":\"wrong\"},\"webhooks\":[{\"name\":\"short\",\"clientConfig\":{\"url\":"
                        + "\"http://u@h/x?y#z\"},\"sideEffects\":\"Some\",\"timeoutSeconds\":31,"
                        + "\"admissionReviewVersions\":[\"v2\"],\"rules\":[{\"operations\":[\"EAT\"]}],"
                        + "\"matchConditions\":[{\"name\":\"c\",\"expression\":\"1\"}]}]}");
        assertThat(made.code()).isEqualTo(422);
        assertThat(made.body().path("details").path("causes").findValuesAsText("field"))
                .contains(
                        "webhooks[0].name",
                        "webhooks[0].sideEffects",
                        "webhooks[0].timeoutSeconds",
                        "webhooks[0].admissionReviewVersions",
                        "webhooks[0].clientConfig.url",
                        "webhooks[0].rules[0].apiGroups",
                        "webhooks[0].rules[0].operations[0]",
                        "webhooks[0].matchConditions[0].expression");
    }

    /** Of an older version of the API: version 1 takes no such configuration. */
    @Test
    void aWebhookWithSideEffectsRefusesADryRunAndIsNotAsked() throws Exception {
        hooks.on("/effects", r -> WebhookServer.allow());
        String webhook = webhook("effects", hooks.clientConfig("/effects"), "")
                .replace("\"sideEffects\":\"None\"", "\"sideEffects\":\"Some\"");
        Definition d = Objects.requireNonNull(
                api.server().registry().find("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"));
        String stored =
                "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"ValidatingWebhookConfiguration\","
                        + "\"metadata\":{\"name\":\"effects\",\"uid\":\"1\"},\"webhooks\":[" + webhook + "]}";
        var _ = api.keyspace()
                .put(PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(d.storageKey("", "effects")))
                        .setValue(ByteString.copyFromUtf8(stored))
                        .build());
        Eventually.eventually(Duration.ofSeconds(20), () -> d.cache().get("", "effects") != null);
        Answer dry = api.call("POST", MAPS + "?dryRun=All", map("effects", "{}"));
        assertThat(dry.code()).as(dry.body().toString()).isEqualTo(400);
        assertThat(dry.message()).contains("effects.hooks.test").contains("dry run");
        assertThat(hooks.asked()).isEmpty();
        assertThat(api.call("POST", MAPS, map("effects", "{}")).code()).isEqualTo(201);
        assertThat(hooks.asked()).hasSize(1);
    }
}
