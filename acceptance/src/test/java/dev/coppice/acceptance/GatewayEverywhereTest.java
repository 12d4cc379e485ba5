package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gateways on every node of a cluster: whoever leads writes statuses, and they are true again when the leader was killed. */
final class GatewayEverywhereTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String GATEWAY = """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              gatewayClassName: coppice
              listeners: [{name: http, protocol: HTTP, port: 8008}]
            ---
            apiVersion: gateway.coppice.dev/v1
            kind: RateLimit
            metadata: {name: fair}
            spec:
              targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
              limits: [{name: all, requests: 1000000, per: 1h}]
            ---
            """;

    @TempDir
    private Path folder;

    private GatewayNodes cluster;
    private Map<String, RunningCoppice> nodes;

    @AfterEach
    void stop() throws InterruptedException {
        if (cluster != null) {
            cluster.close();
        }
    }

    private static String route(String name) {
        return """
                apiVersion: gateway.networking.k8s.io/v1
                kind: HTTPRoute
                metadata: {name: %1$s}
                spec:
                  parentRefs: [{name: edge}]
                  rules:
                  - matches: [{path: {type: PathPrefix, value: /%1$s}}]
                    filters: [{type: RequestRedirect, requestRedirect: {hostname: %1$s.example}}]
                """.formatted(name);
    }

    private static JsonNode get(RunningCoppice by, String resource) throws Exception {
        Shell.Outcome outcome = by.kubectl("get", resource, "-o", "json");
        return outcome.status() == 0 ? JSON.readTree(outcome.output()) : JSON.missingNode();
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            LockSupport.parkNanos(100_000_000);
        }
    }

    private static boolean accepted(JsonNode object, String list) {
        JsonNode first = object.path("status").path(list).path(0).path("conditions");
        for (JsonNode each : first) {
            if (each.path("type").asText().equals("Accepted")) {
                return each.path("status").asText().equals("True")
                        && each.path("observedGeneration").asLong()
                                == object.path("metadata").path("generation").asLong();
            }
        }
        return false;
    }

    private static String address(RunningCoppice by) throws Exception {
        return get(by, "gateway/edge")
                .path("status")
                .path("addresses")
                .path(0)
                .path("value")
                .asText();
    }

    private static long attached(RunningCoppice by) throws Exception {
        return get(by, "gateway/edge")
                .path("status")
                .path("listeners")
                .path(0)
                .path("attachedRoutes")
                .asLong();
    }

    private void served(String path, String by) throws Exception {
        for (String each : nodes.keySet()) {
            await(
                    each + " serves " + path,
                    () -> Shell.run(
                                    Duration.ofSeconds(20),
                                    "curl",
                                    "-s",
                                    "-o",
                                    "/dev/null",
                                    "-w",
                                    "%{redirect_url}",
                                    "http://" + each + ":8008" + path)
                            .output()
                            .startsWith("http://" + by));
        }
    }

    @Test
    void statusesAreTrueAgainWhenTheLeaderWasKilled() throws Exception {
        Shell.need("kubectl", "curl");
        cluster = GatewayNodes.up(folder, "127.0.0.21", "127.0.0.22", "127.0.0.23");
        nodes = cluster.byAddress;
        RunningCoppice first = nodes.get("127.0.0.21");
        Shell.Outcome _ = first.kubectlWithInput(GATEWAY + route("one"), "apply", "-f", "-")
                .succeeds();
        await("the leader's address", () -> nodes.containsKey(address(first)));
        await("the route", () -> accepted(get(first, "httproute/one"), "parents"));
        await("the limit", () -> accepted(get(first, "ratelimit/fair"), "ancestors"));
        served("/one", "one");

        cluster.kill(address(first));
        RunningCoppice left = nodes.values().iterator().next();
        await("the address of another one", () -> nodes.containsKey(address(left)));
        String leads = address(left);
        Shell.Outcome _ =
                left.kubectlWithInput(route("two"), "apply", "-f", "-").succeeds();
        await("the new route", () -> accepted(get(left, "httproute/two"), "parents"));
        await("it is counted", () -> attached(left) == 2);
        Shell.Outcome _ = left.kubectlWithInput(route("one").replace("one.example", "uno.example"), "apply", "-f", "-")
                .succeeds();
        await("the changed route", () -> accepted(get(left, "httproute/one"), "parents"));
        await("the limit", () -> accepted(get(left, "ratelimit/fair"), "ancestors"));
        served("/two", "two");
        served("/one", "uno");
        assertThat(address(left)).isEqualTo(leads);
    }
}
