package dev.coppice.control.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.ApiOptions;
import dev.coppice.control.ServedApi;
import dev.coppice.control.history.JournalRetention;
import dev.coppice.control.oidc.OidcOptions;
import dev.coppice.control.request.Json;
import dev.coppice.control.runtime.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What requests over HTTP leave in the audit log's file. */
class AuditLogTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic";

    @TempDir
    static Path folder;

    private static ServedApi api;
    private static Path log;

    @BeforeAll
    static void start() throws Exception {
        log = folder.resolve("audit.log");
        Path policy = folder.resolve("policy.yaml");
        Files.writeString(policy, """
                apiVersion: audit.k8s.io/v1
                kind: Policy
                omitManagedFields: true
                rules:
                - {level: None, nonResourceURLs: [/healthz]}
                - {level: Metadata, resources: [{group: "", resources: [secrets]}]}
                - {level: Request, verbs: [list], omitStages: [RequestReceived]}
                - {level: RequestResponse}
                """);
        api = new ServedApi(
                folder,
                new ApiOptions(
                        new AuditOptions(policy, log.toString(), 100, 0, 0, AuditOptions.Webhook.NONE),
                        OidcOptions.NONE,
                        JournalRetention.Limits.DEFAULT));
        api.user("kim");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    /** Calls with an ID of its own, and waits for the last event of that. */
    private static List<JsonNode> events(String id, String method, String path, String body, String... headers)
            throws Exception {
        String[] all =
                Stream.concat(Stream.of("Audit-ID", id), Stream.of(headers)).toArray(String[]::new);
        ServedApi.Answer _ = api.call(method, path, body, all);
        return events(id, "ResponseComplete");
    }

    private static List<JsonNode> events(String id, String last) throws Exception {
        List<JsonNode> found = new ArrayList<>();
        Eventually.eventually(LIMIT, () -> {
            found.clear();
            found.addAll(read(id));
            return !found.isEmpty() && found.getLast().path("stage").asText().equals(last);
        });
        return found;
    }

    private static List<JsonNode> read(String id) {
        List<JsonNode> found = new ArrayList<>();
        try {
            String text = Files.exists(log) ? Files.readString(log) : "";
            // The last line may not be whole yet.
            for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n")) {
                if (line.contains("\"auditID\":\"" + id + "\"")) {
                    found.add(Json.mapper().readTree(line));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private static String map(String name) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                + "\"},\"data\":{\"a\":\"b\"}}";
    }

    @Test
    void aPlanTellsNamesOnly() throws Exception {
        List<JsonNode> events = events(
                "plan",
                "POST",
                "/apis/plan.coppice.dev/v1/plans?fieldManager=me",
                "{\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"key\"},"
                        + "\"stringData\":{\"password\":\"swordfish\"}}]}");
        JsonNode event = events.getLast();
        assertThat(event.path("verb").asText()).isEqualTo("create");
        assertThat(event.path("requestObject").path("items").toString())
                .isEqualTo("[{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":"
                        + "{\"namespace\":\"\",\"name\":\"key\"}}]");
        assertThat(events.toString()).doesNotContain("swordfish", "c3dvcmRmaXNo");
    }

    @Test
    void aCreationWithItsObjectsAtRequestResponse() throws Exception {
        List<JsonNode> events = events("create", "POST", MAPS + "?fieldManager=me", map("made"), "User-Agent", "t/1");
        JsonNode received = events.getFirst();
        assertThat(received.path("stage").asText()).isEqualTo("RequestReceived");
        assertThat(received.has("responseStatus")).isFalse();
        assertThat(received.has("requestObject")).isFalse();
        assertThat(events).hasSize(2);
        JsonNode event = events.get(1);
        assertThat(event.path("kind").asText()).isEqualTo("Event");
        assertThat(event.path("apiVersion").asText()).isEqualTo("audit.k8s.io/v1");
        assertThat(event.path("level").asText()).isEqualTo("RequestResponse");
        assertThat(event.path("verb").asText()).isEqualTo("create");
        assertThat(event.path("requestURI").asText()).isEqualTo(MAPS + "?fieldManager=me");
        assertThat(event.path("userAgent").asText()).isEqualTo("t/1");
        assertThat(event.path("user").path("username").asText()).isEqualTo("admin");
        assertThat(event.path("sourceIPs").toString()).isEqualTo("[\"127.0.0.1\"]");
        assertThat(event.path("objectRef").toString())
                .isEqualTo("{\"resource\":\"configmaps\",\"namespace\":\"default\",\"apiVersion\":\"v1\","
                        + "\"name\":\"made\"}");
        assertThat(event.path("responseStatus").toString()).isEqualTo("{\"metadata\":{},\"code\":201}");
        assertThat(event.path("requestObject").path("data").path("a").asText()).isEqualTo("b");
        assertThat(event.path("responseObject").path("metadata").path("uid").asText())
                .isNotEmpty();
        assertThat(event.path("responseObject").path("metadata").has("managedFields"))
                .isFalse();
        assertThat(event.path("annotations")
                        .path("authorization.k8s.io/decision")
                        .asText())
                .isEqualTo("allow");
        assertThat(event.path("requestReceivedTimestamp").asText()).matches("\\d{4}-.*T.*\\.\\d{6}Z");
    }

    @Test
    void whatIsRefusedHasTheReasonInItsStatus() throws Exception {
        List<JsonNode> events = events("refused", "GET", MAPS + "/any", "", "Authorization", "Bearer kim");
        JsonNode event = events.getLast();
        assertThat(event.path("user").path("username").asText()).isEqualTo("kim");
        assertThat(event.path("annotations")
                        .path("authorization.k8s.io/decision")
                        .asText())
                .isEqualTo("forbid");
        JsonNode status = event.path("responseStatus");
        assertThat(status.path("code").asInt()).isEqualTo(403);
        assertThat(status.path("status").asText()).isEqualTo("Failure");
        assertThat(status.path("reason").asText()).isEqualTo("Forbidden");
        assertThat(status.path("message").asText()).contains("cannot get resource");
    }

    @Test
    void secretsAtMetadataHaveNoBodies() throws Exception {
        List<JsonNode> events = events(
                "secret",
                "POST",
                "/api/v1/namespaces/default/secrets",
                "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
                        + "\"stringData\":{\"p\":\"marker-4711\"}}");
        assertThat(events).hasSize(2);
        assertThat(events.get(1).path("objectRef").path("name").asText()).isEqualTo("s");
        assertThat(events.toString()).doesNotContain("marker-4711").doesNotContain("Object\":{\"kind");
    }

    @Test
    void tokensAreInNoEventWhateverThePolicySays() throws Exception {
        String accounts = "/api/v1/namespaces/default/serviceaccounts";
        api.await(200, "GET", accounts + "/default", "");
        ServedApi.Answer issued = api.call(
                "POST",
                accounts + "/default/token",
                "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{}}",
                "Audit-ID",
                "token");
        String token = issued.body().path("status").path("token").asText();
        assertThat(token).isNotEmpty();
        JsonNode event = events("token", "ResponseComplete").getLast();
        assertThat(event.path("responseObject").path("kind").asText()).isEqualTo("TokenRequest");
        assertThat(event.path("responseObject").path("status").path("token").asText())
                .isEmpty();
        var _ = events(
                "review",
                "POST",
                "/apis/authentication.k8s.io/v1/tokenreviews",
                "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"spec\":{\"token\":\"" + token
                        + "\"}}");
        assertThat(Files.readString(log)).doesNotContain(token).doesNotContain("test-token");
    }

    @Test
    void aRuleMayOmitAStage() throws Exception {
        List<JsonNode> events = events("list", "GET", MAPS, "");
        assertThat(events).hasSize(1);
        assertThat(events.getFirst().path("level").asText()).isEqualTo("Request");
        assertThat(events.getFirst().has("responseObject")).isFalse();
    }

    @Test
    void aWatchTellsWhenItStartsAndWhenItEnds() throws Exception {
        List<JsonNode> events = events("watch", "GET", MAPS + "?watch=1&timeoutSeconds=1", "");
        assertThat(events.stream().map(e -> e.path("stage").asText()))
                .containsExactly("RequestReceived", "ResponseStarted", "ResponseComplete");
        assertThat(events.get(1).path("verb").asText()).isEqualTo("watch");
        assertThat(events.get(1).path("responseStatus").path("code").asInt()).isEqualTo(200);
    }

    @Test
    void anotherUserThatARequestIsTreatedAs() throws Exception {
        JsonNode event = events("act-as", "GET", MAPS + "/x", "", "Impersonate-User", "jo")
                .getLast();
        assertThat(event.path("user").path("username").asText()).isEqualTo("admin");
        assertThat(event.path("impersonatedUser").path("username").asText()).isEqualTo("jo");
        assertThat(event.path("responseStatus").path("code").asInt()).isEqualTo(403);
    }

    @Test
    void yamlBodiesAndAnswersAreRecordedToo() throws Exception {
        JsonNode event = events(
                        "yaml",
                        "POST",
                        MAPS,
                        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: of-yaml\ndata: {a: b}\n",
                        "Content-Type",
                        "application/yaml",
                        "Accept",
                        "application/yaml")
                .getLast();
        assertThat(event.path("requestObject").path("data").path("a").asText()).isEqualTo("b");
        assertThat(event.path("responseObject").path("data").path("a").asText()).isEqualTo("b");
    }

    @Test
    void aDeletionTellsItsStatus() throws Exception {
        api.call("POST", MAPS, map("going"));
        JsonNode event = events("delete", "DELETE", MAPS + "/going", "").getLast();
        assertThat(event.path("responseStatus").path("status").asText()).isEqualTo("Success");
        assertThat(event.path("objectRef").path("name").asText()).isEqualTo("going");
    }

    @Test
    void refusedCredentialsAreRecorded() throws Exception {
        assertThat(api.call("GET", MAPS, "", "Authorization", "Bearer nobodys", "Audit-ID", "who")
                        .code())
                .isEqualTo(401);
        JsonNode event = events("who", "ResponseStarted").getLast();
        assertThat(event.path("responseStatus").path("code").asInt()).isEqualTo(401);
        assertThat(event.path("objectRef").path("resource").asText()).isEqualTo("configmaps");
        assertThat(event.path("user").toString()).isEqualTo("{}");
        assertThat(Files.readString(log)).doesNotContain("nobodys");
    }

    @Test
    void pathsOfLevelNoneAreNotRecordedAndAnswersCarryTheId() throws Exception {
        HttpClient http = HttpClient.newHttpClient();
        HttpResponse<String> healthy = http.send(
                HttpRequest.newBuilder(URI.create(api.base() + "/healthz")).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(healthy.headers().firstValue("Audit-Id")).isEmpty();
        HttpResponse<String> version = http.send(
                HttpRequest.newBuilder(URI.create(api.base() + "/version")).build(),
                HttpResponse.BodyHandlers.ofString());
        String id = version.headers().firstValue("Audit-Id").orElseThrow();
        assertThat(id).matches("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
        JsonNode event = events(id, "ResponseComplete").getLast();
        assertThat(event.path("verb").asText()).isEqualTo("get");
        assertThat(event.has("objectRef")).isFalse();
        assertThat(Files.readString(log)).doesNotContain("/healthz");
        http.close();
    }

    @Test
    void whatPoliciesNoteStandsInTheAnnotations() throws Exception {
        api.call("POST", POLICIES + "ies", """
                {"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy",
                 "metadata":{"name":"noted"},
                 "spec":{"matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],
                   "operations":["CREATE"],"resources":["configmaps"]}]},
                  "matchConditions":[{"name":"noted","expression":"object.metadata.name.startsWith('noted')"}],
                  "validations":[{"expression":"false","message":"first"},{"expression":"false","message":"second"}],
                  "auditAnnotations":[{"key":"name","valueExpression":"'it is ' + object.metadata.name"}]}}""");
        api.call("POST", POLICIES + "ybindings", """
                {"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding",
                 "metadata":{"name":"noted"},"spec":{"policyName":"noted","validationActions":["Audit"]}}""");
        List<JsonNode> noted = new ArrayList<>();
        int[] tries = {0};
        Eventually.eventually(LIMIT, () -> {
            String id = "noted-" + ++tries[0];
            noted.clear();
            noted.add(events(id, "POST", MAPS, map(id)).getLast().path("annotations"));
            return noted.getFirst().has("noted/name");
        });
        assertThat(noted.getFirst().path("noted/name").asText()).isEqualTo("it is noted-" + tries[0]);
        JsonNode failures = Json.mapper()
                .readTree(noted.getFirst()
                        .path("validation.policy.admission.k8s.io/validation_failure")
                        .asText());
        assertThat(failures.findValuesAsText("message")).containsExactly("first", "second");
        assertThat(failures.get(1).path("expressionIndex").asText()).isEqualTo("1");
    }
}
