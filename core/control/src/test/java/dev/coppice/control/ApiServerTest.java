package dev.coppice.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.RangeRequest;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The API over HTTP, on a real store. */
class ApiServerTest {
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String TOKEN = "test-token";

    @TempDir
    static Path directory;

    private static Kernel kernel;
    private static Keyspace keyspace;
    private static ApiServer server;
    private static String base;
    private static HttpClient http;

    private record Answer(int code, JsonNode body, HttpResponse<byte[]> raw) {}

    @BeforeAll
    static void start() throws Exception {
        kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        keyspace = store.keyspace("control");
        server = new ApiServer(kernel, keyspace, directory.resolve("control"));
        server.addToken("admin", TOKEN, BearerTokens.ADMIN);
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions("api", new InetSocketAddress("127.0.0.1", 0), null, 16 << 20, 1_000),
                server.authenticator());
        server.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
        server.mount(listener.routes());
        kernel.root().start(ChildSpec.service("api", () -> listener));
        base = "http://127.0.0.1:" + listener.address().orElseThrow().getPort();
        http = HttpClient.newHttpClient();
    }

    @AfterAll
    static void close() {
        http.close();
        kernel.close();
    }

    private static Answer call(String method, String path, byte[] body, String type, String... headers)
            throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .timeout(Duration.ofSeconds(30))
                .method(method, HttpRequest.BodyPublishers.ofByteArray(body))
                .header("Authorization", "Bearer " + TOKEN);
        if (!type.isEmpty()) {
            request.header("Content-Type", type);
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        HttpResponse<byte[]> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        JsonNode tree = Json.object();
        try {
            tree = Json.mapper().readTree(answer.body());
        } catch (java.io.IOException e) {
            // Plain text.
        }
        return new Answer(answer.statusCode(), tree, answer);
    }

    private static Answer call(String method, String path, String body) throws Exception {
        return call(method, path, body.getBytes(StandardCharsets.UTF_8), body.isEmpty() ? "" : "application/json");
    }

    private static Answer patch(String path, String type, String body) throws Exception {
        return call("PATCH", path, body.getBytes(StandardCharsets.UTF_8), type);
    }

    private static String map(String name, String data) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name + "\"},\"data\":" + data
                + "}";
    }

    @Test
    void createsReadsAndDeletes() throws Exception {
        Answer made = call("POST", MAPS, map("crud", "{\"a\":\"1\"}"));
        assertThat(made.code()).isEqualTo(201);
        assertThat(made.body().path("metadata").path("uid").asText()).hasSize(36);
        assertThat(call("POST", MAPS, map("crud", "{}")).body().path("reason").asText())
                .isEqualTo("AlreadyExists");
        Answer read = call("GET", MAPS + "/crud", "");
        assertThat(read.body()).isEqualTo(made.body());
        assertThat(call("DELETE", MAPS + "/crud", "").body().path("status").asText())
                .isEqualTo("Success");
        assertThat(call("GET", MAPS + "/crud", "").code()).isEqualTo(404);
    }

    @Test
    void guardsAgainstLostUpdates() throws Exception {
        ObjectNode first = (ObjectNode) call("POST", MAPS, map("guard", "{}")).body();
        assertThat(patch(MAPS + "/guard", "application/merge-patch+json", "{\"data\":{\"x\":\"1\"}}")
                        .code())
                .isEqualTo(200);
        assertThat(call("PUT", MAPS + "/guard", first.toString()).code()).isEqualTo(409);
        Json.metadata(first).remove("resourceVersion");
        assertThat(call("PUT", MAPS + "/guard", first.toString()).code()).isEqualTo(200);
    }

    @Test
    void aChangeOfNothingKeepsTheVersion() throws Exception {
        String version = call("POST", MAPS, map("same", "{\"a\":\"1\"}"))
                .body()
                .path("metadata")
                .path("resourceVersion")
                .asText();
        Answer again = patch(MAPS + "/same", "application/merge-patch+json", "{\"data\":{\"a\":\"1\"}}");
        assertThat(again.body().path("metadata").path("resourceVersion").asText())
                .isEqualTo(version);
    }

    @Test
    void aDryRunChangesNothing() throws Exception {
        long before = keyspace.revision();
        assertThat(call("POST", MAPS + "?dryRun=All", map("dry", "{}")).code()).isEqualTo(201);
        assertThat(call("GET", MAPS + "/dry", "").code()).isEqualTo(404);
        assertThat(keyspace.revision()).isGreaterThanOrEqualTo(before);
    }

    @Test
    void listsInParts() throws Exception {
        for (int i = 0; i < 7; i++) {
            assertThat(call("POST", "/api/v1/namespaces/kube-public/configmaps", map("part-" + i, "{}"))
                            .code())
                    .isEqualTo(201);
        }
        List<String> names = new ArrayList<>();
        String token = "";
        int parts = 0;
        do {
            Answer part = call(
                    "GET",
                    "/api/v1/namespaces/kube-public/configmaps?limit=3" + (token.isEmpty() ? "" : "&continue=" + token),
                    "");
            part.body()
                    .path("items")
                    .forEach(i -> names.add(i.path("metadata").path("name").asText()));
            token = part.body().path("metadata").path("continue").asText("");
            // What is deleted meanwhile still belongs to the list.
            call("DELETE", "/api/v1/namespaces/kube-public/configmaps/part-6", "");
            parts++;
        } while (!token.isEmpty());
        assertThat(parts).isGreaterThanOrEqualTo(3);
        assertThat(names).filteredOn(n -> n.startsWith("part-")).hasSize(7);
    }

    @Test
    void watchesFromARevision() throws Exception {
        String version = call("POST", MAPS, map("seen", "{\"v\":\"1\"}"))
                .body()
                .path("metadata")
                .path("resourceVersion")
                .asText();
        patch(MAPS + "/seen", "application/merge-patch+json", "{\"data\":{\"v\":\"2\"}}");
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create(base + MAPS + "?watch=1&fieldSelector=metadata.name%3Dseen"
                                + "&timeoutSeconds=20&resourceVersion=" + version))
                .header("Authorization", "Bearer " + TOKEN)
                .build();
        HttpResponse<InputStream> stream = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8))) {
            assertThat(Json.parse(lines.readLine()).path("type").asText()).isEqualTo("MODIFIED");
            call("DELETE", MAPS + "/seen", "");
            JsonNode gone = Json.parse(lines.readLine());
            assertThat(gone.path("type").asText()).isEqualTo("DELETED");
            assertThat(gone.path("object").path("data").path("v").asText()).isEqualTo("2");
        }
    }

    @Test
    void aWatchEndsWithItsClient() throws Exception {
        HttpClient leaving = HttpClient.newHttpClient();
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/api/v1/serviceaccounts?watch=1"))
                .header("Authorization", "Bearer " + TOKEN)
                .build();
        var cache = java.util.Objects.requireNonNull(server.registry().find("", "v1", "serviceaccounts"))
                .cache();
        int others = cache.watchers();
        HttpResponse<InputStream> stream = leaving.send(request, HttpResponse.BodyHandlers.ofInputStream());
        assertThat(cache.watchers()).isGreaterThan(others);
        stream.body().close();
        leaving.shutdownNow();
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (cache.watchers() > others) {
            assertThat(System.nanoTime()).as("the watch ends in time").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void manyWatchersSeeEverythingInOrder() throws Exception {
        String version = call("GET", MAPS, "")
                .body()
                .path("metadata")
                .path("resourceVersion")
                .asText();
        // Each reads on a thread of its own: in a dependent action it would hold up the client's other answers.
        List<FutureTask<List<String>>> seen = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(
                            base + MAPS + "?watch=1&labelSelector=many&timeoutSeconds=5&resourceVersion=" + version))
                    .header("Authorization", "Bearer " + TOKEN)
                    .build();
            FutureTask<List<String>> reading =
                    new FutureTask<>(() -> http.send(request, HttpResponse.BodyHandlers.ofLines())
                            .body()
                            .map(line -> Json.parse(line)
                                    .path("object")
                                    .path("metadata")
                                    .path("name")
                                    .asText())
                            .toList());
            seen.add(reading);
            Thread.ofPlatform().daemon().start(reading);
        }
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            String name = "many-" + i;
            expected.add(name);
            String labelled = map(name, "{}").replace("\"name\"", "\"labels\":{\"many\":\"1\"},\"name\"");
            assertThat(call("POST", MAPS, labelled).code()).isEqualTo(201);
        }
        for (FutureTask<List<String>> one : seen) {
            assertThat(one.get(30, java.util.concurrent.TimeUnit.SECONDS)).isEqualTo(expected);
        }
    }

    @Test
    void appliesOnTheServer() throws Exception {
        String config =
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ssa\"},\"data\":{\"a\":\"%s\"}}";
        String apply = "application/apply-patch+yaml";
        assertThat(patch(MAPS + "/ssa?fieldManager=one", apply, String.format(config, "1"))
                        .code())
                .isEqualTo(201);
        Answer conflict = patch(MAPS + "/ssa?fieldManager=two", apply, String.format(config, "2"));
        assertThat(conflict.code()).isEqualTo(409);
        assertThat(conflict.body()
                        .path("details")
                        .path("causes")
                        .get(0)
                        .path("field")
                        .asText())
                .isEqualTo(".data.a");
        assertThat(patch(MAPS + "/ssa?fieldManager=two&force=true", apply, String.format(config, "2"))
                        .body()
                        .path("data")
                        .path("a")
                        .asText())
                .isEqualTo("2");
    }

    @Test
    void malformedDeleteOptionsDeleteNothing() throws Exception {
        call("POST", MAPS, map("kept", "{}"));
        assertThat(call("DELETE", MAPS + "/kept", "{\"preconditions\":\"x\"}").code())
                .isEqualTo(400);
        assertThat(call("GET", MAPS + "/kept", "").code()).isEqualTo(200);
    }

    @Test
    void secretsAreSealedInTheStore() throws Exception {
        String secret = "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"sealed\"},"
                + "\"stringData\":{\"pw\":\"plain-words\"}}";
        assertThat(call("POST", "/api/v1/namespaces/default/secrets", secret).code())
                .isEqualTo(201);
        ByteString value = keyspace.range(RangeRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8("/registry/secrets/default/sealed"))
                        .build())
                .getKvs(0)
                .getValue();
        String text = value.toString(StandardCharsets.ISO_8859_1);
        assertThat(text)
                .startsWith("coppice:aesgcm:v1:")
                .doesNotContain("plain")
                .doesNotContain("cGxhaW4");
        assertThat(call("GET", "/api/v1/namespaces/default/secrets/sealed", "")
                        .body()
                        .path("data")
                        .path("pw")
                        .asText())
                .isEqualTo("cGxhaW4td29yZHM=");
    }

    @Test
    void tellsWhoMayNot() throws Exception {
        assertThat(call("GET", MAPS, new byte[0], "", "Authorization", "Bearer wrong")
                        .code())
                .isEqualTo(401);
        Answer refused = call("GET", MAPS, new byte[0], "", "Impersonate-User", "ann");
        assertThat(refused.code()).isEqualTo(403);
        assertThat(refused.body().path("message").asText())
                .isEqualTo(
                        "configmaps is forbidden: User \"ann\" cannot list resource \"configmaps\" in API group \"\" in "
                                + "the namespace \"default\"");
    }

    @Test
    void servesCustomTypesUntilTheyAreDeleted() throws Exception {
        String crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        String crd = "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":"
                + "{\"name\":\"trees.example.test\"},\"spec\":{\"group\":\"example.test\",\"scope\":\"Namespaced\",\"names\":"
                + "{\"plural\":\"trees\",\"kind\":\"Tree\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
                + "\"subresources\":{\"status\":{}},\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":"
                + "{\"spec\":{\"type\":\"object\",\"properties\":{\"height\":{\"type\":\"integer\",\"minimum\":1}}},"
                + "\"status\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}}}}]}}";
        assertThat(call("POST", crds, crd).code()).isEqualTo(201);
        String trees = "/apis/example.test/v1/namespaces/default/trees";
        until(trees, 200);
        String tree =
                "{\"apiVersion\":\"example.test/v1\",\"kind\":\"Tree\",\"metadata\":{\"name\":\"oak\"},\"spec\":{\"height\":%s}}";
        assertThat(call("POST", trees, String.format(tree, "0"))
                        .body()
                        .path("details")
                        .path("causes")
                        .get(0)
                        .path("field")
                        .asText())
                .isEqualTo("spec.height");
        assertThat(call("POST", trees, String.format(tree, "3")).code()).isEqualTo(201);
        Answer status = patch(
                trees + "/oak/status",
                "application/merge-patch+json",
                "{\"spec\":{\"height\":9},\"status\":{\"up\":true}}");
        assertThat(status.body().path("spec").path("height").asInt()).isEqualTo(3);
        assertThat(status.body().path("metadata").path("generation").asInt()).isEqualTo(1);
        assertThat(call("DELETE", crds + "/trees.example.test", "").code()).isEqualTo(200);
        until(trees, 404);
        until(crds + "/trees.example.test", 404);
        assertThat(keyspace.range(RangeRequest.newBuilder()
                                .setKey(ByteString.copyFromUtf8("/registry/example.test/trees/"))
                                .setRangeEnd(ByteString.copyFromUtf8("/registry/example.test/trees0"))
                                .build())
                        .getKvsCount())
                .isZero();
    }

    @Test
    void finalizersWithoutADomainAreWarnedOfWhenTheyAreNew() throws Exception {
        String crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        String crd = "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":"
                + "{\"name\":\"ferns.example.test\"},\"spec\":{\"group\":\"example.test\",\"scope\":\"Namespaced\",\"names\":"
                + "{\"plural\":\"ferns\",\"kind\":\"Fern\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,"
                + "\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}}]}}";
        assertThat(call("POST", crds, crd).code()).isEqualTo(201);
        String ferns = "/apis/example.test/v1/namespaces/default/ferns";
        until(ferns, 200);
        Answer made = call(
                "POST",
                ferns,
                "{\"apiVersion\":\"example.test/v1\",\"kind\":\"Fern\",\"metadata\":{\"name\":\"a\",\"finalizers\":"
                        + "[\"hold.example.test\",\"example.test/hold\",\"orphan\"]}}");
        assertThat(made.code()).isEqualTo(201);
        assertThat(made.raw().headers().allValues("Warning"))
                .containsExactly(
                        "299 - \"metadata.finalizers: \\\"hold.example.test\\\": prefer a domain-qualified finalizer"
                                + " name including a path (/) to avoid accidental conflicts with other finalizer writers\"");
        Answer more = patch(
                ferns + "/a",
                "application/merge-patch+json",
                "{\"metadata\":{\"finalizers\":[\"hold.example.test\",\"keep\"]}}");
        assertThat(more.raw().headers().allValues("Warning"))
                .singleElement()
                .asString()
                .contains("\\\"keep\\\": prefer");
        assertThat(patch(ferns + "/a", "application/merge-patch+json", "{\"metadata\":{\"finalizers\":null}}")
                        .raw()
                        .headers()
                        .allValues("Warning"))
                .isEmpty();
    }

    private static void until(String path, int code) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (call("GET", path, "").code() != code) {
            assertThat(System.nanoTime())
                    .as("%s answers %d in time", path, code)
                    .isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void refusesWhatIsTooLargeOrTooDeep() throws Exception {
        String large = map("large", "{\"a\":\"" + "x".repeat(4 << 20) + "\"}");
        assertThat(call("POST", MAPS, large).code()).isEqualTo(413);
        String deep = "{\"a\":".repeat(2_000) + "1" + "}".repeat(2_000);
        assertThat(call("POST", MAPS, deep).code()).isEqualTo(400);
        byte[] yaml = "[ ".repeat(5_000).getBytes(StandardCharsets.UTF_8);
        assertThat(call("POST", MAPS, yaml, "application/yaml").code()).isEqualTo(400);
    }

    @Test
    void rubbishIsNeverAnErrorOfTheServer() throws Exception {
        long seed = 4_711;
        Random random = new Random(seed);
        String[] types = {
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json"
        };
        String good = map("fuzz", "{\"a\":\"1\"}");
        call("POST", MAPS, good);
        for (int i = 0; i < 600; i++) {
            byte[] body = good.getBytes(StandardCharsets.UTF_8);
            for (int j = 0; j <= random.nextInt(6); j++) {
                body[random.nextInt(body.length)] = (byte) "{}[]\",:0nt\\ \u0001x-".charAt(random.nextInt(15));
            }
            String type = types[random.nextInt(types.length)];
            boolean patch = type.contains("patch");
            Answer answer = call(patch ? "PATCH" : "POST", patch ? MAPS + "/fuzz" : MAPS, body, type);
            assertThat(answer.code())
                    .as("seed %d round %d: %s", seed, i, new String(body, StandardCharsets.UTF_8))
                    .isLessThan(500);
        }
    }

    @Test
    void publishesWhatItServes() throws Exception {
        assertThat(call("GET", "/openapi/v3", "").body().path("paths").has("api/v1"))
                .isTrue();
        assertThat(call("GET", "/openapi/v3/api/v1", "")
                        .body()
                        .path("components")
                        .path("schemas")
                        .has("io.k8s.api.core.v1.ConfigMap"))
                .isTrue();
        assertThat(call("GET", "/openapi/v2", "").body().path("definitions").size())
                .isGreaterThan(10);
        assertThat(call("GET", "/readyz", "").raw().body()).isEqualTo("ok".getBytes(StandardCharsets.UTF_8));
        assertThat(call("GET", "/nosuch", "").code()).isEqualTo(404);
    }

    private static final String RBAC = "/apis/rbac.authorization.k8s.io/v1/";

    private static Answer as(String user, String method, String path, String type, String body) throws Exception {
        return call(method, path, body.getBytes(StandardCharsets.UTF_8), type, "Impersonate-User", user);
    }

    private static void namespace(String name) throws Exception {
        assertThat(call(
                                "POST",
                                "/api/v1/namespaces",
                                "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" + name
                                        + "\"}}")
                        .code())
                .isEqualTo(201);
    }

    /** Lets a user do something in a namespace, by a role of the user's name. */
    private static void allow(String user, String namespace, String groups, String resources, String verbs)
            throws Exception {
        String place = RBAC + "namespaces/" + namespace + "/";
        String head = "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"metadata\":{\"name\":\"" + user + "\"},";
        Answer role = call(
                "POST",
                place + "roles",
                head + "\"kind\":\"Role\",\"rules\":[{\"apiGroups\":[\"" + groups + "\"],\"resources\":[\"" + resources
                        + "\"],\"verbs\":[" + verbs + "]}]}");
        assertThat(role.code()).isEqualTo(201);
        Answer binding = call(
                "POST",
                place + "rolebindings",
                head
                        + "\"kind\":\"RoleBinding\",\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\""
                        + user
                        + "\"},\"subjects\":[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"User\",\"name\":\""
                        + user + "\"}]}");
        assertThat(binding.code()).isEqualTo(201);
        for (int i = 0; i < 200; i++) {
            if (as(user, "GET", "/api/v1/namespaces/" + namespace + "/configmaps", "", "")
                            .code()
                    == 200) {
                return;
            }
        }
    }

    @Test
    void rightsInOneNamespaceGiveNoneInOthers() throws Exception {
        namespace("zoe-own");
        namespace("zoe-other");
        allow("zoe", "zoe-own", "*", "*", "\"*\"");
        assertThat(as("zoe", "GET", "/api/v1/namespaces/zoe-own", "", "").code())
                .isEqualTo(200);
        assertThat(as("zoe", "DELETE", "/api/v1/namespaces/zoe-own/namespaces/zoe-other", "", "")
                        .code())
                .isEqualTo(404);
        assertThat(call("GET", "/api/v1/namespaces/zoe-other", "")
                        .body()
                        .path("metadata")
                        .has("deletionTimestamp"))
                .isFalse();
    }

    @Test
    void aContinueTokenDoesNotLeadIntoOtherNamespaces() throws Exception {
        namespace("zack");
        allow("zack", "zack", "", "configmaps", "\"list\", \"get\"");
        Answer early = call("POST", MAPS, map("before-zack", "{\"secret\":\"yes\"}"));
        Answer late = call("POST", MAPS, map("later", "{}"));
        assertThat(late.code()).isEqualTo(201);
        String token = Base64.getUrlEncoder()
                .encodeToString(("{\"v\":\"meta.k8s.io/v1\",\"rv\":"
                                + early.body()
                                        .path("metadata")
                                        .path("resourceVersion")
                                        .asText()
                                + ",\"start\":\"a\"}")
                        .getBytes(StandardCharsets.UTF_8));
        Answer page = as("zack", "GET", "/api/v1/namespaces/zack/configmaps?limit=500&continue=" + token, "", "");
        assertThat(page.code()).isEqualTo(400);
        assertThat(new String(page.raw().body(), StandardCharsets.UTF_8)).doesNotContain("before-zack");
    }

    @Test
    void anApplyThatCreatesTakesTheRightToCreate() throws Exception {
        namespace("pat");
        allow("pat", "pat", "", "configmaps", "\"get\", \"list\", \"patch\"");
        String path = "/api/v1/namespaces/pat/configmaps/made?fieldManager=pat";
        assertThat(as("pat", "PATCH", path, "application/apply-patch+yaml", map("made", "{}"))
                        .code())
                .isEqualTo(403);
        assertThat(patch(path, "application/apply-patch+yaml", map("made", "{}"))
                        .code())
                .isEqualTo(201);
        assertThat(as(
                                "pat",
                                "PATCH",
                                path + "&force=true",
                                "application/apply-patch+yaml",
                                map("made", "{\"a\":\"1\"}"))
                        .code())
                .isEqualTo(200);
    }

    @Test
    void nobodyGrantsMoreThanTheyHave() throws Exception {
        String head = "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"metadata\":{\"name\":\"climber\"},";
        Answer role = call(
                "POST",
                RBAC + "clusterroles",
                head + "\"kind\":\"ClusterRole\",\"rules\":[{\"apiGroups\":[\"rbac.authorization.k8s.io\"],"
                        + "\"resources\":[\"clusterroles\",\"clusterrolebindings\"],\"verbs\":[\"get\",\"create\",\"update\"]}]}");
        assertThat(role.code()).isEqualTo(201);
        String subject =
                "\"subjects\":[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"User\",\"name\":\"climber\"}]";
        String binding =
                head + "\"kind\":\"ClusterRoleBinding\",\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
                        + "\"kind\":\"ClusterRole\",\"name\":\"%s\"}," + subject + "}";
        assertThat(call("POST", RBAC + "clusterrolebindings", binding.formatted("climber"))
                        .code())
                .isEqualTo(201);
        String json = "application/json";
        String second = binding.replace(
                "\"name\":\"climber\"},\"kind\":\"ClusterRoleB", "\"name\":\"later\"},\"kind\":\"ClusterRoleB");
        assertThat(as("climber", "POST", RBAC + "clusterrolebindings", json, second.formatted("not-made-yet"))
                        .code())
                .as("a role that is not there yet")
                .isEqualTo(404);
        String aggregated = head.replace("climber", "all-of-them")
                + "\"kind\":\"ClusterRole\",\"aggregationRule\":{\"clusterRoleSelectors\":[{\"matchLabels\":{\"a\":\"b\"}}]},\"rules\":[]}";
        assertThat(as("climber", "POST", RBAC + "clusterroles", json, aggregated)
                        .code())
                .isEqualTo(403);
        assertThat(call("POST", RBAC + "clusterroles", aggregated).code()).isEqualTo(201);
    }
}
