package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The console in a real browser. */
final class ConsoleTest {
    @TempDir
    private Path folder;

    @Test
    void logsInAndShowsEveryPage() throws Exception {
        Shell.need("chromium");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"), "examples/quickstart");
                Playwright playwright = Playwright.create();
                Browser browser = chromium(playwright)) {
            Page page = browser.newContext(new Browser.NewContextOptions().setIgnoreHTTPSErrors(true))
                    .newPage();
            List<String> errors = errors(page);
            page.navigate(coppice.ready().path("console").asText());
            page.fill("input[name=token]", coppice.token());
            page.keyboard().press("Enter");
            page.locator("nav a").first().waitFor();
            assertThat(page.title()).contains("Coppice");
            List<String> links = page.locator("nav a").evaluateAll("all => all.map(a => a.href)") instanceof List<?> all
                    ? all.stream().map(Object::toString).distinct().toList()
                    : List.of();
            assertThat(links).hasSizeGreaterThanOrEqualTo(4);
            for (String link : links) {
                assertThat(page.navigate(link).status()).as(link).isEqualTo(200);
                assertThat(page.locator("h1").first().textContent()).as(link).isNotBlank();
                screenshot(page, link.replaceAll("^.*/console/?", ""));
            }
            assertThat(errors).isEmpty();
        }
    }

    @Test
    void takesBackAChangeAfterASecondLook() throws Exception {
        Shell.need("chromium", "kubectl");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"));
                Playwright playwright = Playwright.create();
                Browser browser = chromium(playwright)) {
            assertThat(coppice.kubectl("create", "configmap", "prices", "--from-literal=vat=19")
                            .status())
                    .isZero();
            assertThat(coppice.kubectl("patch", "configmap", "prices", "-p", "{\"data\":{\"vat\":\"91\"}}")
                            .status())
                    .isZero();
            Page page = browser.newContext(new Browser.NewContextOptions().setIgnoreHTTPSErrors(true))
                    .newPage();
            List<String> errors = errors(page);
            String console = coppice.ready().path("console").asText();
            page.navigate(console);
            page.fill("input[name=token]", coppice.token());
            page.keyboard().press("Enter");
            page.locator("nav a").first().waitFor();
            page.navigate(console.replaceAll("/+$", "") + "/history/core/v1/configmaps/default/prices");
            page.click("#undo-newest");
            assertThat(page.locator("pre.diff").first().textContent())
                    .contains("- data.vat: \"91\"", "+ data.vat: \"19\"");
            screenshot(page, "undo");
            page.click("#undo");
            page.locator("text=request by coppice-undo").first().waitFor();
            assertThat(coppice.kubectl("get", "configmap", "prices", "-o", "jsonpath={.data.vat}")
                            .output())
                    .isEqualTo("19");
            assertThat(errors).isEmpty();
        }
    }

    /** Debian's Chromium, without what reaches out by itself. */
    static Browser chromium(Playwright playwright) {
        return playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(Path.of("/usr/bin/chromium"))
                        .setArgs(List.of(
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-quic",
                                "--no-first-run",
                                "--disable-background-networking",
                                "--disable-component-update",
                                "--disable-sync")));
    }

    /** What goes wrong on a page from now on. */
    static List<String> errors(Page page) {
        List<String> errors = new ArrayList<>();
        page.onConsoleMessage(message -> {
            // htmx logs the bare event of a stream that ends because its page is left.
            if (message.type().equals("error") && !message.text().equals("Event")) {
                errors.add(page.url() + ": " + message.text() + " (" + message.location() + ")");
            }
        });
        page.onPageError(error -> errors.add(page.url() + ": " + error));
        page.onResponse(response -> {
            if (response.status() >= 400) {
                errors.add(response.url() + ": " + response.status());
            }
        });
        return errors;
    }

    /** Leaves a picture of each page, for people, where {@code -Dcoppice.screenshots=DIR} asks for it. */
    static void screenshot(Page page, String name) {
        String folder = System.getProperty("coppice.screenshots");
        if (folder != null) {
            page.screenshot(new Page.ScreenshotOptions()
                    .setPath(Path.of(folder, (name.isEmpty() ? "overview" : name.replace('/', '-')) + ".png"))
                    .setFullPage(true));
        }
    }
}
