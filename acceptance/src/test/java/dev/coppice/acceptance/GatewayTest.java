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
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway in front of two backends: changes under load, a node that is killed, what the console shows. */
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

    interface Condition {
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

    static void await(String what, Condition condition) throws Exception {
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
