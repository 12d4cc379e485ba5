package dev.coppice.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConsolePagesTest {
    private static final String CHECKS = "/console/resources/health.coppice.dev/v1/healthchecks";
    private final HttpClient client = HttpClient.newHttpClient();
    private SampleConsole console;

    @BeforeEach
    void start() throws Exception {
        console = new SampleConsole(0, false);
    }

    @AfterEach
    void stop() {
        client.shutdownNow();
        console.close();
    }

    private HttpRequest.Builder request(String path, String user) {
        return HttpRequest.newBuilder(URI.create(console.address() + path)).header("Authorization", "Bearer " + user);
    }

    private HttpResponse<String> get(String path, String user) throws Exception {
        return client.send(request(path, user).build(), HttpResponse.BodyHandlers.ofString());
    }

    private String page(String path) throws Exception {
        HttpResponse<String> answer = get(path, "admin");
        assertThat(answer.statusCode()).as(path).isEqualTo(200);
        return answer.body();
    }

    private BufferedReader events(String path) throws Exception {
        HttpResponse<InputStream> answer = client.send(
                request(path, "admin").header("Accept", "text/event-stream").build(),
                HttpResponse.BodyHandlers.ofInputStream());
        assertThat(answer.statusCode()).isEqualTo(200);
        return new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8));
    }

    private static void awaitLine(BufferedReader reader, String part) throws IOException {
        String line = reader.readLine();
        while (line != null && !line.contains(part)) {
            line = reader.readLine();
        }
        assertThat(line).as("a line with " + part).isNotNull();
    }

    @Test
    void theConsoleOpensWithTheOverview() throws Exception {
        assertThat(get("/console", "admin").headers().firstValue("location")).contains("/console/overview");
        assertThat(page("/console/overview"))
                .contains("node-1", "https://127.0.0.1:7443", "health", "Nothing has crashed");
    }

    @Test
    void theTreeShowsEveryChildAndItsCrashesLive() throws Exception {
        assertThat(page("/console/runtime")).contains("scheduler", "health-reconciler", "listener-api", "periodic");
        try (BufferedReader events = events("/console/runtime/events")) {
            awaitLine(events, "event: tree");
            console.kernel
                    .find("/areas/health/scheduler")
                    .orElseThrow()
                    .<String>ref()
                    .cast("crash");
            awaitLine(events, "cannot reach smtp.example:25");
        }
    }

    @Test
    void theClusterShowsWhoLeadsWhoLagsAndWhatMayStillFail() throws Exception {
        assertThat(page("/console/cluster"))
                .contains("Degraded", "node-2", "17204", "not reachable", "https://10.0.0.4:2380", "5d4f00c2d4e8b734")
                .contains("<b>0</b><span>more may fail")
                .contains("2026-11-28T09:12:44Z");
        assertThat(get("/console/cluster", "guest").statusCode()).isEqualTo(403);
        try (BufferedReader events = events("/console/cluster/events")) {
            awaitLine(events, "event: cluster");
        }
    }

    @Test
    void theTreeIsForThoseWhoMaySeeIt() throws Exception {
        assertThat(get("/console/runtime", "guest").statusCode()).isEqualTo(403);
        assertThat(get("/console/runtime/events", "guest").statusCode()).isEqualTo(403);
    }

    @Test
    void allKindsAreListedWithCoppicesOwnFirst() throws Exception {
        String page = page("/console/resources");
        assertThat(page).contains("HealthCheck", "ClusterRole", "href=\"" + CHECKS + "\"");
        assertThat(page.indexOf("HealthCheck")).isLessThan(page.indexOf("ConfigMap"));
    }

    @Test
    void aListShowsTheTableWithLinksAndColours() throws Exception {
        assertThat(page(CHECKS))
                .contains(
                        CHECKS + "/shop/checkout",
                        "badge bad\">Down",
                        "badge ok\">Up",
                        "<th scope=\"col\">Namespace",
                        "<option value=\"shop\">")
                .doesNotContain("Extra");
        assertThat(page(CHECKS + "?namespace=default")).contains("None yet").contains("in namespace default");
    }

    @Test
    void aListFollowsChangesAndClosesItsWatch() throws Exception {
        try (BufferedReader events = events(CHECKS)) {
            awaitLine(events, "event: table");
            console.resources.put(SampleResources.CHECKS, """
                    {"metadata":{"name":"brand-new","namespace":"shop"},"status":{"state":"Up"}}""");
            awaitLine(events, "brand-new");
            assertThat(console.resources.watches()).isEqualTo(1);
        }
    }

    @Test
    void anObjectShowsYamlConditionsAndEvents() throws Exception {
        assertThat(page(CHECKS + "/shop/checkout"))
                .contains("first probe done", "connection refused", "team=shop")
                .contains("<span class=\"k\">interval</span>: <span class=\"s\">&quot;30s&quot;</span>")
                .contains("line two &lt;b&gt;")
                .doesNotContain("managedFields");
    }

    @Test
    void anObjectFollowsChangesUntilItIsDeleted() throws Exception {
        try (BufferedReader events = events(CHECKS + "/shop/api")) {
            awaitLine(events, "event: object");
            console.resources.delete(SampleResources.CHECKS, "shop", "api");
            awaitLine(events, "This object was deleted");
        }
    }

    @Test
    void aSecretsValuesNeverLeave() throws Exception {
        assertThat(page("/console/resources/core/v1/secrets/shop/smtp"))
                .contains("password", "••••••••")
                .doesNotContain("aHVudGVyMg", "hunter");
    }

    @Test
    void whatAUserMayNotSeeIsRefused() throws Exception {
        for (String path :
                new String[] {CHECKS, CHECKS + "/shop/api", "/console/resources/core/v1/secrets/shop/smtp"}) {
            HttpResponse<String> answer = get(path, "guest");
            assertThat(answer.statusCode()).isEqualTo(403);
            assertThat(answer.body()).contains("User guest may not").doesNotContain("interval");
        }
        assertThat(get("/console/resources/core/v1/namespaces", "guest").statusCode())
                .isEqualTo(200);
    }

    @Test
    void unknownKindsAndObjectsAreNotFound() throws Exception {
        assertThat(get("/console/resources/a/b/c", "admin").statusCode()).isEqualTo(404);
        assertThat(get(CHECKS + "/shop/none", "admin").statusCode()).isEqualTo(404);
        assertThat(get("/console/resources/x", "admin").statusCode()).isEqualTo(404);
    }

    @Test
    void theExtensionTakesItsPagesAway() throws Exception {
        console.extension.stop();
        assertThat(get("/console/overview", "admin").statusCode()).isEqualTo(404);
    }

    @Test
    void theNamespaceInTheAddressFitsTheScopeOfTheKind() throws Exception {
        assertThat(get("/console/resources/core/v1/namespaces/-/default", "admin")
                        .statusCode())
                .isEqualTo(200);
        assertThat(get("/console/resources/core/v1/namespaces/shop/default", "admin")
                        .statusCode())
                .isEqualTo(404);
    }

    private static final String METER = "/console/runtime/process/areas.metrics.meter";

    private dev.coppice.kernel.ProcessRef<String> meter() {
        return console.kernel.find("/areas/metrics/meter").orElseThrow().ref();
    }

    private HttpResponse<String> post(String path, String user) throws Exception {
        return client.send(
                request(path, user).POST(HttpRequest.BodyPublishers.noBody()).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void aProcessHasItsOwnPage() throws Exception {
        assertThat(page("/console/runtime")).contains("href=\"" + METER + "\"");
        meter().cast("sample 1");
        assertThat(page(METER))
                .contains("/areas/metrics/meter", "while there is mail", "messages waiting", "None that is remembered")
                .contains("href=\"/console/runtime/process/areas.metrics\"")
                .contains("kubectl get process areas.metrics.meter -o yaml");
        assertThat(page("/console/runtime/process/areas.metrics")).contains("one for one", "controllers");
        assertThat(get(METER + "x", "admin").statusCode()).isEqualTo(404);
        assertThat(get(METER, "guest").statusCode()).isEqualTo(403);
    }

    @Test
    void aProcessTellsItsStateAndItsCrashesLive() throws Exception {
        try (BufferedReader events = events(METER + "/events")) {
            awaitLine(events, "event: facts");
            meter().cast("sample 1");
            awaitLine(events, "{sample=1}");
            meter().cast("crash now");
            awaitLine(events, "cannot read crash now");
            awaitLine(events, "Caused by: java.io.IOException: connection reset");
        }
    }

    @Test
    void aTraceIsStartedShownAndStopped() throws Exception {
        assertThat(post(METER + "/trace/start", "guest").statusCode()).isEqualTo(403);
        assertThat(get(METER + "/trace/start", "admin").statusCode()).isEqualTo(405);
        assertThat(page(METER)).contains("Trace for 5 minutes").doesNotContain("Stop tracing");
        assertThat(post(METER + "/trace/text", "admin").statusCode()).isEqualTo(303);
        assertThat(post(METER + "/trace/text", "admin").statusCode()).isEqualTo(409);
        try (BufferedReader events = events(METER + "/events")) {
            awaitLine(events, "No message yet");
            meter().cast("sample one of them");
            awaitLine(events, "sample one of them");
            meter().cast("crash at last");
            awaitLine(events, "cannot read crash at last");
        }
        assertThat(page(METER)).contains("Stop tracing");
        assertThat(post(METER + "/trace/stop", "admin").statusCode()).isEqualTo(303);
        assertThat(page(METER)).contains("Trace for 5 minutes", "The trace has ended");
    }

    @Test
    void theGreatestAreShownByEachMeasure() throws Exception {
        meter().cast("crash");
        String page = page("/console/runtime/top");
        assertThat(page).contains("CPU", "Mailbox", "Memory", "Restarts");
        try (BufferedReader events = events("/console/runtime/top/events")) {
            awaitLine(events, METER);
        }
        assertThat(get("/console/runtime/top", "guest").statusCode()).isEqualTo(403);
        assertThat(get("/console/runtime/other", "admin").statusCode()).isEqualTo(404);
    }

    @Test
    void pipelinesAreDrawnWithLiveFigures() throws Exception {
        assertThat(page("/console/runtime/pipelines")).contains("intake", ">parse<", ">gather<", "3 workers", "source");
        try (BufferedReader events = events("/console/runtime/pipelines/events")) {
            awaitLine(events, "event: pipelines");
            awaitLine(events, " done<");
        }
        assertThat(get("/console/runtime/pipelines", "guest").statusCode()).isEqualTo(403);
    }

    @Test
    void tablesAreListedWithTheirOwners() throws Exception {
        assertThat(page("/console/runtime/tables"))
                .contains("readings", "hashed", "/process/areas.health.scheduler", "ranks", "ordered", "the kernel");
        try (BufferedReader events = events("/console/runtime/tables/events")) {
            awaitLine(events, "event: tables");
            awaitLine(events, "readings");
        }
        assertThat(get("/console/runtime/tables", "guest").statusCode()).isEqualTo(403);
    }

    @Test
    void theTimelineShowsWhoChangedWhatAndFilters() throws Exception {
        assertThat(page("/console/history"))
                .contains("ConfigMap shop/prices", "alice", "request by kubectl/v1.32.4", "data.vat", "Older changes")
                .contains("change of namespaces shop", "/console/history/core/-/namespaces/-/shop")
                .contains("&lt;b&gt;91&lt;/b&gt;")
                .doesNotContain("<b>91</b>");
        assertThat(page("/console/history?since=6h&user=alice"))
                .contains("value=\"alice\"")
                .containsPattern("user=alice&(amp;)?continue=next-1");
        assertThat(page("/console/history?since=yesterday")).contains("since: \"yesterday\"; expected a time");
        assertThat(get("/console/history", "guest").body()).contains("No change");
    }

    @Test
    void anObjectsHistoryLeadsBackToThePersonWhoSetItOff() throws Exception {
        String account = "/console/history/core/v1/serviceaccounts/shop/default";
        assertThat(page(account))
                .containsSubsequence(
                        "Why it is so",
                        "ServiceAccount shop/default",
                        "because of",
                        "Namespace shop",
                        "by bob",
                        "Changes");
        assertThat(get(account, "guest").statusCode()).isEqualTo(403);
        assertThat(get("/console/history/elsewhere", "admin").statusCode()).isEqualTo(404);
    }

    private static final String UNDO = "/console/history/core/v1/configmaps/shop/prices/undo";

    private HttpResponse<String> undo(String fields) throws Exception {
        return client.send(
                request(UNDO, "admin")
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(fields))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private String seen(String path) throws Exception {
        Matcher seen = Pattern.compile("name=\"seen\" value=\"([^\"]*)\"").matcher(page(path));
        assertThat(seen.find()).isTrue();
        return "seen=" + URLEncoder.encode(seen.group(1), StandardCharsets.UTF_8);
    }

    @Test
    void anUndoIsShownFirstAndThenMadeAsTheUser() throws Exception {
        assertThat(page("/console/history/core/v1/configmaps/shop/prices"))
                .contains("Undo the newest change", "/undo?change=11");
        assertThat(page(UNDO)).contains("update prices", "- data.vat", "+ data.vat", "Undo it", "alice");
        assertThat(console.requests.made).isEmpty();
        HttpResponse<String> done = undo(seen(UNDO));
        assertThat(done.statusCode()).isEqualTo(303);
        assertThat(done.headers().firstValue("location")).contains("/console/history/core/v1/configmaps/shop/prices");
        assertThat(console.requests.made)
                .singleElement()
                .asString()
                .startsWith("admin PUT /api/v1/namespaces/shop/configmaps/prices?fieldManager=coppice-undo")
                .contains("\"resourceVersion\":\"12\"");
        assertThat(get(UNDO, "guest").statusCode()).isEqualTo(403);
    }

    @Test
    void anUndoOfWhatWasNotSeenOrWouldLoseChangesIsNotMade() throws Exception {
        console.requests.made.clear();
        HttpResponse<String> stale = undo("seen=update+11");
        assertThat(stale.statusCode()).isEqualTo(409);
        assertThat(stale.body()).contains("It has changed since you looked");
        String lossy = "change=11&" + seen(UNDO + "?change=11");
        assertThat(undo(lossy).body()).contains("would be lost", "undo-force");
        assertThat(console.requests.made).isEmpty();
        assertThat(undo(lossy + "&force=yes").statusCode()).isEqualTo(303);
        console.requests.status = 422;
        try {
            HttpResponse<String> refused = undo(seen(UNDO));
            assertThat(refused.statusCode()).isEqualTo(422);
            assertThat(refused.body()).contains("it is &lt;so&gt;");
        } finally {
            console.requests.status = 200;
        }
    }
}
