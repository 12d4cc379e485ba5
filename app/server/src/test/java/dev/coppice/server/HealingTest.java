package dev.coppice.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills every child of a node's tree, one after another: each heals, and the node serves all the while after. */
final class HealingTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration HEALING = Duration.ofSeconds(30);

    /** A restart counts from a little after the kill. */
    private static final Duration MARGIN = Duration.ofMillis(500);

    @TempDir
    private Path folder;

    /** When children of a supervisor were killed, so that it is never asked for more restarts than it may do. */
    private final Map<String, Deque<Long>> kills = new HashMap<>();

    @Test
    void everyChildHealsWhenItIsKilled() throws Exception {
        ServerOptions options = new ServerOptions(folder.resolve("data"), "127.0.0.1", 0, 0, 0, 0, "healing", true);
        try (Server server = Server.start(options, _ -> {})) {
            Client client = new Client(server, folder.resolve("data"));
            client.check("before");
            var uid = client.create("kept");
            List<String> paths = paths(server);
            assertThat(paths).as("the tree").hasSizeGreaterThan(20);
            List<String> failures = new ArrayList<>();
            int killed = 0;
            for (String path : paths) {
                Supervisor.Child child = find(server, path);
                if (child == null) {
                    continue;
                }
                awaitIntensity(server, path);
                long restarts = child.restarts();
                child.kill();
                killed++;
                awaitNoticed(server, child, restarts);
                String trouble = heal(server, path, client);
                if (!trouble.isEmpty()) {
                    failures.add(path + ": " + trouble);
                }
                if (server.terminated().isDone()) {
                    break;
                }
            }
            assertThat(failures).isEmpty();
            assertThat(killed).isGreaterThan(20);
            assertThat(client.get("kept").path("metadata").path("uid")).isEqualTo(uid);
            assertThat(server.terminated()).isNotDone();
            client.aCheckComesUp();
            assertThat(client.metric("coppice_kernel_escalations_total"))
                    .as("escalations")
                    .isEmpty();
        }
    }

    private static List<String> paths(Server server) {
        List<String> paths = new ArrayList<>();
        collect(server.kernel().root(), paths);
        return paths;
    }

    /** Leaves first, so that a supervisor goes after all of its children did. */
    private static void collect(Supervisor supervisor, List<String> paths) {
        for (Supervisor.Child child : supervisor.children()) {
            if (child.spec().sort().equals("supervisor")) {
                collect(child.supervisor(), paths);
            }
            paths.add(child.path());
        }
    }

    private static Supervisor.@Nullable Child find(Server server, String path) {
        Supervisor at = server.kernel().root();
        Supervisor.Child found = null;
        for (String name : path.substring(1).split("/")) {
            if (found != null) {
                at = found.supervisor();
            }
            found = at.child(name).orElse(null);
            if (found == null) {
                return null;
            }
        }
        return found;
    }

    private void awaitIntensity(Server server, String path) throws InterruptedException {
        int cut = path.lastIndexOf('/');
        String parent = path.substring(0, cut);
        SupervisorOptions options = parent.isEmpty()
                ? server.kernel().root().options()
                : find(server, parent).supervisor().options();
        Deque<Long> times = kills.computeIfAbsent(parent, _ -> new ArrayDeque<>());
        while (times.size() >= options.maxRestarts()) {
            long over = times.removeFirst() + options.period().plus(MARGIN).toNanos() - System.nanoTime();
            if (over > 0) {
                pause(Duration.ofNanos(over));
            }
        }
        times.addLast(System.nanoTime());
        kills.keySet().removeIf(below -> below.startsWith(path));
    }

    /** A kill takes effect on another thread: until then everything looks as before. */
    private static void awaitNoticed(Server server, Supervisor.Child child, long restarts) throws InterruptedException {
        long until = System.nanoTime() + HEALING.toNanos();
        while (find(server, child.path()) == child && child.restarts() == restarts && System.nanoTime() < until) {
            pause(Duration.ofMillis(2));
        }
    }

    /** Waits until the whole tree runs and both doors answer; gives what is still wrong at the end of patience. */
    private static String heal(Server server, String path, Client client) throws InterruptedException {
        long until = System.nanoTime() + HEALING.toNanos();
        String trouble;
        do {
            trouble = notRunning(server.kernel().root());
            if (trouble.isEmpty()) {
                try {
                    client.check(path);
                } catch (IOException | AssertionError e) {
                    trouble = String.valueOf(e);
                }
            }
            if (trouble.isEmpty()) {
                return "";
            }
            pause(Duration.ofMillis(20));
        } while (System.nanoTime() < until && !server.terminated().isDone());
        return trouble;
    }

    private static String notRunning(Supervisor supervisor) {
        for (Supervisor.Child child : supervisor.children()) {
            if (child.state() != Supervisor.State.RUNNING) {
                return child.path() + " is " + child.state()
                        + child.lastFailure().map(f -> ": " + f).orElse("");
            }
            if (child.spec().sort().equals("supervisor")) {
                String below = notRunning(child.supervisor());
                if (!below.isEmpty()) {
                    return below;
                }
            }
        }
        return "";
    }

    private static void pause(Duration duration) throws InterruptedException {
        assertThat(new CountDownLatch(1).await(duration.toNanos(), TimeUnit.NANOSECONDS))
                .isFalse();
    }

    /** Uses both doors as their clients do. */
    private static final class Client {
        private final HttpClient http;
        private final Server server;
        private int round;

        Client(Server server, Path data) throws Exception {
            this.server = server;
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            try (InputStream in = Files.newInputStream(data.resolve("pki").resolve("ca.crt"))) {
                trusted.setCertificateEntry(
                        "ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext tls = SSLContext.getInstance("TLS");
            tls.init(null, trust.getTrustManagers(), null);
            http = HttpClient.newBuilder()
                    .sslContext(tls)
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(5))
                    .build();
        }

        /** Writes and reads through the API, sees a check come to a state, and writes and reads at the store's port. */
        void check(String what) throws IOException, InterruptedException {
            String name = "round-" + round++;
            JsonNode made = create(name);
            assertThat(made.asText()).as("create after " + what).isNotEmpty();
            assertThat(get(name).path("metadata").path("uid")).isEqualTo(made);
            String key = Base64.getEncoder().encodeToString(name.getBytes(StandardCharsets.UTF_8));
            etcd("put", "{\"key\":\"" + key + "\",\"value\":\"" + key + "\"}");
            JsonNode range = etcd("range", "{\"key\":\"" + key + "\"}");
            assertThat(range.path("kvs").path(0).path("value").asText()).isEqualTo(key);
            assertThat(call("GET", "/readyz", null).body()).isEqualTo("ok");
            assertThat(call("GET", "/console", null).statusCode()).isLessThan(500);
        }

        /** A check still comes to a state, so the area's engine, its informers and its writers all live. */
        void aCheckComesUp() throws IOException, InterruptedException {
            String path = "/apis/health.coppice.dev/v1/namespaces/default/healthchecks";
            HttpResponse<String> made = call(
                    "POST",
                    path,
                    "{\"apiVersion\":\"health.coppice.dev/v1\",\"kind\":\"HealthCheck\",\"metadata\":{\"name\":\"last\"},"
                            + "\"spec\":{\"interval\":\"1s\",\"tcp\":{\"host\":\"127.0.0.1\",\"port\":"
                            + server.endpoints().etcdPort() + "}}}");
            assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
            long until = System.nanoTime() + HEALING.toNanos();
            String state;
            do {
                pause(Duration.ofMillis(100));
                state = JSON.readTree(call("GET", path + "/last", null).body())
                        .path("status")
                        .path("state")
                        .asText();
            } while (!state.equals("Up") && System.nanoTime() < until);
            assertThat(state).isEqualTo("Up");
        }

        /** The samples of a metric that are not zero. */
        List<String> metric(String name) throws IOException, InterruptedException {
            String metrics = call("GET", "/metrics", null).body();
            assertThat(metrics).contains(name);
            return metrics.lines()
                    .filter(line -> line.startsWith(name) && !line.endsWith(" 0.0"))
                    .toList();
        }

        JsonNode create(String name) throws IOException, InterruptedException {
            HttpResponse<String> answer = call(
                    "POST",
                    "/api/v1/namespaces/default/configmaps",
                    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name + "\"}}");
            // A write may have been done although its answer was lost with what was killed.
            return answer.statusCode() == 409
                    ? get(name).path("metadata").path("uid")
                    : JSON.readTree(answer.body()).path("metadata").path("uid");
        }

        JsonNode get(String name) throws IOException, InterruptedException {
            return JSON.readTree(call("GET", "/api/v1/namespaces/default/configmaps/" + name, null)
                    .body());
        }

        private HttpResponse<String> call(String method, String path, @Nullable String body)
                throws IOException, InterruptedException {
            HttpRequest.Builder request = HttpRequest.newBuilder(
                            URI.create(server.endpoints().api() + path))
                    .timeout(Duration.ofSeconds(10))
                    .header("Authorization", "Bearer " + server.token())
                    .header("Content-Type", "application/json")
                    .method(
                            method,
                            body == null
                                    ? HttpRequest.BodyPublishers.noBody()
                                    : HttpRequest.BodyPublishers.ofString(body));
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        }

        private JsonNode etcd(String method, String body) throws IOException, InterruptedException {
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("http://" + server.endpoints().etcd() + "/v3/kv/" + method))
                    .timeout(Duration.ofSeconds(10))
                    .POST(HttpRequest.BodyPublishers.ofString(body))
                    .build();
            HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            return JSON.readTree(answer.body());
        }
    }
}
