package dev.coppice.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.FreePorts;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a gateway of its own does while no API answers, and what it says when it cannot start. */
final class GatewayServerTest {
    private static final String SAVED = """
            {"listeners":[{"gateway":"default/edge","name":"http","address":"127.0.0.1","port":%d,"protocol":"HTTP","hostname":"","routes":[]}],
            "upstreams":[]}""";
    private static final String REFUSED = "{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":false}}";

    @TempDir
    private Path folder;

    private final BlockingQueue<String> news = new LinkedBlockingQueue<>();

    private GatewayServerOptions options(String api) throws Exception {
        return new GatewayServerOptions(
                folder.resolve("data"),
                FakeCluster.kubeconfig(folder, api),
                null,
                null,
                "127.0.0.1",
                0,
                TrafficOptions.DEFAULT);
    }

    private GatewayServer start(String api) throws Exception {
        return GatewayServer.start(options(api), _ -> {}, news::add);
    }

    private int saved() throws Exception {
        int port = FreePorts.next();
        Path file = folder.resolve("data/areas/gateway/config.json");
        Files.createDirectories(file.getParent());
        Files.writeString(file, SAVED.formatted(port));
        return port;
    }

    private static HttpResponse<String> get(String url) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    /** Waits for news with a text in it. */
    private String news(String text) throws Exception {
        while (true) {
            String next = news.poll(30, TimeUnit.SECONDS);
            assertThat(next).as("news with " + text).isNotNull();
            if (next.contains(text)) {
                return next;
            }
        }
    }

    @Test
    void itServesWhatItServedLastWithoutAnApi() throws Exception {
        int port = saved();
        try (GatewayServer server = start("http://127.0.0.1:1")) {
            assertThat(get("http://127.0.0.1:" + port + "/").statusCode()).isEqualTo(404);
            assertThat(news("cannot reach http://127.0.0.1:1")).startsWith("serves 1 listener; waits for the API: ");
            HttpResponse<String> ready = get(server.metricsUrl() + "/readyz");
            assertThat(ready.statusCode()).isEqualTo(200);
            assertThat(ready.body()).startsWith("ok\nserves 1 listener; waits for the API");
            assertThat(get(server.metricsUrl() + "/metrics").body()).contains("coppice_gateway_");
        }
    }

    @Test
    void withNothingToServeItWaitsForAnApiThatIsAway() throws Exception {
        try (GatewayServer server = start("http://127.0.0.1:1")) {
            HttpResponse<String> ready = get(server.metricsUrl() + "/readyz");
            assertThat(ready.statusCode()).isEqualTo(503);
            assertThat(ready.body()).startsWith("not ready\nserves 0 listeners; waits for the API");
            assertThat(get(server.metricsUrl() + "/livez").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void whatItMayNotDoIsToldTogether() throws Exception {
        try (FakeCluster cluster = new FakeCluster(201, REFUSED)) {
            assertThatThrownBy(() -> start(cluster.url()).close())
                    .isInstanceOf(StartupException.class)
                    .hasMessageContainingAll(
                            "not allowed in the cluster: get, create, patch customresourcedefinitions.apiextensions.k8s.io",
                            "httproutes/status.gateway.networking.k8s.io",
                            "secrets in all namespaces",
                            "get, create, update leases.coordination.k8s.io in namespace \"default\"",
                            "coppice up --roles gateway --print-role");
        }
    }

    @Test
    void refusedItServesOnAndSaysSo() throws Exception {
        int port = saved();
        try (FakeCluster cluster = new FakeCluster(401, "no");
                GatewayServer _ = start(cluster.url())) {
            assertThat(news("refused the credentials")).contains("kubectl auth whoami");
            assertThat(get("http://127.0.0.1:" + port + "/").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void whatIsWrongWithOptionsIsToldTogether() {
        GatewayServerOptions wrong = new GatewayServerOptions(
                folder,
                null,
                null,
                "A",
                " ",
                70_000,
                new TrafficOptions(
                        List.of("203.0.113.7", "x"),
                        "a b",
                        List.of(folder),
                        folder.resolve("gone"),
                        5L,
                        "10.0.0.0/16",
                        false));
        assertThat(wrong.problems())
                .hasSize(10)
                .anySatisfy(each -> assertThat(each).contains("--gateway-addresses", "203.0.113.7"))
                .anySatisfy(each -> assertThat(each).contains("--gateway-zone", "a b"))
                .anySatisfy(
                        each -> assertThat(each).contains("--gateway-geography", folder.toString(), "expected a file"))
                .anySatisfy(each -> assertThat(each).contains("--gateway-files", "gone", "expected a directory"))
                .anySatisfy(each -> assertThat(each).contains("--gateway-cache-bytes", "5: expected 1048576"))
                .anySatisfy(each -> assertThat(each).contains("--service-cluster-ip-range", "10.0.0.0/16", "loopback"))
                .anySatisfy(each -> assertThat(each).contains("--lease-namespace", "\"A\""))
                .anySatisfy(each -> assertThat(each).contains("--metrics-port", "70000"))
                .anySatisfy(each -> assertThat(each).contains("--listen"));
    }

    @Test
    void theRoleNamesWhatItNeeds() {
        assertThat(GatewayServer.role())
                .contains("name: coppice-gateway\n", "httproutes", "gateways/status", "endpointslices", "leases");
    }
}
