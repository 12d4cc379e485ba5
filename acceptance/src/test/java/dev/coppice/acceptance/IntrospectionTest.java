package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What runs in a node, seen with kubectl, in a terminal and in a real browser. */
final class IntrospectionTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String API = "/apis/runtime.coppice.dev/v1/processes";

    @TempDir
    private static Path folder;

    private static RunningCoppice coppice;

    @BeforeAll
    static void start() throws Exception {
        coppice = RunningCoppice.up(folder.resolve("data"), "examples/quickstart");
    }

    @AfterAll
    static void stop() throws Exception {
        coppice.close();
    }

    private static String kubectl(String... arguments) throws Exception {
        return coppice.kubectl(arguments).succeeds().output();
    }

    /** The name of a process that hears of every change in the store. */
    private static String someProcess() throws Exception {
        List<String> names = kubectl(
                        "get",
                        "processes",
                        "-l",
                        "runtime.coppice.dev/sort=process",
                        "-o",
                        "jsonpath={.items[*].metadata.name}")
                .lines()
                .flatMap(line -> List.of(line.split(" ")).stream())
                .toList();
        assertThat(names).as("processes of a node").isNotEmpty();
        return names.stream()
                .filter(name -> name.contains("watches.control"))
                .findFirst()
                .orElse(names.getFirst());
    }

    @Test
    void kubectlShowsWhatRuns() throws Exception {
        Shell.need("kubectl");
        List<String> table = kubectl("get", "processes").lines().toList();
        assertThat(table.getFirst().split(" +"))
                .containsExactly("NAME", "KIND", "STATE", "RESTARTS", "MAILBOX", "MSG/S", "CPU%", "MEMORY", "AGE");
        assertThat(table).anyMatch(line -> line.matches("control +supervisor +running +0 .*"));
        assertThat(table).anyMatch(line -> line.matches("control\\.watch-feed +task +running .*"));
        assertThat(kubectl("get", "proc", "--chunk-size=20", "-o", "name").lines())
                .as("pages of 20")
                .hasSizeGreaterThan(60)
                .doesNotHaveDuplicates();
        assertThat(kubectl("get", "proc", "-o", "wide").lines().findFirst().orElse(""))
                .contains("HANDLED", "PATH", "LAST CRASH");
        assertThat(kubectl("get", "proc", "-l", "runtime.coppice.dev/extension=health", "-o", "name")
                        .lines())
                .isNotEmpty()
                .allMatch(name -> name.startsWith("process.runtime.coppice.dev/extensions.health"));
        assertThat(kubectl("get", "proc", "--field-selector", "spec.parent=/control", "-o", "name")
                        .lines())
                .contains("process.runtime.coppice.dev/control.watch-feed");
        assertThat(kubectl("get", "proc", "--sort-by=.status.memoryBytes", "-o", "name"))
                .isNotEmpty();
        assertThat(kubectl("get", "process", "control.watch-feed", "-o", "yaml"))
                .contains("path: /control/watch-feed", "cpuPercent:", "stack:", "restart: permanent");
        assertThat(kubectl("describe", "process", "control")).contains("Strategy:", "Children:");
        assertThat(kubectl("explain", "processes.status.mailbox")).contains("Messages waiting");
        assertThat(kubectl("api-resources", "--api-group=runtime.coppice.dev", "-o", "wide"))
                .contains("processes", "proc", "get,list", "Process");
    }

    @Test
    void kubectlCannotWriteIt() throws Exception {
        Shell.need("kubectl");
        String manifest = """
                {"apiVersion": "runtime.coppice.dev/v1", "kind": "Process", "metadata": {"name": "control"},
                 "spec": {"path": "/x"}}""";
        for (Shell.Outcome outcome : List.of(
                coppice.kubectl("delete", "process", "control"),
                coppice.kubectl("label", "process", "control", "a=b"),
                coppice.kubectl("patch", "process", "control", "--type=merge", "-p", "{\"spec\":{}}"),
                coppice.kubectlWithInput(manifest, "create", "-f", "-"),
                coppice.kubectlWithInput(manifest, "apply", "--validate=false", "-f", "-"))) {
            assertThat(outcome.status()).as(outcome.output()).isNotZero();
            assertThat(outcome.output()).contains("MethodNotAllowed", "allowed: get, list");
        }
        Shell.Outcome watch = coppice.kubectl("get", "processes", "--watch-only", "--request-timeout=20s");
        assertThat(watch.output()).contains("watch is not supported", "allowed: get, list");
    }

    @Test
    void rightsAreGivenByRoles() throws Exception {
        Shell.need("kubectl", "curl");
        kubectl("create", "serviceaccount", "looker");
        String token = kubectl("create", "token", "looker").strip();
        String name = someProcess();
        assertThat(as(token, API)).endsWith("403");
        kubectl("create", "clusterrole", "looker", "--verb=get,list", "--resource=processes.runtime.coppice.dev");
        kubectl("create", "clusterrolebinding", "looker", "--clusterrole=looker", "--serviceaccount=default:looker");
        assertThat(as(token, API)).endsWith("200");
        assertThat(as(token, API + "/" + name)).endsWith("200");
        assertThat(as(token, API + "/" + name + "/trace", "-X", "POST"))
                .contains("cannot create resource \\\"processes/trace\\\"")
                .endsWith("403");
        kubectl(
                "create",
                "clusterrole",
                "tracer",
                "--verb=create,get,delete",
                "--resource=processes.runtime.coppice.dev/trace");
        kubectl("create", "clusterrolebinding", "tracer", "--clusterrole=tracer", "--serviceaccount=default:looker");
        assertThat(as(token, API + "/" + name + "/trace", "-X", "POST")).endsWith("201");
        assertThat(as(token, API + "/" + name + "/trace", "-X", "DELETE")).endsWith("200");
    }

    private static String as(String token, String path, String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("-H", "Authorization: Bearer " + token));
        all.addAll(List.of(options));
        return coppice.curl(path, all.toArray(String[]::new)).output();
    }

    @Test
    void aTraceTellsTheMessagesOfAProcess() throws Exception {
        Shell.need("kubectl");
        String trace = API + "/" + someProcess() + "/trace";
        assertThat(coppice.kubectlWithInput(
                                "{\"spec\":{\"duration\":\"30s\",\"entries\":50}}", "create", "--raw", trace, "-f", "-")
                        .succeeds()
                        .output())
                .contains("\"running\":true", "\"text\":false");
        kubectl("create", "configmap", "traced", "--from-literal=a=b");
        JsonNode found = JSON.readTree(kubectl("get", "--raw", trace));
        for (int i = 0; i < 50 && found.path("status").path("entries").isEmpty(); i++) {
            kubectl("annotate", "configmap", "traced", "--overwrite", "n=" + i);
            found = JSON.readTree(kubectl("get", "--raw", trace));
        }
        JsonNode entry = found.path("status").path("entries").path(0);
        assertThat(entry.path("message").asText()).isNotBlank();
        assertThat(entry.path("took").asText()).endsWith("s");
        assertThat(kubectl("delete", "--raw", trace)).contains("\"running\":false");
        assertThat(coppice.kubectlWithInput("{\"spec\":{\"duration\":\"1h\"}}", "create", "--raw", trace, "-f", "-")
                        .output())
                .contains("10 minutes");
    }

    @Test
    void topPrintsTheBusiest() throws Exception {
        String data = folder.resolve("data").toString();
        String launcher = Shell.HOME.resolve("coppice").toString();
        Duration limit = Duration.ofSeconds(60);
        assertThat(Shell.run(limit, launcher, "top", "--data", data, "--once", "--count", "5", "--sort", "memory")
                        .succeeds()
                        .output()
                        .lines()
                        .toList())
                .hasSize(8)
                .anyMatch(line -> line.startsWith("PATH ") && line.contains("CPU%"));
        Shell.Outcome answer = Shell.run(
                limit,
                Map.of(),
                null,
                List.of(launcher, "top", "--data", data, "--json", "--count", "3", "--sort", "rate"));
        JsonNode report = JSON.readTree(answer.succeeds().output());
        assertThat(report.path("children").asInt()).isGreaterThan(60);
        assertThat(report.path("processes")).hasSize(3);
        assertThat(report.path("processes").path(0).path("messagesPerSecond").asDouble())
                .isGreaterThanOrEqualTo(report.path("processes")
                        .path(2)
                        .path("messagesPerSecond")
                        .asDouble());
        assertThat(Shell.run(limit, launcher, "top", "--data", data, "--sort", "colour")
                        .status())
                .isEqualTo(2);
    }

    @Test
    void theConsoleShowsTheTreeAndOneProcess() throws Exception {
        Shell.need("chromium", "kubectl");
        String name = someProcess();
        try (Playwright playwright = Playwright.create();
                Browser browser = ConsoleTest.chromium(playwright)) {
            Page page = browser.newContext(new Browser.NewContextOptions().setIgnoreHTTPSErrors(true))
                    .newPage();
            List<String> errors = ConsoleTest.errors(page);
            page.navigate(coppice.ready().path("console").asText());
            page.fill("input[name=token]", coppice.token());
            page.keyboard().press("Enter");
            page.locator("nav a").first().waitFor();
            String runtime = coppice.api() + "/console/runtime";
            page.navigate(runtime);
            page.keyboard().press("/");
            page.keyboard().type("watch-feed");
            Locator link = page.locator("#tree a.name", new Page.LocatorOptions().setHasText("watch-feed"));
            link.waitFor();
            link.focus();
            page.keyboard().press("Enter");
            page.waitForURL("**/process/control.watch-feed");
            assertThat(page.locator("h1").textContent()).isEqualTo("watch-feed");
            page.locator("summary", new Page.LocatorOptions().setHasText("What its thread does"))
                    .click();
            assertThat(page.locator("pre[aria-label=Stack]").textContent()).contains("WatchFeed");

            page.navigate(runtime + "/process/" + name);
            page.locator("#trace-start").focus();
            page.keyboard().press("Enter");
            page.locator("#trace-stop").waitFor();
            kubectl("create", "configmap", "seen-in-the-console", "--from-literal=a=b");
            page.locator("#trace td.mono").first().waitFor();
            page.locator("#trace-stop").click();
            page.locator("#trace-start").waitFor();

            for (String path : List.of("", "/top", "/pipelines", "/process/" + name)) {
                page.navigate(runtime + path);
                ConsoleTest.screenshot(page, "runtime" + path.replace('/', '-'));
                page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
                page.setViewportSize(390, 800);
                Object overflow = page.evaluate(
                        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
                assertThat(overflow).as("too wide for a phone: " + path).isEqualTo(0);
                ConsoleTest.screenshot(page, "runtime-phone" + path.replace('/', '-'));
                page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.LIGHT));
                page.setViewportSize(1280, 800);
            }
            assertThat(errors).isEmpty();
        }
    }
}
