package dev.coppice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.schema.Description;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.Identity;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kinds whose objects are made when somebody asks, over HTTP and from inside. */
class ComputedSourceTest {
    private static final ResourceType LOCKS = new ResourceType("test.coppice.dev", "v1", "locks");
    private static final String PATH = "/apis/test.coppice.dev/v1/locks";

    @TempDir
    static Path directory;

    record LockSpec(@Description("What it is taken for.") String purpose) {}

    record LockStatus(@Description("Who holds it.") String holder) {}

    private static final Kind<LockSpec, LockStatus> KIND = Kind.cluster(
                    "test.coppice.dev", "v1", "Lock", LockSpec.class, LockStatus.class, "A lock.")
            .withShortNames("lk")
            .withColumn("Holder", "string", ".status.holder", "Who holds it.");

    /** Ten locks; the holder of those with an even number is even. */
    private static final class Locks implements ComputedSource {
        private final List<String> made = new ArrayList<>();

        @Override
        public Optional<ObjectNode> get(String namespace, String name) {
            return name.matches("lock-[0-9]") ? Optional.of(object(name)) : Optional.empty();
        }

        private ObjectNode object(String name) {
            made.add(name);
            boolean even = (name.charAt(5) - '0') % 2 == 0;
            ObjectNode object = Json.object();
            object.putObject("metadata").putObject("labels").put("parity", even ? "even" : "odd");
            object.putObject("spec").put("purpose", "test");
            object.putObject("status").put("holder", even ? "even" : "odd");
            return object;
        }

        @Override
        public Listing list(String namespace) {
            List<Entry> entries = new ArrayList<>();
            for (int i = 9; i >= 0; i--) {
                String name = "lock-" + i;
                entries.add(new Entry("", name, () -> object(name)));
            }
            return new Listing(entries, List.of("a million more are left out"));
        }

        @Override
        public Set<String> selectableFields() {
            return Set.of("status.holder");
        }

        @Override
        public List<Part> parts() {
            return List.of(new Part("trace", "LockTrace", List.of("create", "get"), (verb, namespace, name, body) -> {
                if (!name.equals("lock-1")) {
                    throw Statuses.notFound("test.coppice.dev", "locks", name);
                }
                return Json.object().put("verb", verb).put("sent", Json.text(body));
            }));
        }
    }

    private static final Locks SOURCE = new Locks();
    private static @Nullable Kernel kernel;
    private static ApiServer server;
    private static ResourceClient client;
    private static String base;

    @BeforeAll
    static void start() throws Exception {
        Kernel started = Kernel.start();
        kernel = started;
        Store store = Store.start(started, started.root(), StoreOptions.of(directory.resolve("store")));
        server = new ApiServer(started, store.keyspace("control"), directory.resolve("control"));
        server.addToken("admin", "admin", BearerTokens.ADMIN);
        server.addToken("reader", "reader", new Identity("reader", "", List.of("system:authenticated"), Map.of()));
        server.start(started.root().startSupervisor("control", SupervisorOptions.DEFAULT));
        HttpListener listener = new HttpListener(
                started,
                new ListenerOptions("api", new InetSocketAddress("127.0.0.1", 0), null, 1 << 20, 100),
                server.authenticator());
        server.mount(listener.routes());
        started.root().start(ChildSpec.service("api", () -> listener));
        base = "http://127.0.0.1:" + listener.address().orElseThrow().getPort();
        Supervisor watches = started.root().startSupervisor("watches", SupervisorOptions.DEFAULT);
        client = server.client(watches, BearerTokens.ADMIN, "test");
        server.serve(KIND, SOURCE);
    }

    @AfterAll
    static void close() {
        if (kernel != null) {
            kernel.close();
        }
    }

    private record Answer(int code, JsonNode body, HttpResponse<String> raw) {}

