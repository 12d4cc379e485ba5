package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A gateway in a process of its own beside three nodes: what it says of functions, and how it takes it when the node that leads is killed, and
 * then the one whose API it follows.
 */
final class GatewayProcessInClusterTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String ADDRESS = "127.0.0.41";
    private static final String GATEWAY = """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              gatewayClassName: coppice
              listeners: [{name: http, protocol: HTTP, port: 8062}]
            ---
            """;

    @TempDir
    private Path folder;

    private GatewayNodes cluster;
    private RunningOperator gateway;
    private RunningCoppice api;

    @AfterEach
    void stop() throws InterruptedException {
        if (gateway != null) {
            gateway.kill();
        }
        if (cluster != null) {
            cluster.close();
        }
    }

    /** A filter with a function, whose module is in a ConfigMap of its name, and a route with that, which leads elsewhere. */
    private static String route(String name, String host) {
        return """
                apiVersion: gateway.coppice.dev/v1
                kind: HTTPRouteFilter
                metadata: {name: %1$s}
                spec:
                  function: {module: {configMap: {name: %1$s, key: module.wasm}}, config: X-Version}
                ---
                apiVersion: gateway.networking.k8s.io/v1
                kind: HTTPRoute
                metadata: {name: %1$s}
                spec:
                  parentRefs: [{name: edge}]
                  rules:
                  - matches: [{path: {type: PathPrefix, value: /%1$s}}]
                    filters:
                    - {type: ExtensionRef, extensionRef: {group: gateway.coppice.dev, kind: HTTPRouteFilter, name: %1$s}}
                    - {type: RequestRedirect, requestRedirect: {hostname: %2$s}}
                ---
                """.formatted(name, host);
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static Duration await(String what, Condition condition) throws Exception {
        long begin = System.nanoTime();
        while (!condition.holds()) {
            assertThat(System.nanoTime() - begin).as(what).isLessThan(LIMIT.toNanos());
            LockSupport.parkNanos(50_000_000);
        }
        return Duration.ofNanos(System.nanoTime() - begin);
    }

    private JsonNode get(String resource) throws Exception {
        Shell.Outcome outcome = api.kubectl("get", resource, "-o", "json");
        return outcome.status() == 0 ? JSON.readTree(outcome.output()) : JSON.missingNode();
    }

    private void apply(String manifests) throws Exception {
        long begin = System.nanoTime();
        Shell.Outcome outcome = api.kubectlWithInput(manifests, "apply", "-f", "-");
        while (outcome.status() != 0) {
            assertThat(System.nanoTime() - begin).as(outcome.output()).isLessThan(LIMIT.toNanos());
            outcome = api.kubectlWithInput(manifests, "apply", "-f", "-");
        }
    }

    /** Status and reason of ResolvedRefs, as it is told of what the object says now. */
    private String resolved(String resource) throws Exception {
        JsonNode object = get(resource);
        JsonNode conditions = resource.startsWith("httproute/")
                ? object.path("status").path("parents").path(0).path("conditions")
                : object.path("status").path("conditions");
        for (JsonNode each : conditions) {
            if (each.path("type").asText().equals("ResolvedRefs")
                    && each.path("observedGeneration").asLong()
                            == object.path("metadata").path("generation").asLong()) {
                return each.path("status").asText() + " " + each.path("reason").asText();
            }
        }
        return "";
    }

    /** Where the gateway sends a request, or with which status it is answered. */
    private static String answer(String path) throws Exception {
        return Shell.run(
                        Duration.ofSeconds(20),
                        "curl",
                        "-s",
                        "-o",
                        "/dev/null",
                        "-H",
                        "X-Version: 1",
                        "-w",
                        "%{http_code} %{redirect_url}",
                        "http://" + ADDRESS + ":8062" + path)
                .output();
    }

    private static String led(String host) {
        return "302 http://" + host + ":8062/";
    }

    private void module(String name, String file) throws Exception {
        String made = Shell.run(
                        Duration.ofSeconds(60),
                        "kubectl",
                        "create",
                        "configmap",
                        name,
                        "--from-file=module.wasm=" + folder.resolve(file),
                        "--dry-run=client",
                        "-o",
                        "yaml")
                .output();
        apply(made);
    }

    private List<String> log() throws Exception {
        return Files.readAllLines(folder.resolve("gateway.log"));
    }

    @Test
    void itTellsOfFunctionsAndOutlivesTheLeaderAndTheApiItFollows() throws Exception {
        Shell.need("kubectl", "curl");
        cluster = GatewayNodes.withoutGateways(folder);
        String leader = cluster.leader();
        String followed = cluster.byAddress.keySet().stream()
                .filter(each -> !each.equals(leader))
                .findFirst()
                .orElseThrow();
        api = cluster.byAddress.get(followed);
        WorkedExample example = new WorkedExample(folder, api, cluster.data(followed));
        List<String> blocks = WorkedExample.blocks("docs/gateway/process.md", "A process of its own");
        String _ = example.sh(blocks.get(1));
        List<String> up = new ArrayList<>(List.of(blocks.get(2).strip().split(" ")));
        up.replaceAll(
                each -> each.equals("gateway.kubeconfig") ? folder.resolve(each).toString() : each);
        up.addAll(List.of("--gateway-addresses", ADDRESS));
        gateway = RunningOperator.start(folder.resolve("gateway"), up, List.of("--metrics-port", "0"));
        JsonNode _ = gateway.await("gateway", "follows the API; writes statuses");

        String function =
                WorkedExample.blocks("docs/gateway/functions.md", "A function").get(0);
        String _ = example.sh(function.substring(0, function.indexOf("\nEND\n") + 5));
        Files.write(folder.resolve("rubbish.wasm"), new byte[] {0, 'a', 's', 'm', 1, 0, 0, 0, 1, -1, -1, -1});
        module("good", "version.wasm");
        module("bad", "rubbish.wasm");
        apply(GATEWAY + route("good", "good.example") + route("bad", "bad.example"));
        Duration _ =
                await("the good filter", () -> resolved("httproutefilter/good").equals("True ResolvedRefs"));
        Duration _ = await("the good route", () -> resolved("httproute/good").equals("True ResolvedRefs"));
        Duration _ =
                await("the bad filter", () -> resolved("httproutefilter/bad").equals("False InvalidModule"));
        Duration _ = await("the bad route", () -> resolved("httproute/bad").equals("False InvalidFilter"));
        assertThat(answer("/good")).startsWith(led("good.example"));
        assertThat(answer("/bad")).startsWith("500");

        cluster.kill(leader);
        assertThat(answer("/good")).startsWith(led("good.example"));
        long killed = System.nanoTime();
        apply(route("good", "other.example"));
        module("bad", "version.wasm");
        Duration _ = await("the change is served", () -> answer("/good").startsWith(led("other.example")));
        Duration _ = await("the mended one is served", () -> answer("/bad").startsWith(led("bad.example")));
        Duration _ = await("the status", () -> resolved("httproute/good").equals("True ResolvedRefs"));
        Duration _ =
                await("the mended filter", () -> resolved("httproutefilter/bad").equals("True ResolvedRefs"));
        Duration _ = await("the mended route", () -> resolved("httproute/bad").equals("True ResolvedRefs"));
        System.out.println("All was served and told "
                + Duration.ofNanos(System.nanoTime() - killed).toMillis() + " ms after the leader was killed");

        int lines = log().size();
        cluster.kill(followed);
        JsonNode _ = gateway.await("gateway", "follows the API, which does not answer");
        assertThat(answer("/good")).startsWith(led("other.example"));
        assertThat(answer("/bad")).startsWith(led("bad.example"));
        List<String> complaints = log().subList(lines, log().size());
        System.out.println(complaints.size() + " lines say that the API does not answer");
        assertThat(complaints)
                .hasSizeLessThan(500)
                .noneMatch(each -> each.contains("crashed") || each.contains("gave up"));

        cluster.restart(followed);
        api = cluster.byAddress.get(followed);
        apply(route("good", "again.example"));
        Duration back = await("the change is served", () -> answer("/good").startsWith(led("again.example")));
        System.out.println("A change was served " + back.toMillis() + " ms after the API had taken it");
        Duration _ = await("the status", () -> resolved("httproute/good").equals("True ResolvedRefs"));
        JsonNode _ = gateway.await("gateway", "follows the API; writes statuses");
    }
}
