package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * What users and the world do wrong: each gets a clear error or a state that says why, and one node lives through all of
 * it without its supervision tree giving up anywhere.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class FaultTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int FLOOD = 5000;

    @TempDir
    private static Path folder;

    private RunningCoppice coppice;
    private BrokenServers servers;

    @BeforeAll
    void start() throws Exception {
        Shell.need("kubectl", "curl");
        servers = new BrokenServers();
        coppice = RunningCoppice.up(folder.resolve("data"));
    }

    @AfterAll
    void nothingGaveUp() throws Exception {
        if (coppice == null) {
            return;
        }
        try (RunningCoppice node = coppice;
                BrokenServers _ = servers) {
            assertThat(node.get("/readyz").output()).startsWith("ok");
            assertThat(node.get("/metrics").output().lines())
                    .as("escalations")
                    .anySatisfy(line -> assertThat(line).startsWith("coppice_kernel_escalations_total"))
                    .noneSatisfy(line -> assertThat(line).matches("coppice_kernel_escalations_total(\\{.*})? [1-9].*"));
            assertThat(node.log()).doesNotContain("gave up: more than");
        }
    }

    // ---- manifests

    @Test
    @Order(1)
    void unknownFieldsAndWrongTypesAreAllTold() throws Exception {
        String manifest = check("wrong", "intervall: 10s\n  tcp: {host: a, port: 1, colour: red}");
        Shell.Outcome strict = coppice.kubectlWithInput(manifest, "apply", "-f", "-");
        assertThat(strict.status()).isNotZero();
        assertThat(strict.output()).contains("spec.intervall").contains("spec.tcp.colour");
        Shell.Outcome warned = coppice.kubectlWithInput(manifest, "apply", "--validate=warn", "-f", "-");
        assertThat(warned.succeeds().output())
                .contains("Warning")
                .contains("spec.intervall")
                .contains("spec.tcp.colour");

        Shell.Outcome types = coppice.kubectlWithInput(
                check("types", "retries: many\n  paused: 7\n  tcp: {host: [a], port: \"80\"}"),
                "apply",
                "--validate=false",
                "-f",
                "-");
        assertThat(types.status()).isNotZero();
        assertThat(types.output())
                .contains("spec.retries")
                .contains("spec.paused")
                .contains("spec.tcp.host")
                .contains("spec.tcp.port");
    }

    @Test
    @Order(2)
    void upTellsAllThatIsWrongWithAFolder() throws Exception {
        Path manifests = Files.createDirectories(folder.resolve("manifests"));
        Files.writeString(manifests.resolve("a.yaml"), check("unknown", "intervall: 10s\n  tcp: {host: a, port: 1}"));
        Files.writeString(
                manifests.resolve("b.yaml"), check("types", "retries: many\n  tcp: {host: [a], port: \"x\"}"));
        Shell.Outcome outcome = Shell.run(
                PATIENCE,
                Shell.HOME.resolve("coppice").toString(),
                "up",
                "--json",
                "--data",
                folder.resolve("other").toString(),
                "--api-port=0",
                "--etcd-port=0",
                "--peer-port=0",
                "--public-port=0",
                manifests.toString());
        assertThat(outcome.status()).isEqualTo(1);
        assertThat(outcome.output())
                .contains("\"event\":\"failed\"")
                .contains("a.yaml")
                .contains("intervall")
                .contains("b.yaml")
                .contains("retries")
                .contains("host")
                .contains("port");
    }

    @Test
    @Order(3)
    void aBadCronIsInvalidAndSaysWhere() throws Exception {
        apply(check(
                "bad-cron",
                "tcp: {host: 127.0.0.1, port: 1}\n  maintenance:\n  - {cron: \"61 25 * *\", duration: 1h}\n"
                        + "  - {cron: \"0 2 * * 0\", duration: 1h, timeZone: Mars/Olympus}"));
        JsonNode found = await(
                "bad-cron", c -> condition(c, "Valid").path("status").asText().equals("False"));
        assertThat(condition(found, "Valid").path("message").asText())
                .contains("spec.maintenance[0]")
                .contains("61 25 * *")
                .contains("spec.maintenance[1]")
                .contains("Mars/Olympus");
    }

    @Test
    @Order(4)
    void regularExpressionsTakeLinearTimeAndHugeOnesAreRefused() throws Exception {
        String url = servers.body("/bomb", "a".repeat(100_000) + "!");
        apply(http("regex-bomb", url, "assertions: [{regex: \"^(a+)+$\"}]"));
        apply(http("regex-huge", url, "assertions: [{regex: \"((((a{1,100}){1,100}){1,100}){1,100})\"}]"));
        assertThat(down("regex-bomb")).contains("(a+)+$");
        JsonNode huge = await(
                "regex-huge",
                c -> condition(c, "Valid").path("status").asText().equals("False")
                        || c.path("status").path("state").asText().equals("Down"));
        assertThat(condition(huge, "Valid").path("message").asText())
                .contains("spec.http.assertions[0]")
                .contains("too large");
    }

    @Test
    @Order(5)
    void anExpressionThatNeverEndsIsEnded() throws Exception {
        String url = servers.body("/cel", "{}");
        apply(http("cel-endless", url, "assertions: [{cel: '" + endless() + "'}]"));
        JsonNode found = await(
                "cel-endless",
                c -> condition(c, "Valid").path("status").asText().equals("False")
                        || c.path("status").path("state").asText().equals("Down"));
        assertThat(found.path("status").toString()).containsAnyOf("cost", "budget", "limit", "too");
    }

    @Test
    @Order(6)
    void aRuleOfATypeThatNeverEndsIsRefusedOrEnded() throws Exception {
        Shell.Outcome refused = coppice.kubectlWithInput(loops(6, 1), "apply", "-f", "-");
        assertThat(refused.status()).isNotZero();
        assertThat(refused.output()).contains("estimated rule cost exceeds budget");
        // Each rule may cost as much as it is estimated at, but not all of them for one object.
        apply(loops(3, 8));
        coppice.kubectl("wait", "crd/loops.example.org", "--for=condition=Established", "--timeout=20s")
                .succeeds();
        Shell.Outcome outcome = coppice.kubectlWithInput(
                "apiVersion: example.org/v1\nkind: Loop\nmetadata: {name: loop}\nspec:\n  items: [" + "x,".repeat(100)
                        + "]\n",
                "create",
                "--validate=false",
                "-f",
                "-");
        assertThat(outcome.status()).isNotZero();
        assertThat(outcome.output()).contains("spec").containsAnyOf("cost", "budget");
    }

    /** A type with rules that look at a hundred items for each of a hundred, and so on. */
    private static String loops(int depth, int rules) {
        String rule = "- rule: \""
                + IntStream.range(0, depth)
                        .mapToObj(i -> "self.items.all(a" + i + ", ")
                        .collect(Collectors.joining())
                + "true" + ")".repeat(depth) + "\"";
        return """
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: loops.example.org}
                spec:
                  group: example.org
                  scope: Namespaced
                  names: {kind: Loop, plural: loops, singular: loop}
                  versions:
                  - name: v1
                    served: true
                    storage: true
                    schema:
                      openAPIV3Schema:
                        type: object
                        properties:
                          spec:
                            type: object
                            properties:
                              items: {type: array, maxItems: 100, items: {type: string, maxLength: 5}}
                            x-kubernetes-validations:
                """ + (" ".repeat(12) + rule + "\n").repeat(rules);
    }

    /** Ten to the power of ten steps. */
    private static String endless() {
        return IntStream.range(0, 10)
                        .mapToObj(i -> "[0,1,2,3,4,5,6,7,8,9].all(a" + i + ", ")
                        .collect(Collectors.joining())
                + "true" + ")".repeat(10);
    }

    @Test
    @Order(7)
    void anObjectOfTenMegabytesIsTooLarge() throws Exception {
        Path large = folder.resolve("large");
        Files.writeString(large, "x".repeat(10 << 20));
        Shell.Outcome outcome = coppice.kubectl("create", "configmap", "large", "--from-file=" + large);
        assertThat(outcome.status()).isNotZero();
        assertThat(outcome.output()).containsAnyOf("too large", "Too long", "must have at most");

        Path body = folder.resolve("large.json");
        Files.writeString(
                body,
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"large\"},\"data\":{\"x\":\""
                        + "x".repeat(10 << 20) + "\"}}");
        Shell.Outcome raw = coppice.curl(
                "/api/v1/namespaces/default/configmaps",
                "-X",
                "POST",
                "-H",
                "Content-Type: application/json",
                "-H",
                "Authorization: Bearer " + coppice.token(),
                "--data-binary",
                "@" + body);
        assertThat(raw.output()).contains("RequestEntityTooLarge").endsWith("413");
    }

    @Test
    @Order(8)
    void checksThatNeedEachOtherSaySoAndRun() throws Exception {
        String port = coppice.etcd().substring(coppice.etcd().lastIndexOf(':') + 1);
        for (String[] edge : new String[][] {{"ring-a", "ring-b"}, {"ring-b", "ring-c"}, {"ring-c", "ring-a"}}) {
            apply(check(
                    edge[0],
                    "interval: 1s\n  tcp: {host: 127.0.0.1, port: " + port + "}\n  dependsOn: [{name: " + edge[1]
                            + "}]"));
        }
        for (String name : List.of("ring-a", "ring-b", "ring-c")) {
            JsonNode found = await(
                    name,
                    c -> c.path("status").path("state").asText().equals("Up")
                            && condition(c, "DependenciesResolved")
                                    .path("status")
                                    .asText()
                                    .equals("False"));
            assertThat(condition(found, "DependenciesResolved").path("message").asText())
                    .contains("ring-a")
                    .contains("ring-b")
                    .contains("ring-c");
        }
    }

    // ---- the world

    @Test
    @Order(9)
    void commandsThatForkPrintOrSleepForEverAreEnded() throws Exception {
        Shell.need("bwrap");
        apply(command("forks", "bomb() { bomb | bomb & }; bomb; sleep 60"));
        apply(command("prints", "yes"));
        apply(command("sleeps", "sleep 1000"));
        apply(command("eats", "x=a; while :; do x=$x$x; done"));
        assertThat(down("prints")).contains("MiB");
        assertThat(down("sleeps")).contains("timed out after 2 s");
        assertThat(down("forks")).isNotEmpty();
        assertThat(down("eats")).isNotEmpty();
        coppice.kubectl("delete", "hc", "forks", "prints", "sleeps", "eats").succeeds();
    }

    @Test
    @Order(10)
    void serversThatDripOrTalkRubbishAreDown() throws Exception {
        apply(http("drips", servers.drip(), "method: GET"));
        apply(http("drips-head", servers.dripHead(), "method: GET"));
        apply(http("garbage", servers.garbage(), "method: GET"));
        apply(http("headers", servers.endlessHeaders(), "method: GET"));
        assertThat(down("drips")).contains("timed out after 2 s");
        assertThat(down("drips-head")).contains("timed out after 2 s");
        assertThat(down("garbage")).contains("HTTP");
        assertThat(down("headers")).containsAnyOf("header", "larger", "KiB");
    }

    @Test
    @Order(20)
    void fiveThousandChecksAtOnce() throws Exception {
        String port = coppice.etcd().substring(coppice.etcd().lastIndexOf(':') + 1);
        coppice.kubectl("create", "namespace", "flood").succeeds();
        Path manifest = folder.resolve("flood.yaml");
        Files.writeString(
                manifest,
                IntStream.range(0, FLOOD)
                        .mapToObj(
                                i -> "{\"apiVersion\":\"health.coppice.dev/v1\",\"kind\":\"HealthCheck\",\"metadata\":{"
                                        + "\"name\":\"c-" + i
                                        + "\",\"namespace\":\"flood\"},\"spec\":{\"interval\":\"20s\","
                                        + "\"tcp\":{\"host\":\"127.0.0.1\",\"port\":" + port + "}}}\n")
                        .collect(Collectors.joining()));
        Process flood = new ProcessBuilder(
                        "kubectl",
                        "--kubeconfig",
                        coppice.ready().path("kubeconfig").asText(),
                        "create",
                        "--validate=false",
                        "-f",
                        manifest.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("flood.out").toFile())
                .start();
        while (!flood.waitFor(500, TimeUnit.MILLISECONDS)) {
            // It keeps answering; kubectl gives up by itself when it does not.
            coppice.kubectl("get", "configmaps", "--request-timeout=30s").succeeds();
        }
        assertThat(flood.exitValue()).as(() -> "kubectl create").isZero();
        long until = System.nanoTime() + Duration.ofMinutes(4).toNanos();
        Map<String, Long> states;
        do {
            pause(Duration.ofSeconds(2));
            states = coppice.kubectl(
                            "get", "hc", "-n", "flood", "-o", "jsonpath={range .items[*]}{.status.state}{\"\\n\"}{end}")
                    .succeeds()
                    .output()
                    .lines()
                    .collect(Collectors.groupingBy(state -> state, Collectors.counting()));
        } while (states.getOrDefault("Up", 0L) < FLOOD && System.nanoTime() < until);
        assertThat(states).isEqualTo(Map.of("Up", (long) FLOOD));
    }

    // ---- words of this test

    private void apply(String manifest) throws Exception {
        coppice.kubectlWithInput(manifest, "apply", "-f", "-").succeeds();
    }

    private static String check(String name, String spec) {
        return "apiVersion: health.coppice.dev/v1\nkind: HealthCheck\nmetadata: {name: " + name + "}\nspec:\n  " + spec
                + "\n";
    }

    private static String http(String name, String url, String more) {
        return check(name, "interval: 2s\n  timeout: 2s\n  http:\n    url: " + url + "\n    " + more);
    }

    private static String command(String name, String script) throws Exception {
        return check(
                name,
                "interval: 2s\n  timeout: 2s\n  command:\n    command: [bash, -c, " + JSON.writeValueAsString(script)
                        + "]");
    }

    /** Waits until the check is Down; gives why. */
    private String down(String name) throws Exception {
        return await(name, c -> c.path("status").path("state").asText().equals("Down"))
                .path("status")
                .path("lastError")
                .asText();
    }

    private JsonNode await(String name, Predicate<JsonNode> expected) throws Exception {
        long until = System.nanoTime() + PATIENCE.toNanos();
        JsonNode found;
        do {
            found = JSON.readTree(
                    coppice.kubectl("get", "hc", name, "-o", "json").succeeds().output());
            if (expected.test(found)) {
                return found;
            }
            pause(Duration.ofMillis(200));
        } while (System.nanoTime() < until);
        throw new AssertionError(name + " did not come to what is expected: " + found.path("status"));
    }

    static void pause(Duration duration) throws InterruptedException {
        boolean over = new CountDownLatch(1).await(duration.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(over).isFalse();
    }

    private static JsonNode condition(JsonNode check, String type) {
        for (JsonNode each : check.path("status").path("conditions")) {
            if (each.path("type").asText().equals(type)) {
                return each;
            }
        }
        return JSON.missingNode();
    }
}