    private static Answer call(String token, String method, String path, String body, String... headers)
            throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        try (HttpClient http = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            boolean json =
                    answer.headers().firstValue("Content-Type").orElse("").contains("json");
            return new Answer(
                    answer.statusCode(), json ? Json.mapper().readTree(answer.body()) : Json.object(), answer);
        }
    }

    private static Answer get(String path, String... headers) throws Exception {
        return call("admin", "GET", path, "", headers);
    }

    private static List<String> names(Answer list) {
        return list.body().path("items").findValuesAsText("name");
    }

    @Test
    void objectsAreMadeWhenAskedFor() throws Exception {
        Answer one = get(PATH + "/lock-3");
        assertThat(one.code()).isEqualTo(200);
        assertThat(one.body().path("apiVersion").asText()).isEqualTo("test.coppice.dev/v1");
        assertThat(one.body().path("kind").asText()).isEqualTo("Lock");
        assertThat(one.body().path("metadata").path("name").asText()).isEqualTo("lock-3");
        assertThat(one.body().path("status").path("holder").asText()).isEqualTo("odd");
        assertThat(get(PATH + "/none").code()).isEqualTo(404);
    }

    @Test
    void listsComeInOrderWithWarningsAndSelectors() throws Exception {
        Answer list = get(PATH);
        assertThat(names(list)).hasSize(10).isSorted();
        assertThat(list.body().path("kind").asText()).isEqualTo("LockList");
        assertThat(list.raw().headers().firstValue("Warning")).get().asString().contains("left out");
        assertThat(names(get(PATH + "?labelSelector=parity%3Deven"))).hasSize(5);
        assertThat(names(get(PATH + "?fieldSelector=status.holder%3Dodd"))).hasSize(5);
        assertThat(names(get(PATH + "?fieldSelector=metadata.name%3Dlock-4"))).containsExactly("lock-4");
        assertThat(get(PATH + "?fieldSelector=spec.color%3Dred").code()).isEqualTo(400);
    }

    @Test
    void pagesFollowEachOtherAndMakeOnlyWhatTheyShow() throws Exception {
        SOURCE.made.clear();
        Answer first = get(PATH + "?limit=4");
        assertThat(names(first)).containsExactly("lock-0", "lock-1", "lock-2", "lock-3");
        assertThat(first.body().path("metadata").path("remainingItemCount").asInt())
                .isEqualTo(6);
        assertThat(SOURCE.made).hasSize(4);
        String token = first.body().path("metadata").path("continue").asText();
        Answer second = get(PATH + "?limit=4&continue=" + token);
        assertThat(names(second)).containsExactly("lock-4", "lock-5", "lock-6", "lock-7");
        String last = second.body().path("metadata").path("continue").asText();
        Answer third = get(PATH + "?limit=4&continue=" + last);
        assertThat(names(third)).containsExactly("lock-8", "lock-9");
        assertThat(third.body().path("metadata").has("continue")).isFalse();
        assertThat(get(PATH + "?continue=nonsense").code()).isEqualTo(400);
    }

    @Test
    void tablesHaveTheKindsColumns() throws Exception {
        Answer table = get(PATH + "?limit=1", "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
        assertThat(table.body().path("columnDefinitions").findValuesAsText("name"))
                .containsExactly("Name", "Holder");
        assertThat(Json.text(table.body().path("rows").path(0).path("cells"))).isEqualTo("[\"lock-0\",\"even\"]");
    }

    @Test
    void writesAndWatchesAreRefusedWithWhatIsAllowed() throws Exception {
        for (String method : List.of("PUT", "PATCH", "DELETE")) {
            assertRefused(call("admin", method, PATH + "/lock-1", "{}"));
        }
        assertRefused(call("admin", "POST", PATH, "{}"));
        assertRefused(call("admin", "DELETE", PATH, ""));
        assertRefused(get(PATH + "?watch=true"));
        assertThat(call("admin", "DELETE", PATH + "/lock-1/trace", "")
                        .body()
                        .path("message")
                        .asText())
                .contains("delete is not supported on locks/trace.test.coppice.dev", "allowed: create, get");
    }

    private static void assertRefused(Answer answer) {
        assertThat(answer.code()).isEqualTo(405);
        assertThat(answer.body().path("reason").asText()).isEqualTo("MethodNotAllowed");
        assertThat(answer.body().path("message").asText()).contains("locks.test.coppice.dev", "allowed: get, list");
    }

    @Test
    void partsDoWhatTheirVerbsSay() throws Exception {
        Answer started = call("admin", "POST", PATH + "/lock-1/trace", "{\"a\":1}");
        assertThat(started.code()).isEqualTo(201);
        assertThat(started.body().path("verb").asText()).isEqualTo("create");
        assertThat(started.body().path("sent").asText()).isEqualTo("{\"a\":1}");
        assertThat(get(PATH + "/lock-1/trace").code()).isEqualTo(200);
        assertThat(get(PATH + "/lock-2/trace").code()).isEqualTo(404);
        assertThat(get(PATH + "/lock-1/other").code()).isEqualTo(404);
    }

    @Test
    void rightsAreAskedForAsOfAnyOtherKind() throws Exception {
        assertThat(call("reader", "GET", PATH, "").code()).isEqualTo(403);
        role("locks", "get, list");
        assertThat(call("reader", "GET", PATH, "").code()).isEqualTo(200);
        assertThat(call("reader", "GET", PATH + "/lock-1/trace", "").code()).isEqualTo(403);
        assertThat(call("reader", "DELETE", PATH + "/lock-1", "").code()).isEqualTo(403);
    }

    private static void role(String resource, String verbs) throws Exception {
        String api = "/apis/rbac.authorization.k8s.io/v1/";
        assertThat(call("admin", "POST", api + "clusterroles", """
                        {"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"look"},
                         "rules":[{"apiGroups":["test.coppice.dev"],"resources":["%s"],"verbs":["%s"]}]}""".formatted(resource, verbs.replace(", ", "\",\"")))
                        .code())
                .isEqualTo(201);
        assertThat(call("admin", "POST", api + "clusterrolebindings", """
                        {"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"look"},
                         "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"look"},
                         "subjects":[{"kind":"User","name":"reader"}]}""").code())
                .isEqualTo(201);
    }

    @Test
    void discoveryAndOpenApiTellOfIt() throws Exception {
        JsonNode resources = get("/apis/test.coppice.dev/v1").body().path("resources");
        assertThat(resources.findValuesAsText("name")).containsExactly("locks", "locks/trace");
        assertThat(Json.text(resources.path(0).path("verbs"))).isEqualTo("[\"get\",\"list\"]");
        assertThat(Json.text(resources.path(0).path("shortNames"))).isEqualTo("[\"lk\"]");
        JsonNode schema = get("/openapi/v3/apis/test.coppice.dev/v1")
                .body()
                .path("components")
                .path("schemas")
                .path("dev.coppice.test.v1.Lock");
        assertThat(schema.path("properties")
                        .path("status")
                        .path("properties")
                        .path("holder")
                        .path("description")
                        .asText())
                .isEqualTo("Who holds it.");
    }

    @Test
    void insideTheProcessItIsTheSame() {
        assertThat(client.get(LOCKS, "", "lock-2")).isPresent();
        assertThat(client.get(LOCKS, "", "none")).isEmpty();
        assertThat(client.list(LOCKS, Query.ALL).items()).hasSize(10);
        assertThat(client.table(LOCKS, Query.ALL).path("rows")).hasSize(10);
        assertThatThrownBy(() -> client.delete(LOCKS, "", "lock-2")).hasMessageContaining("allowed: get, list");
        List<String> closed = new ArrayList<>();
        ResourceClient.Watch unused = client.watch(LOCKS, Query.ALL, "", new ResourceClient.WatchObserver() {
            @Override
            public void event(ResourceClient.EventType type, ObjectNode object) {}

            @Override
            public void closed(@Nullable ApiException error) {
                closed.add(String.valueOf(error == null ? null : error.getMessage()));
            }
        });
        assertThat(unused).isNotNull();
        assertThat(closed).singleElement().asString().contains("watch is not supported");
    }

    @Test
    void aKindIsServedOnceAndCanBeWithdrawn() throws Exception {
        assertThatThrownBy(() -> server.serve(KIND, SOURCE)).hasMessageContaining("served already");
        Kind<LockSpec, LockStatus> other =
                Kind.cluster("other.coppice.dev", "v1", "Lock", LockSpec.class, LockStatus.class, "Another lock.");
        server.serve(other, SOURCE);
        assertThat(get("/apis/other.coppice.dev/v1/locks").code()).isEqualTo(200);
        server.withdraw(other);
        assertThat(get("/apis/other.coppice.dev/v1/locks").raw().statusCode()).isEqualTo(404);
    }

    @Test
    void whatRunsInTheNodeIsServed() throws Exception {
        String processes = "/apis/runtime.coppice.dev/v1/processes";
        assertThat(names(get(processes))).contains("control", "control.watch-feed", "api");
        Answer table = get(
                processes + "?fieldSelector=spec.path%3D%2Fcontrol%2Fwatch-feed",
                "Accept",
                "application/json;as=Table;v=v1;g=meta.k8s.io");
        assertThat(table.body().path("columnDefinitions").findValuesAsText("name"))
                .startsWith("Name", "Kind", "State", "Restarts", "Mailbox", "Msg/s", "CPU%", "Memory", "Age");
        assertThat(table.body().path("rows").path(0).path("cells").path(1).asText())
                .isEqualTo("task");
        assertThat(get(processes + "/control.watch-feed")
                        .body()
                        .path("status")
                        .path("state")
                        .asText())
                .isEqualTo("running");
        assertRefusedTo(call("reader", "POST", processes + "/control.watch-feed/trace", ""));
        assertThat(call("admin", "POST", processes + "/control.watch-feed/trace", "")
                        .code())
                .isEqualTo(400);
    }

    private static void assertRefusedTo(Answer answer) {
        assertThat(answer.code()).isEqualTo(403);
        assertThat(answer.body().path("message").asText()).contains("cannot create resource \"processes/trace\"");
    }
}
