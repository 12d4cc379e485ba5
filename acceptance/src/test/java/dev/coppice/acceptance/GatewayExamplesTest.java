package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The worked examples of the gateway's pages, as they stand under {@code docs/}, one after the other on one node: the last block of each takes away
 * what it made.
 */
final class GatewayExamplesTest {
    @TempDir
    private static Path home;

    private static Path data;
    private static RunningCoppice coppice;

    @TempDir
    private Path folder;

    @BeforeAll
    static void start() throws Exception {
        Shell.need("kubectl", "curl");
        data = home.resolve("data");
        coppice = RunningCoppice.up(data);
    }

    @AfterAll
    static void stop() throws Exception {
        if (coppice != null) {
            coppice.close();
        }
    }

    /** Else the next one would meet it, as would a reader who goes on to another page. */
    @AfterEach
    void nothingIsLeft() throws Exception {
        assertThat(coppice.kubectl(
                                "get",
                                "gateways,httproutes,grpcroutes,tlsroutes,tcproutes,udproutes",
                                "--all-namespaces",
                                "-o",
                                "name")
                        .succeeds()
                        .output()
                        .lines()
                        .filter(line -> line.contains("/")))
                .isEmpty();
    }

    @Test
    void theWorkedExampleDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway.md");
        assertThat(blocks).hasSizeGreaterThanOrEqualTo(8);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("shop.yaml"), blocks.get(1));
            // The servers may take a moment to start.
            GatewayTest.await("both backends answer", () -> answers(9001) && answers(9002));
            Map<String, Integer> shares = counts(example.sh(blocks.get(2)));
            assertThat(shares.keySet()).containsExactlyInAnyOrder("blue", "green");
            assertThat(shares.get("blue")).as("%s", shares).isGreaterThan(shares.get("green"));
            assertThat(counts(example.sh(blocks.get(3)))).isEqualTo(Map.of("green", 100));
            assertThat(example.sh(blocks.get(4)))
                    .contains("HTTPRoute default/shop, rule 1: host shop.example, any path")
                    .contains("100% to default/green:80 (HTTP): 127.0.0.1:9002")
                    .contains("answered with 404: no route matches this host name, path and method")
                    .contains("it is for the host name shop.example")
                    .contains("default/blue:80 (0), default/green:80 (10)");
            Files.writeString(folder.resolve("limit.yaml"), blocks.get(5));
            String limited = example.sh(blocks.get(6));
            assertThat(limited.lines().filter(line -> line.matches("\\d{3}")))
                    .containsExactly("200", "200", "200", "200", "200", "429", "429", "429");
            assertThat(limited.toLowerCase(Locale.ROOT))
                    .contains("http/1.1 429")
                    .containsPattern("retry-after: [67]\\d\\d")
                    .contains("ratelimit-policy: \"client\";q=5;w=3600")
                    .containsPattern("ratelimit: \"client\";r=0;t=3[56]\\d\\d");
        } finally {
            String _ = example.sh(blocks.get(7));
        }
    }

    @Test
    void theExampleOfTlsToBackendsDoesWhatItSays() throws Exception {
        Shell.need("openssl");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "TLS to backends");
        assertThat(blocks).hasSize(5);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("tls.yaml"), blocks.get(1));
            GatewayTest.await(
                    "the backend listens",
                    // The shell makes the file when it starts the server, which may be a moment later.
                    () -> Files.exists(folder.resolve("shop.log"))
                            && Files.readString(folder.resolve("shop.log")).contains("ACCEPT"));
            assertThat(example.sh(blocks.get(2))).endsWith("hello in TLS\n");
            assertThat(example.sh(blocks.get(3))).endsWith("503\n");
            assertThat(coppice.log())
                    .contains(
                            "TLS with default/secure:443/tls at 127.0.0.1:9443 failed: its certificate is not accepted:"
                                    + " it is for shop.internal; expected other.internal");
        } finally {
            String _ = example.sh(blocks.get(4));
        }
    }

    @Test
    void theExampleOfClientsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/traffic.md", "Clients");
        assertThat(blocks).hasSize(4);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("who.yaml"), blocks.get(1));
            GatewayTest.await("the server answers", () -> answers(9031));
            assertThat(example.sh(blocks.get(2))).endsWith("for 192.0.2.7\nfor 127.0.0.1\nclosed\n");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
    }

    @Test
    void theExampleOfStreamsDoesWhatItSays() throws Exception {
        Shell.need("redis-server", "redis-cli", "openssl");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/traffic.md", "Streams");
        assertThat(blocks).hasSize(4);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("redis.yaml"), blocks.get(1));
            GatewayTest.await(
                    "the server answers",
                    () -> example.sh("redis-cli -p 9061 ping || true").contains("PONG"));
            List<String> lines = example.sh(blocks.get(2)).lines().toList();
            assertThat(lines).contains("OK", "hello");
            assertThat(lines.getLast())
                    .matches(
                            "127\\.0\\.0\\.1 TLS redis\\.example 200 default/redis-secure 127\\.0\\.0\\.1:9061 in \\d+ out 7");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
    }

    @Test
    void theExampleOfServicesDoesWhatItSays() throws Exception {
        Shell.need("python3");
        // On a node of its own: its page has it started with an option.
        Path own = folder.resolve("data");
        List<String> blocks = WorkedExample.blocks("docs/gateway/services.md", "A worked example");
        assertThat(blocks).hasSize(6);
        try (RunningCoppice node = RunningCoppice.up(own, "--service-cluster-ip-range", "127.120.0.0/16")) {
            WorkedExample example = new WorkedExample(folder, node, own);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("services.yaml"), blocks.get(1));
                GatewayTest.await("both versions answer", () -> answers(9086) && answers(9087));
                assertThat(example.sh(blocks.get(2))).endsWith("\nblue\n");
                Files.writeString(folder.resolve("routes.yaml"), blocks.get(3));
                assertThat(example.sh(blocks.get(4)))
                        .contains("\nblue\ngreen\n404\nHTTP/1.1 200 OK\r\n")
                        .containsIgnoringCase("x-told-by: buyers\r\n")
                        .contains(
                                "Service default/shop, listener http\n",
                                "Service default/shop, listener http for clients in buyers\n",
                                "HTTPRoute default/versions, rule 1",
                                "HTTPRoute buyers/for-buyers, rule 1");
            } finally {
                String _ = example.sh(blocks.get(5));
            }
        }
    }

    @Test
    void theExampleOfFiltersDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/filters.md", "HTTPRouteFilter");
        assertThat(blocks).hasSize(5);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("filters.yaml"), blocks.get(1));
            GatewayTest.await("the server answers", () -> answers(9051));
            assertThat(example.sh(blocks.get(2)))
                    .containsIgnoringCase("x-told-by: default/orders with 200")
                    .contains(
                            "/v2/orders/2026/11?customer=7&page=2 for customer 7\n",
                            "{\"closed\": true, \"path\": \"/users/7/orders/1\"}\n",
                            "<h1>Orders</h1>\n",
                            "200 text/css; charset=utf-8\n",
                            "\nOrder\n",
                            "filter default/closed, when 'x-try' in request.headers",
                            "filter default/old-orders, for paths /users/{id}/orders/{rest=**}");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
    }

    @Test
    void theExampleOfFunctionsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/functions.md", "A function");
        assertThat(blocks).hasSize(4);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("function.yaml"), blocks.get(1));
            GatewayTest.await("the server answers", () -> answers(9061));
            assertThat(example.sh(blocks.get(2)))
                    .contains("which version?\n400\n", "an answer\n", "filter default/version: by a function")
                    .containsIgnoringCase("x-function: has looked");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
        if (Files.exists(Path.of("/usr/bin/wat2wasm"))) {
            Matcher source = Pattern.compile("```wat\n(.*?)```", Pattern.DOTALL)
                    .matcher(Files.readString(Shell.HOME.resolve("docs/gateway/functions.md")));
            assertThat(source.find()).isTrue();
            Files.writeString(folder.resolve("version.wat"), source.group(1));
            assertThat(example.sh("wat2wasm version.wat -o made.wasm && cmp made.wasm version.wasm && echo same"))
                    .isEqualTo("same\n");
        }
    }

    @Test
    void theExampleOfBalancingDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "Balancing and health");
        assertThat(blocks).hasSize(5);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("baskets.yaml"), blocks.get(1));
            GatewayTest.await("both servers answer", () -> answers(9011) && answers(9012));
            String first = example.sh(blocks.get(2));
            Map<String, Integer> counts = counts(first);
            assertThat(counts.values()).as(first).containsExactly(10);
            assertThat(first).containsPattern("(?m)^basket\\s[0-9a-f]{32}$");
            String other = counts.containsKey("one") ? "two" : "one";
            assertThat(example.sh(blocks.get(3))).endsWith("hello from " + other + "\n");
        } finally {
            String _ = example.sh(blocks.get(4));
        }
    }

    @Test
    void theExampleOfSubsetsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "Subsets");
        assertThat(blocks).hasSize(4);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("versions.yaml"), blocks.get(1));
            GatewayTest.await("both servers answer", () -> answers(9051) && answers(9052));
            assertThat(example.sh(blocks.get(2)))
                    .contains("hello from v1\nhello from v2\nhello from v1\nhello from v2\n")
                    .contains("to endpoints whose label version is as the header x-version says,"
                            + " else to those where it is v1")
                    .contains("127.0.0.1:9052 (v2)");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
    }

    @Test
    void theExampleOfAuthenticationDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/access.md", "Authentication and authorisation");
        assertThat(blocks).hasSize(4);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("access.yaml"), blocks.get(1));
            GatewayTest.await("the backend answers", () -> answers(9003));
            assertThat(example.sh(blocks.get(2)).lines().filter(line -> line.matches("\\d{3}")))
                    .containsExactly("401", "200", "403", "200", "501");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
    }

    @Test
    void theExampleOfPeopleWhoLogInDoesWhatItSays() throws Exception {
        Shell.need("python3", "openssl");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/access.md", "People who log in");
        assertThat(blocks).hasSize(5);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("people.yaml"), blocks.get(1));
            GatewayTest.await("the server answers", () -> answers(9052));
            String hello = "hello alice@shop.example of staff";
            assertThat(example.sh(blocks.get(2)).lines().toList()).endsWith("401", hello, hello, "coppice-session");
            assertThat(example.sh(blocks.get(3)).strip().lines().toList())
                    .containsExactly(
                            "this is not allowed",
                            "https://localhost:9051/logout?client_id=shop&post_logout",
                            hello,
                            "<form method=\"post\">Who are you? <input name=\"user\"></form>");
        } finally {
            String _ = example.sh(blocks.get(4));
        }
    }

    @Test
    void theExampleOfCredentialsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "Credentials for backends");
        assertThat(blocks).hasSize(4);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("billing.yaml"), blocks.get(1));
            GatewayTest.await("the server answers", () -> answers(9041));
            assertThat(example.sh(blocks.get(2))).endsWith("it is Bearer the-gateway\n");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
    }

    @Test
    void theExampleOfACircuitBreakerDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "When a Service fails");
        assertThat(blocks).hasSize(5);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("orders.yaml"), blocks.get(1));
            GatewayTest.await("the server answers", () -> answers(9021));
            assertThat(example.sh(blocks.get(2)))
                    .contains("501\n501\n501\n501\n")
                    .endsWith("{\"error\": \"orders rest for a moment\"}");
            assertThat(example.sh(blocks.get(3))).endsWith("your orders\nyour orders\n");
        } finally {
            String _ = example.sh(blocks.get(4));
        }
    }

    @Test
    void theExampleOfWhatIsToldOfRequestsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/observability.md", "Access logs");
        assertThat(blocks).hasSize(4);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("telling.yaml"), blocks.get(1));
            GatewayTest.await("the backend answers", () -> answers(9031));
            assertThat(example.sh(blocks.get(2)))
                    .containsPattern("POST [0-9.]+/ 501 \\d+us default/told 127.0.0.1:9031\n")
                    .contains("  > Authorization: ***\n")
                    .containsPattern("127.0.0.1 - - \\[[^]]+] \"GET / HTTP/1.1\" 200 20 \"-\" \"curl/[^\"]+\"\n")
                    .contains("\nPOST / 501 default/told 0af7651916cd43dd8448eb211c80319c\n")
                    .contains("\n/v1/traces application/x-protobuf gzip ");
        } finally {
            String _ = example.sh(blocks.get(3));
        }
    }

    @Test
    void theExampleOfACacheDoesWhatItSays() throws Exception {
        Shell.need("python3");
        WorkedExample example = new WorkedExample(folder, coppice, data);
        List<String> blocks = WorkedExample.blocks("docs/gateway/cache.md");
        assertThat(blocks).hasSize(5);
        String _ = example.sh(blocks.get(0));
        try {
            Files.writeString(folder.resolve("kept.yaml"), blocks.get(1));
            assertThat(example.sh(blocks.get(2)).replace("\r", ""))
                    .containsPattern("(?is)answer 2\nHTTP/1.1 200 OK\n.*\nage: \\d\n")
                    .containsPattern("(?i)\ncache-status: coppice; hit; ttl=\\d+\n\nanswer 2\nHTTP/1.1 304 ")
                    .containsPattern(
                            "(?i)\ncache-status: coppice; fwd=request; fwd-status=200; stored; ttl=\\d+\nanswer 3\n")
                    .endsWith("\nanswer 4\n");
            assertThat(example.sh(blocks.get(3))).endsWith("answer 5\ncoppice; fwd=request; detail=stale-if-error\n");
        } finally {
            String _ = example.sh(blocks.get(4));
        }
    }

    private static boolean answers(int port) throws IOException, InterruptedException {
        return Shell.run(Duration.ofSeconds(20), "curl", "-sf", "http://127.0.0.1:" + port + "/")
                        .status()
                == 0;
    }

    private static Map<String, Integer> counts(String output) {
        Map<String, Integer> counts = new TreeMap<>();
        Matcher lines = Pattern.compile("(\\d+) hello from (\\w+)").matcher(output);
        while (lines.find()) {
            counts.put(lines.group(2), Integer.parseInt(lines.group(1)));
        }
        return counts;
    }
}
