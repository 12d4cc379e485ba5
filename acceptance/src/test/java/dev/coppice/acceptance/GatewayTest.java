package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import dev.coppice.acceptance.gateway.EchoBackends;
import dev.coppice.acceptance.gateway.KeepAliveLoad;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway in front of two backends: the worked examples of its pages under {@code docs/}, changes under load, a node that is killed. */
final class GatewayTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int PORT = 8088;

    private static final String GATEWAY = """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              gatewayClassName: coppice
              listeners: [{name: http, protocol: HTTP, port: %d}]
            """.formatted(PORT);

    @TempDir
    private Path folder;

    private final EchoBackends backends = new EchoBackends((_, _) -> null);

    private interface Condition {
        boolean holds() throws Exception;
    }

    @BeforeEach
    void start() throws Exception {
        Shell.need("kubectl", "curl");
        for (String name : List.of("blue", "green")) {
            backends.start(YAML.readTree(
                    "metadata: {name: %1$s, namespace: default}\nspec: {template: {metadata: {labels: {app: %1$s}}, spec: {containers: [{image: echo}]}}}"
                            .formatted(name)));
        }
    }

    @AfterEach
    void stop() {
        backends.close();
    }

    private static String service(String name) {
        return """
                apiVersion: v1
                kind: Service
                metadata: {name: %1$s, namespace: default}
                spec: {selector: {app: %1$s}, ports: [{name: http, port: 80, targetPort: 3000}]}
                """.formatted(name);
    }

    private static String route(int blue, int green) {
        return """
                apiVersion: gateway.networking.k8s.io/v1
                kind: HTTPRoute
                metadata: {name: shop}
                spec:
                  parentRefs: [{name: edge}]
                  rules:
                  - matches: [{path: {type: PathPrefix, value: /shop}}]
                    backendRefs: [{name: blue, port: 80, weight: %d}, {name: green, port: 80, weight: %d}]
                """.formatted(blue, green);
    }

    private static void apply(RunningCoppice coppice, String... documents) throws Exception {
        Shell.Outcome _ = coppice.kubectlWithInput(String.join("---\n", documents), "apply", "-f", "-")
                .succeeds();
    }

    private void applyAll(RunningCoppice coppice) throws Exception {
        apply(
                coppice,
                service("blue"),
                service("green"),
                backends.endpointSlice(YAML.readTree(service("blue"))) + "\n",
                backends.endpointSlice(YAML.readTree(service("green"))) + "\n",
                GATEWAY,
                route(90, 10));
    }

    private static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            LockSupport.parkNanos(20_000_000);
        }
    }

    private static String address(RunningCoppice coppice) throws Exception {
        await(
                "the Gateway has an address",
                () -> !coppice.kubectl("get", "gateway", "edge", "-o", "jsonpath={.status.addresses[0].value}")
                        .output()
                        .isEmpty());
        return coppice.kubectl("get", "gateway", "edge", "-o", "jsonpath={.status.addresses[0].value}")
                .succeeds()
                .output();
    }

    /** The pod that answered; the status where none did. */
    private static String ask(String address) throws IOException, InterruptedException {
        String output = Shell.run(
                        Duration.ofSeconds(20),
                        "curl",
                        "-s",
                        "-w",
                        "\n%{http_code}",
                        "http://" + address + ":" + PORT + "/shop")
                .output();
        JsonNode answer = YAML.readTree(output.substring(0, Math.max(0, output.lastIndexOf('\n'))));
        return answer.path("pod").asText(output.substring(output.lastIndexOf('\n') + 1));
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theWorkedExampleDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway.md");
            assertThat(blocks).hasSizeGreaterThanOrEqualTo(8);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("shop.yaml"), blocks.get(1));
                // The servers may take a moment to start.
                await("both backends answer", () -> answers(9001) && answers(9002));
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
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfTlsToBackendsDoesWhatItSays() throws Exception {
        Shell.need("openssl");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "TLS to backends");
            assertThat(blocks).hasSize(5);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("tls.yaml"), blocks.get(1));
                await(
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
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfClientsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/traffic.md", "Clients");
            assertThat(blocks).hasSize(4);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("who.yaml"), blocks.get(1));
                await("the server answers", () -> answers(9031));
                assertThat(example.sh(blocks.get(2))).endsWith("for 192.0.2.7\nfor 127.0.0.1\nclosed\n");
            } finally {
                String _ = example.sh(blocks.get(3));
            }
        }
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfStreamsDoesWhatItSays() throws Exception {
        Shell.need("redis-server", "redis-cli", "openssl");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/traffic.md", "Streams");
            assertThat(blocks).hasSize(4);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("redis.yaml"), blocks.get(1));
                await(
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
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfServicesDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        List<String> blocks = WorkedExample.blocks("docs/gateway/services.md", "A worked example");
        assertThat(blocks).hasSize(6);
        try (RunningCoppice coppice = RunningCoppice.up(data, "--service-cluster-ip-range", "127.120.0.0/16")) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("services.yaml"), blocks.get(1));
                await("both versions answer", () -> answers(9086) && answers(9087));
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

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfFiltersDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/filters.md", "HTTPRouteFilter");
            assertThat(blocks).hasSize(5);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("filters.yaml"), blocks.get(1));
                await("the server answers", () -> answers(9051));
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
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfFunctionsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/functions.md", "A function");
            assertThat(blocks).hasSize(4);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("function.yaml"), blocks.get(1));
                await("the server answers", () -> answers(9061));
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
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfBalancingDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "Balancing and health");
            assertThat(blocks).hasSize(5);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("baskets.yaml"), blocks.get(1));
                await("both servers answer", () -> answers(9011) && answers(9012));
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
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfSubsetsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "Subsets");
            assertThat(blocks).hasSize(4);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("versions.yaml"), blocks.get(1));
                await("both servers answer", () -> answers(9051) && answers(9052));
                assertThat(example.sh(blocks.get(2)))
                        .contains("hello from v1\nhello from v2\nhello from v1\nhello from v2\n")
                        .contains("to endpoints whose label version is as the header x-version says,"
                                + " else to those where it is v1")
                        .contains("127.0.0.1:9052 (v2)");
            } finally {
                String _ = example.sh(blocks.get(3));
            }
        }
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfAuthenticationDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/access.md", "Authentication and authorisation");
            assertThat(blocks).hasSize(4);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("access.yaml"), blocks.get(1));
                await("the backend answers", () -> answers(9003));
                assertThat(example.sh(blocks.get(2)).lines().filter(line -> line.matches("\\d{3}")))
                        .containsExactly("401", "200", "403", "200", "501");
            } finally {
                String _ = example.sh(blocks.get(3));
            }
        }
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfPeopleWhoLogInDoesWhatItSays() throws Exception {
        Shell.need("python3", "openssl");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/access.md", "People who log in");
            assertThat(blocks).hasSize(5);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("people.yaml"), blocks.get(1));
                await("the server answers", () -> answers(9052));
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
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfCredentialsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "Credentials for backends");
            assertThat(blocks).hasSize(4);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("billing.yaml"), blocks.get(1));
                await("the server answers", () -> answers(9041));
                assertThat(example.sh(blocks.get(2))).endsWith("it is Bearer the-gateway\n");
            } finally {
                String _ = example.sh(blocks.get(3));
            }
        }
    }

    @Test
    void theExampleOfACircuitBreakerDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/backends.md", "When a Service fails");
            assertThat(blocks).hasSize(5);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("orders.yaml"), blocks.get(1));
                await("the server answers", () -> answers(9021));
                assertThat(example.sh(blocks.get(2)))
                        .contains("501\n501\n501\n501\n")
                        .endsWith("{\"error\": \"orders rest for a moment\"}");
                assertThat(example.sh(blocks.get(3))).endsWith("your orders\nyour orders\n");
            } finally {
                String _ = example.sh(blocks.get(4));
            }
        }
    }

    /** As it stands in the gateway's pages under {@code docs/}. */
    @Test
    void theExampleOfWhatIsToldOfRequestsDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/gateway/observability.md", "Access logs");
            assertThat(blocks).hasSize(4);
            String _ = example.sh(blocks.get(0));
            try {
                Files.writeString(folder.resolve("telling.yaml"), blocks.get(1));
                await("the backend answers", () -> answers(9031));
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
    }

    @Test
    void theExampleOfACacheDoesWhatItSays() throws Exception {
        Shell.need("python3");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
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
                assertThat(example.sh(blocks.get(3)))
                        .endsWith("answer 5\ncoppice; fwd=request; detail=stale-if-error\n");
            } finally {
                String _ = example.sh(blocks.get(4));
            }
        }
    }

    @Test
    void theConsoleShowsTrafficAsItComesAndGoes() throws Exception {
        Shell.need("chromium");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"));
                Playwright playwright = Playwright.create();
                Browser browser = ConsoleTest.chromium(playwright)) {
            applyAll(coppice);
            String address = address(coppice);
            await("a backend answers", () -> ask(address).matches("(blue|green).*"));
            Page page = browser.newContext(new Browser.NewContextOptions().setIgnoreHTTPSErrors(true))
                    .newPage();
            List<String> errors = ConsoleTest.errors(page);
            String console = coppice.ready().path("console").asText();
            page.navigate(console);
            page.fill("input[name=token]", coppice.token());
            page.keyboard().press("Enter");
            page.locator("nav a").first().waitFor();
            page.navigate(console.replaceAll("/+$", "") + "/gateway");
            Locator rate = page.locator("tr:has-text('HTTPRoute default/shop') td:nth-child(2)");
            rate.waitFor();
            double[] most = {0};
            await("the page shows requests", () -> {
                String _ = ask(address);
                most[0] = Math.max(most[0], Double.parseDouble(rate.textContent()));
                return most[0] > 0.5;
            });
            ConsoleTest.screenshot(page, "gateway-traffic");
            await("and then none", () -> rate.textContent().equals("0"));
            assertThat(errors).isEmpty();
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

    @Test
    void changesOfARouteDropNothing() throws Exception {
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"))) {
            applyAll(coppice);
            String address = address(coppice);
            await("the route serves", () -> ask(address).startsWith("blue"));
            try (KeepAliveLoad load = new KeepAliveLoad(address, PORT, 16, "/shop")) {
                for (int change = 0; change < 20; change++) {
                    String wanted = change % 2 == 0 ? "green" : "blue";
                    apply(coppice, wanted.equals("green") ? route(0, 1) : route(1, 0));
                    await("the change is live", () -> ask(address).startsWith(wanted));
                    long then = load.answered();
                    await(
                            "requests go on",
                            () -> load.answered() > then + 100
                                    || !load.failures().isEmpty());
                    assertThat(load.failures()).isEmpty();
                }
                // A listener more and a listener less, too, without a connection lost.
                apply(
                        coppice,
                        GATEWAY.replace(
                                "port: " + PORT,
                                "port: " + PORT + "}, {name: more, protocol: HTTP, port: " + (PORT + 1)));
                await(
                        "the new listener serves",
                        () -> Shell.run(
                                                Duration.ofSeconds(20),
                                                "curl",
                                                "-sf",
                                                "http://" + address + ":" + (PORT + 1) + "/shop")
                                        .status()
                                == 0);
                apply(coppice, GATEWAY);
                await(
                        "the new listener is gone",
                        () -> Shell.run(
                                                Duration.ofSeconds(20),
                                                "curl",
                                                "-sf",
                                                "http://" + address + ":" + (PORT + 1) + "/shop")
                                        .status()
                                != 0);
                assertThat(load.failures()).isEmpty();
                assertThat(load.answered()).isGreaterThan(2000);
            }
        }
    }

    @Test
    void servesAgainAfterAKill() throws Exception {
        Path data = folder.resolve("data");
        RunningCoppice coppice = RunningCoppice.up(data);
        try {
            applyAll(coppice);
            String address = address(coppice);
            await("the route serves", () -> ask(address).startsWith("blue"));
        } finally {
            coppice.kill();
        }
        try (RunningCoppice again = RunningCoppice.up(data)) {
            String address = address(again);
            await("the route serves again", () -> ask(address).startsWith("blue"));
            apply(again, route(0, 1));
            await("changes go on", () -> ask(address).startsWith("green"));
        }
    }
}
