package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.gateway.authentication.TestBrowser;
import dev.coppice.gateway.authentication.TestIssuer;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.ClaimHeader;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Rule;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.gateway.config.SecurityConfig.SessionCookies;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.tap.Tap;
import dev.coppice.gateway.tap.TapQuestion;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** People who log in at an issuer, through the data plane, with HTTPS between it and the issuer. */
@Timeout(60)
class SessionTest {
    @TempDir
    Path directory;

    private ProxyFixture proxy;
    private Backend backend;
    private Backend https;
    private TestIssuer issuer;
    private final TestBrowser browser = new TestBrowser();

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(2).withAccessLog(directory.resolve("access.log")));
        backend = Backend.saying("hello");
        issuer = new TestIssuer(() -> proxy.kernel.clock().now().getEpochSecond());
        TestAuthority authority = new TestAuthority("authority");
        ServerSocket socket = authority.sign("issuer", "dns:localhost").listen(null);
        https = new Backend(socket, (request, _) -> answer(request));
        issuer.issuer = "https://localhost:" + https.port();
        serve(authority.pem());
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
        https.close();
    }

    private String answer(Backend.Seen request) throws IOException {
        String path = request.line().split(" ")[1];
        Map<String, String> headers = new HashMap<>();
        for (String each : List.of("Authorization", "Content-Type")) {
            request.header(each).ifPresent(value -> headers.put(each, value));
        }
        boolean post = request.line().startsWith("POST");
        HttpsCall.Answer answer = issuer.send(
                issuer.issuer + path,
                headers,
                post ? request.body().getBytes(StandardCharsets.US_ASCII) : null,
                1 << 20);
        String body = new String(answer.body(), StandardCharsets.UTF_8);
        return "HTTP/1.1 " + answer.status() + " x\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private void serve(String authorities) {
        serve(authorities, false);
    }

    private void serve(String authorities, boolean optional) {
        Method.Oidc people = new Method.Oidc(
                "people",
                issuer.issuer,
                null,
                authorities,
                false,
                TestIssuer.CLIENT,
                new Secret(TestIssuer.SECRET),
                false,
                List.of("openid"),
                "/oauth2/callback",
                "/oauth2/logout",
                "/bye",
                "/oauth2/ended",
                new SessionCookies("s", "Lax", true, List.of(new Secret(TestIssuer.SECRET))),
                28_800_000,
                List.of("ES256"),
                0,
                List.of(new ClaimHeader(List.of("sub"), "x-user")),
                List.of(),
                true);
        SecurityConfig policy = new SecurityConfig(
                "default/p",
                List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                null,
                "shop",
                List.of(people),
                optional,
                new SecurityConfig.Authorization(
                        List.of(new Rule("staff", true, "'staff' in auth.claims.groups && auth.method == 'OIDC'")),
                        optional));
        proxy.serveRoutes(
                List.of(),
                List.of(policy),
                List.of(new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule("u")))),
                upstream("u", backend.port()));
    }

    private String page(String target, String... headers) throws IOException {
        String[] all = Arrays.copyOf(headers, headers.length + 2);
        all[headers.length] = "Accept: text/html";
        all[headers.length + 1] = "Cookie: a=b" + (browser.cookies.isEmpty() ? "" : "; " + browser.header());
        String answer = proxy.get(target, all);
        browser.take(answer.lines()
                .filter(each -> each.toLowerCase(Locale.ROOT).startsWith("set-cookie: "))
                .map(each -> each.substring(12))
                .toList());
        return answer;
    }

    private static String location(String answer) {
        return answer.lines()
                .filter(each -> each.toLowerCase(Locale.ROOT).startsWith("location: "))
                .map(each -> each.substring(10))
                .findFirst()
                .orElseThrow(() -> new AssertionError(answer));
    }

    private void login() throws IOException {
        String sent = page("/a?b=c");
        assertThat(sent).startsWith("HTTP/1.1 302");
        String query = issuer.login(location(sent));
        String back = page("/oauth2/callback?" + query);
        assertThat(back).startsWith("HTTP/1.1 302");
        assertThat(location(back)).isEqualTo("/a?b=c");
    }

    @Test
    void whoLogsInGetsThrough() throws Exception {
        login();
        assertThat(backend.seen).isEmpty();
        assertThat(page("/a?b=c", "X-User: mallory", "Authorization: Bearer forged"))
                .startsWith("HTTP/1.1 200");
        Backend.Seen seen = backend.seen.getLast();
        assertThat(seen.header("x-user")).hasValue("alice");
        assertThat(seen.header("authorization")).hasValue("Bearer access-1");
        assertThat(seen.header("cookie")).hasValue("a=b");
        assertThat(page("/oauth2/logout")).startsWith("HTTP/1.1 302");
        assertThat(browser.cookies).isEmpty();
        assertThat(page("/")).startsWith("HTTP/1.1 302");
        Path log = directory.resolve("access.log");
        ProxyFixture.await(() -> {
            try {
                return Files.exists(log) && Files.readString(log).contains("\"subject\":\"alice\"");
            } catch (IOException e) {
                return false;
            }
        });
        assertThat(Files.readString(log)).doesNotContain("code=", "access-1", "state=");
    }

    @Test
    void theIssuerEndsSessions() throws Exception {
        login();
        assertThat(page("/")).startsWith("HTTP/1.1 200");
        String form = "logout_token=" + issuer.logoutToken(",\"sub\":\"alice\"");
        String post = "POST /oauth2/ended HTTP/1.1\r\n"
                + "Host: example.org\r\n"
                + "Content-Type: application/x-www-form-urlencoded\r\n"
                + "Expect: 100-continue\r\n"
                + "Connection: close\r\n"
                + "Content-Length: " + form.length() + "\r\n\r\n" + form;
        assertThat(proxy.exchange(post)).contains("HTTP/1.1 200").contains("no-store");
        assertThat(page("/", "Sec-Fetch-Mode: cors")).startsWith("HTTP/1.1 401");
        assertThat(page("/")).startsWith("HTTP/1.1 302");
        assertThat(proxy.exchange(post)).contains("HTTP/1.1 400").contains("shown before");
        assertThat(proxy.kernel.metrics().scrape().stream()
                        .filter(each -> each.getMetadata().getPrometheusName().equals("coppice_gateway_ended_sessions"))
                        .mapToDouble(each -> ((GaugeSnapshot) each)
                                .getDataPoints()
                                .getFirst()
                                .getValue()))
                .containsExactly(1.0);
        String large = "logout_token=" + "x".repeat(40_000);
        assertThat(proxy.exchange(post.replace("" + form.length(), "" + large.length())
                        .replace(form, large)
                        .replace("Expect: 100-continue\r\n", "")))
                .contains("HTTP/1.1 400")
                .contains("20480 bytes");
        login();
        assertThat(page("/")).startsWith("HTTP/1.1 200");
        assertThat(backend.seen).hasSize(2);
    }

    @Test
    void programsAreToldThatTheyHaveToLogIn() throws Exception {
        assertThat(proxy.get("/", "Accept: application/json"))
                .startsWith("HTTP/1.1 401")
                .containsIgnoringCase("www-authenticate: OpenIDConnect realm=\"shop\"");
        assertThat(proxy.exchange("POST / HTTP/1.1\r\n"
                        + "Host: example.org\r\n"
                        + "Accept: text/html\r\n"
                        + "Connection: close\r\n"
                        + "Content-Length: 0\r\n\r\n"))
                .startsWith("HTTP/1.1 401");
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void claimsDecide() throws Exception {
        issuer.claims = ",\"groups\":[\"guests\"]";
        login();
        assertThat(page("/")).startsWith("HTTP/1.1 403");
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void aFreshSessionComesWithTheBackendsAnswer() throws Exception {
        issuer.expiresSeconds = 1;
        login();
        String before = browser.header();
        ProxyFixture.await(() -> {
            try {
                assertThat(page("/")).startsWith("HTTP/1.1 200");
                return !browser.header().equals(before);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(page("/")).startsWith("HTTP/1.1 200");
    }

    @Test
    void withoutTheIssuerNobodyLogsIn() throws Exception {
        TestAuthority other = new TestAuthority("other");
        serve(other.pem());
        assertThat(page("/")).startsWith("HTTP/1.1 503").contains("the issuer is not known");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 401");
        // Who need not log in does not miss it.
        serve(other.pem(), true);
        assertThat(page("/")).startsWith("HTTP/1.1 200");
    }

    @Test
    void watchersSeeNoCodesAndTokens() throws Exception {
        login();
        try (Tap tap = proxy.plane
                .taps()
                .open(TapQuestion.of("default/route", "", "true", "true", "1", ""))
                .orElseThrow()) {
            assertThat(location(page("/oauth2/logout"))).contains("id_token_hint=");
            assertThat(tap.next()).contains("/logout?***\"").doesNotContain("id_token_hint");
        }
    }
}
