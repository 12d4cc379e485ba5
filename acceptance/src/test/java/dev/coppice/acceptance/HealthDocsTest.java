package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.coppice.kernel.FreePorts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The worked example of {@code docs/health.md}, run as it stands there but for the ports; then a node that is killed. */
final class HealthDocsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(70);
    private static final Pattern BLOCK = Pattern.compile("```(yaml|sh)\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path folder;

    private final BlockingQueue<JsonNode> told = new LinkedBlockingQueue<>();

    /** Killed between the answer and the note about it, a node sends a notification again, with the same id. */
    private final Set<String> ids = ConcurrentHashMap.newKeySet();

    private HttpServer machine;
    private volatile boolean selling = true;

    /** The web shop and the receiver of notifications. */
    @BeforeEach
    void serve() throws IOException {
        machine = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        machine.createContext("/", exchange -> {
            byte[] page = "<button>Add to basket</button>".getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
            exchange.sendResponseHeaders(selling ? 200 : 500, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        });
        machine.createContext("/alerts", exchange -> {
            JsonNode notification = JSON.readTree(exchange.getRequestBody());
            if (ids.add(notification.path("notificationId").asText())) {
                told.add(notification);
            }
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        machine.start();
    }

    @AfterEach
    void stop() {
        machine.stop(0);
    }

    @Test
    void theWorkedExampleDoesWhatItSaysAndSurvivesAKill() throws Exception {
        Shell.need("kubectl", "curl", "openssl");
        Path data = folder.resolve("data");
        ServerSocket database = database(FreePorts.next());
        int port = database.getLocalPort();
        RunningCoppice coppice = RunningCoppice.up(data);
        try {
            List<String> blocks = blocks(coppice, port);
            Files.writeString(folder.resolve("shop.yaml"), blocks.getFirst());
            assertThat(sh(coppice, blocks.get(1))).contains("database", "website", "nightly-export", "composite");
            sh(coppice, blocks.get(2));
            sh(coppice, blocks.get(3));
            assertThat(next()).containsExactly("firing test");
            database.close();
            selling = false;
            assertThat(sh(coppice, blocks.get(4))).contains("Suppressed");
            assertThat(next()).containsExactly("firing database");

            coppice.kill();
            coppice = RunningCoppice.up(data);
            assertThat(sh(coppice, "kubectl get hc database -o jsonpath='{.status.state} {.status.uptime.month}'"))
                    .startsWith("Down ")
                    .contains("%");
            assertThat(next(Duration.ofSeconds(8)))
                    .as("nothing is told again, and nothing is over")
                    .isEmpty();
            try (ServerSocket again = database(port)) {
                assertThat(again.isBound()).isTrue();
                selling = true;
                assertThat(sh(coppice, blocks.get(5))).contains("True");
                assertThat(next()).containsExactly("resolved database");
            }
            assertThat(new String(
                            get(coppice.ready().path("public").asText() + "/status/default/shop.json"),
                            StandardCharsets.UTF_8))
                    .contains("Web shop")
                    .doesNotContain("127.0.0.1");
        } finally {
            coppice.close();
            database.close();
        }
    }

    private static ServerSocket database(int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 64);
        return socket;
    }

    /** The blocks of the section in their order, with this test's ports in them. */
    private List<String> blocks(RunningCoppice coppice, int database) throws IOException {
        String text = Files.readString(Shell.HOME.resolve("docs/health.md"));
        int start = text.indexOf("## A worked example");
        String section = text.substring(start, text.indexOf("\n## ", start + 1));
        String here = "127.0.0.1:" + machine.getAddress().getPort();
        List<String> found = new ArrayList<>();
        Matcher block = BLOCK.matcher(section);
        while (block.find()) {
            found.add(block.group(2)
                    .replace("port: 5432", "port: " + database)
                    .replace("127.0.0.1:8080", here)
                    .replace("127.0.0.1:9999", here)
                    .replace(
                            "http://STATUS-ADDRESS",
                            coppice.ready().path("public").asText()));
        }
        assertThat(found).as("yaml and shell blocks").hasSize(6);
        return found;
    }

    private String sh(RunningCoppice coppice, String script) throws Exception {
        String kubeconfig = coppice.ready().path("kubeconfig").asText();
        return Shell.run(
                        LIMIT,
                        Map.of("KUBECONFIG", kubeconfig),
                        null,
                        List.of("bash", "-euc", "cd '" + folder + "'\n" + script))
                .succeeds()
                .output();
    }

    private List<String> next() throws InterruptedException {
        return next(Duration.ofSeconds(20));
    }

    /** What the next notification says of each check; empty when none comes in this time. */
    private List<String> next(Duration limit) throws InterruptedException {
        JsonNode notification = told.poll(limit.toMillis(), TimeUnit.MILLISECONDS);
        List<String> lines = new ArrayList<>();
        if (notification != null) {
            notification
                    .path("alerts")
                    .forEach(a -> lines.add(a.path("status").asText() + " "
                            + a.path("labels").path("check").asText()));
        }
        return lines;
    }

    private static byte[] get(String address) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create(address)).build(),
                            HttpResponse.BodyHandlers.ofByteArray())
                    .body();
        }
    }
}
