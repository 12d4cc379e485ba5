package dev.coppice.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.Identity;
import dev.coppice.serving.ListenerOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LeaderSignsTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 1);
    private final HttpClient client = HttpClient.newHttpClient();
    private final AtomicReference<String> leader = new AtomicReference<>("b<1>");
    private HttpListener listener;
    private LeaderSigns signs;

    private static Identity admin(Exchange exchange) {
        return new Identity("admin", "", List.of("system:authenticated"), Map.of());
    }

    @BeforeEach
    void start() throws Exception {
        listener = new HttpListener(
                kernel,
                new ListenerOptions(
                        "api", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), null, 100_000, 100),
                LeaderSignsTest::admin);
        ConsoleSite site = new ConsoleSite(kernel, LeaderSignsTest::admin, "Coppice", "a");
        site.mountOn(listener.routes());
        signs = new LeaderSigns(List.of("health", "gateway"), site, listener.routes(), handler -> handler, leader::get);
        listener.start(failure -> {});
    }

    @AfterEach
    void stop() throws Exception {
        // What is still in flight is waited for by the clock, which only moves when it is told to.
        FutureTask<Void> stopping = new FutureTask<>(() -> {
            listener.stop();
            return null;
        });
        Thread.ofVirtual().start(stopping);
        while (!stopping.isDone()) {
            clock.advance(Duration.ofMillis(10));
            Thread.onSpinWait();
        }
        stopping.get();
        client.shutdownNow();
        kernel.close();
    }

    private HttpResponse<String> get(String path) throws Exception {
        int port = listener.address().orElseThrow().getPort();
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .header("Authorization", "Bearer any")
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void aNodeThatFollowsNamesTheOneThatLeads() throws Exception {
        signs.open();
        signs.open();
        HttpResponse<String> page = get("/console/health");
        assertThat(page.statusCode()).isEqualTo(503);
        assertThat(page.body()).contains("<strong>b&lt;1></strong>", "kubectl get healthchecks");
        HttpResponse<String> probe = get("/probe?target=x");
        assertThat(probe.statusCode()).isEqualTo(503);
        assertThat(probe.body()).isEqualTo("503 /probe is answered by the node that leads, b<1>; ask that node\n");
    }

    @Test
    void theGatewayHasSignsToo() throws Exception {
        signs.open();
        assertThat(get("/console/gateway").body())
                .contains("Gateways are served on the node that leads, <strong>b&lt;1>");
        HttpResponse<String> explain = get("/gateway/explain?url=http://a/");
        assertThat(explain.statusCode()).isEqualTo(503);
        assertThat(explain.body()).startsWith("503 /gateway is answered by the node that leads, b<1>");
    }

    @Test
    void withoutALeaderItSaysToTryAgain() throws Exception {
        leader.set("");
        signs.open();
        assertThat(get("/console/health").body()).contains("No node that leads is known now");
        assertThat(get("/probe").body()).contains("not known now; try again");
    }

    @Test
    void theSignsAreGoneOnceThisNodeLeads() throws Exception {
        signs.open();
        signs.close();
        assertThat(get("/console/health").statusCode()).isEqualTo(404);
        assertThat(get("/probe").statusCode()).isEqualTo(404);
    }
}
