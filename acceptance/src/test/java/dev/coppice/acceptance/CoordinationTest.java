package dev.coppice.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.WaitForSelectorState;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.lock.LockResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** etcdctl, jetcd and {@code coppice lock} contend for the same locks, and kubectl and the console show it. */
final class CoordinationTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LIMIT_SECONDS = 40;

    @TempDir
    private static Path folder;

    private static RunningCoppice coppice;

    private final List<Process> running = new ArrayList<>();

    @BeforeAll
    static void start() throws Exception {
        Shell.need("etcdctl", "kubectl");
        coppice = RunningCoppice.up(folder.resolve("data"), "--insecure-store");
    }

    @AfterAll
    static void stop() throws Exception {
        if (coppice != null) {
            coppice.close();
        }
    }

    @AfterEach
    void end() {
        for (Process each : running) {
            each.descendants().forEach(ProcessHandle::destroyForcibly);
            each.destroyForcibly();
        }
    }

    // ---- words

    private static String endpoint() {
        return coppice.etcd().replaceFirst("^https?://", "");
    }

    private static Map<String, String> environment() {
        return Map.of(
                "ETCDCTL_API", "3",
                "ETCDCTL_ENDPOINTS", endpoint(),
                "COPPICE_DATA", folder.resolve("data").toString(),
                "C", Shell.HOME.resolve("coppice").toString());
    }

    /** Starts a script; {@code $C} is the launcher. */
    private Process start(String script) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("bash", "-uc", script)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        folder.resolve("output").toFile()));
        builder.environment().putAll(environment());
        Process process = builder.start();
        running.add(process);
        return process;
    }

    private static Shell.Outcome sh(String script) throws Exception {
        return Shell.run(
                Duration.ofSeconds(LIMIT_SECONDS),
                environment(),
                null,
                List.of("bash", "-uc", "cd '" + folder + "'\n" + script));
    }

    private static int status(Process process) throws Exception {
        assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private static JsonNode object(String kind, String name) throws Exception {
        Shell.Outcome answer = coppice.kubectl("get", kind, name, "-o", "json", "--ignore-not-found");
        return JSON.readTree(answer.succeeds().output().isBlank() ? "{}" : answer.output());
    }

    private static JsonNode await(String kind, String name, Predicate<JsonNode> wanted) throws Exception {
        JsonNode found = object(kind, name);
        for (int round = 0; !wanted.test(found); round++) {
            assertThat(round).as("%s %s is still %s", kind, name, found).isLessThan(200);
            found = object(kind, name);
        }
        return found;
    }

    private static void awaitWaiting(String name, int number) throws Exception {
        JsonNode _ = await(
                "lock",
                name,
                lock -> lock.path("status").path("waiting").asInt() == number
                        && lock.path("status").path("holding").asInt() == 1);
    }

    private static List<String> lines(String file) throws IOException {
        Path path = folder.resolve(file);
        return Files.exists(path) ? Files.readAllLines(path) : List.of();
    }

    private static String event(String reason) throws Exception {
        return event(reason, reason);
    }

    /** Events of a reason, once one of them says something; other tests may have left some. */
    private static String event(String reason, String text) throws Exception {
        for (int round = 0; round < 200; round++) {
            String found = coppice.kubectl("get", "events", "--field-selector", "reason=" + reason)
                    .succeeds()
                    .output();
            if (found.contains(text)) {
                return found;
            }
        }
        throw new AssertionError("no event with the reason " + reason + " says " + text);
    }

    private static Client jetcd() {
        return Client.builder().endpoints("http://" + endpoint()).build();
    }

    private static CompletableFuture<LockResponse> lock(Client client, String name, long lease) {
        return client.getLockClient().lock(ByteSequence.from(name, UTF_8), lease);
    }

    private static long lease(Client client) throws Exception {
        return client.getLeaseClient()
                .grant(60)
                .get(LIMIT_SECONDS, TimeUnit.SECONDS)
                .getID();
    }

    // ---- tests

    @Test
    void allClientsWaitInOneQueueInTheOrderOfTheirArrival() throws Exception {
        Process holder = start("$C lock queue --ttl 20s");
        awaitWaiting("queue", 0);
        List<Process> all = new ArrayList<>();
        all.add(start("etcdctl lock queue -- sh -c 'echo etcdctl >> order'"));
        awaitWaiting("queue", 1);
        all.add(start("$C lock queue --owner carol -- sh -c 'echo coppice $COPPICE_LOCK_NAME >> order'"));
        awaitWaiting("queue", 2);
        try (Client client = jetcd()) {
            CompletableFuture<LockResponse> third = lock(client, "queue", lease(client));
            awaitWaiting("queue", 3);
            all.add(start("etcdctl lock queue -- sh -c 'echo etcdctl again >> order'"));
            awaitWaiting("queue", 4);
            assertThat(object("lock", "queue")
                            .path("status")
                            .path("waiters")
                            .path(1)
                            .path("owner")
                            .asText())
                    .isEqualTo("carol");
            holder.destroy(); // SIGTERM: gives it back
            LockResponse granted = third.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertThat(lines("order")).containsExactly("etcdctl", "coppice queue");
            client.getLockClient().unlock(granted.getKey()).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
        for (Process each : all) {
            assertThat(status(each)).isZero();
        }
        assertThat(lines("order")).containsExactly("etcdctl", "coppice queue", "etcdctl again");
        assertThat(object("lock", "queue").isEmpty())
                .as("nothing is left behind")
                .isTrue();
    }

    @Test
    void theCommandsStatusIsPassedOnAndTokensGrow() throws Exception {
        Shell.Outcome first = sh("$C lock status -- sh -c 'echo $COPPICE_LOCK_TOKEN $ETCD_LOCK_REV; exit 7'");
        assertThat(first.status()).isEqualTo(7);
        Shell.Outcome second = sh("$C lock status --ttl 5 -- sh -c 'echo $COPPICE_LOCK_TOKEN; kill -9 $$'");
        assertThat(second.status()).isEqualTo(137);
        String[] tokens = first.output().strip().split(" ");
        assertThat(tokens[0]).isEqualTo(tokens[1]);
        assertThat(Long.parseLong(second.output().strip())).isGreaterThan(Long.parseLong(tokens[0]));
        assertThat(sh("$C lock status -- no-such-program").status()).isEqualTo(127);
        Shell.Outcome wrong = sh("$C lock status --ttl 1s --try --timeout 1s -- true");
        assertThat(wrong.status()).isEqualTo(1);
        assertThat(wrong.output()).contains("--ttl 1s: expected").contains("--try and --timeout: give one");
        Process holder = start("etcdctl lock status");
        awaitWaiting("status", 0);
        assertThat(sh("$C lock status --try -- true").status()).isEqualTo(75);
        assertThat(sh("$C lock status --timeout 1s -- true").status()).isEqualTo(75);
        holder.destroyForcibly();
    }

    @Test
    void aKilledHolderIsFollowedAfterItsTtlAndItsCommandDies() throws Exception {
        Process killed = start("exec $C lock killed --ttl 9s --grace 1s -- sleep 1000");
        awaitWaiting("killed", 0);
        List<ProcessHandle> command = new ArrayList<>();
        for (int round = 0; command.isEmpty(); round++) {
            assertThat(round).as("looks for the command").isLessThan(2_000);
            killed.descendants()
                    .filter(each -> each.info().command().orElse("").endsWith("sleep"))
                    .forEach(command::add);
        }
        Process next = start("etcdctl lock killed -- sh -c 'echo next > next'");
        awaitWaiting("killed", 1);
        killed.destroyForcibly();
        assertThat(status(next)).isZero();
        assertThat(lines("next")).containsExactly("next");
        if (Shell.installed("setpriv")) {
            for (ProcessHandle each : command) {
                var _ = each.onExit().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            }
        }
        Process etcdctl = start("exec etcdctl lock killed --ttl 5");
        awaitWaiting("killed", 0);
        Process after = start("$C lock killed -- true");
        awaitWaiting("killed", 1);
        etcdctl.destroyForcibly();
        assertThat(status(after)).isZero();
    }

    @Test
    void aCommandIsStoppedWhenItsLeaseIsLost() throws Exception {
        Process losing = start(
                "$C lock lost -- sh -c 'trap \"echo told >> told; exit 0\" TERM; echo > lost-started; while :; do sleep 0.1; done'");
        JsonNode lock = await(
                "lock",
                "lost",
                each -> Files.exists(folder.resolve("lost-started"))
                        && each.path("status").path("holding").asInt() == 1);
        String lease = lock.path("status").path("holders").path(0).path("lease").asText();
        assertThat(sh("etcdctl lease revoke " + lease).status()).isZero();
        assertThat(status(losing)).isEqualTo(76);
        assertThat(lines("told")).containsExactly("told");
    }

    @Test
    void electionsAreContendedForAndSeenByAll() throws Exception {
        Process first = start("exec etcdctl elect chief node-a");
        JsonNode _ = await(
                "election",
                "chief",
                each -> each.path("status").path("leader").asText().equals("node-a"));
        Process second =
                start("$C elect chief --proposal node-b -- sh -c 'echo $COPPICE_ELECTION_TOKEN > led; exit 3'");
        JsonNode waiting = await(
                "election", "chief", each -> each.path("status").path("waiting").asInt() == 1);
        String table = coppice.kubectl("get", "locks,elections").succeeds().output();
        assertThat(table).containsPattern("election.coordination.coppice.dev/chief +node-a");
        first.destroy();
        assertThat(status(second)).isEqualTo(3);
        assertThat(Long.parseLong(lines("led").getFirst()))
                .isGreaterThan(waiting.path("status").path("token").asLong());
    }

    @Test
    void aDeadlockOfEtcdctlCallsIsSeenAndResolved() throws Exception {
        apply("""
                apiVersion: coordination.coppice.dev/v1
                kind: DeadlockPolicy
                metadata: {name: knots}
                spec: {prefixes: [knot-], action: AbortYoungest}
                """);
        List<Process> both = new ArrayList<>();
        for (String[] each : new String[][] {{"alice", "knot-1", "knot-2"}, {"bob", "knot-2", "knot-1"}}) {
            both.add(start("etcdctl lock " + each[1] + " -- sh -c 'etcdctl put --ignore-lease \"$ETCD_LOCK_KEY\" owner="
                    + each[0]
                    + "; until [ -e go ]; do sleep 0.1; done; etcdctl lock " + each[2] + " -- sh -c \"echo " + each[0]
                    + " has both >> both\"'"));
            JsonNode _ = await(
                    "lock",
                    each[1],
                    lock -> lock.path("status").path("holder").asText().equals(each[0]));
        }
        Files.createFile(folder.resolve("go"));
        for (String[] each : new String[][] {{"alice", "knot-2"}, {"bob", "knot-1"}}) {
            awaitWaiting(each[1], 1);
            String key = object("lock", each[1])
                    .path("status")
                    .path("waiters")
                    .path(0)
                    .path("key")
                    .asText();
            assertThat(sh("etcdctl put --ignore-lease " + key + " owner=" + each[0])
                            .status())
                    .isZero();
        }
        assertThat(event("DeadlockResolved", "knot-")).contains("Resolved by ending bob");
        assertThat(status(both.get(0))).isZero();
        int ended = status(both.get(1));
        // etcdctl 3.4 does not look whether its session is still there when its turn comes; newer ones fail then.
        assertThat(lines("both").getFirst())
                .as("status of the other: %d", ended)
                .isEqualTo("alice has both");
        JsonNode policy = await(
                "deadlockpolicy",
                "knots",
                each -> each.path("status").path("aborted").asInt() == 1);
        assertThat(policy.path("status").path("deadlocks").asInt()).isEqualTo(1);
    }

    @Test
    void aDeadlockOfLeasesIsReportedDrawnAndResolvedOnceAPolicySaysSo() throws Exception {
        try (Client client = jetcd()) {
            long one = lease(client);
            long two = lease(client);
            lock(client, "ring/1", one).get(LIMIT_SECONDS, TimeUnit.SECONDS);
            lock(client, "ring/2", two).get(LIMIT_SECONDS, TimeUnit.SECONDS);
            CompletableFuture<LockResponse> first = lock(client, "ring/2", one);
            awaitWaiting("ring.2", 1);
            CompletableFuture<LockResponse> second = lock(client, "ring/1", two);
            JsonNode _ = await(
                    "lock",
                    "ring.1",
                    each -> each.path("status").path("deadlocked").asBoolean());
            assertThat(event("Deadlock")).contains("Nothing was done about it");
            assertThat(coppice.get("/metrics").succeeds().output())
                    .contains("coppice_coordination_deadlocks_total{action=\"report\"} 1")
                    .contains("coppice_coordination_waiting{sort=\"Lock\"}");
            assertThat(coppice.kubectl("get", "locks", "--as", "nobody").output())
                    .contains("forbidden");
            page();
            apply("""
                    apiVersion: coordination.coppice.dev/v1
                    kind: DeadlockPolicy
                    metadata: {name: rings}
                    spec: {prefixes: [ring/], action: AbortYoungest}
                    """);
            first.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertThatThrownBy(() -> second.get(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasMessageContaining("session is expired");
            client.getLeaseClient().revoke(one).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static void apply(String manifest) throws Exception {
        var _ = coppice.kubectlWithInput(manifest, "apply", "-f", "-").succeeds();
    }

    private void page() throws Exception {
        if (!Shell.installed("chromium")) {
            System.err.println("SKIPPED, NOT TESTED: the console page; chromium is not installed");
            return;
        }
        Process owner = start("$C lock reports --owner night-shift");
        awaitWaiting("reports", 0);
        start("$C lock reports --owner auditor");
        awaitWaiting("reports", 1);
        try (Playwright playwright = Playwright.create();
                Browser browser = ConsoleTest.chromium(playwright)) {
            Page page = browser.newContext(new Browser.NewContextOptions().setIgnoreHTTPSErrors(true))
                    .newPage();
            List<String> errors = ConsoleTest.errors(page);
            page.navigate(coppice.ready().path("console").asText());
            page.fill("input[name=token]", coppice.token());
            page.keyboard().press("Enter");
            page.locator("nav a").first().waitFor();
            page.navigate(URI.create(coppice.api() + "/console/coordination").toString());
            page.locator("#wait-for-graph .box.bad").first().waitFor();
            assertThat(page.locator("#wait-for-graph .box.bad").count()).isEqualTo(2);
            assertThat(page.locator("#wait-for-graph .arrow.bad").count()).isEqualTo(2);
            assertThat(page.locator(".alert.bad").textContent()).contains("Deadlock of 2");
            assertThat(page.locator("main").textContent()).contains("night-shift", "auditor", "ring/1");
            ConsoleTest.screenshot(page, "coordination");
            page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
            page.setViewportSize(390, 800);
            assertThat(page.evaluate(
                            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"))
                    .isEqualTo(0);
            ConsoleTest.screenshot(page, "coordination-phone");
            owner.destroy(); // the page shows it by itself
            page.locator("#wait-for-graph .box", new Page.LocatorOptions().setHasText("night-shift"))
                    .waitFor(new Locator.WaitForOptions().setState(WaitForSelectorState.DETACHED));
            assertThat(errors).isEmpty();
        }
    }
}
