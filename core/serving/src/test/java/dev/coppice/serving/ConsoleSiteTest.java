package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ConsoleSiteTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 1);
    private final HttpClient client = HttpClient.newHttpClient();
    private final AtomicBoolean revoked = new AtomicBoolean();
    private HttpListener listener;
    private ConsoleSite site;

    private Identity authenticate(Exchange exchange) throws Authenticator.UnauthenticatedException {
        String header = exchange.header("Authorization").orElse("");
        if (header.isEmpty()) {
            return Identity.ANONYMOUS;
        }
        if (!header.equals("Bearer right") || revoked.get()) {
            throw new Authenticator.UnauthenticatedException("unknown token");
        }
        return new Identity("admin", "", List.of("system:authenticated"), Map.of());
    }

    @BeforeEach
    void start() throws Exception {
        listener = new HttpListener(
                kernel,
                new ListenerOptions(
                        "console", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), null, 100_000, 100),
                this::authenticate);
        site = new ConsoleSite(kernel, this::authenticate, "Coppice", "node-1");
        site.mountOn(listener.routes());
        site.add(new Page("health", "Health <b>", "Areas", 10, e -> {
            if (e.path().endsWith("/events")) {
                try (PageLayout.EventStream events = site.layout().events(e)) {
                    events.send("row", "one\ntwo");
                }
            } else {
                site.layout().send(e, "Health", "<h1>" + e.method() + "</h1>");
            }
        }));
        listener.start(r -> {});
    }

    @AfterEach
    void stop() throws Exception {
        // What is still in flight is waited for by the clock, which only moves when it is told to.
        FutureTask<Void> stopping = new FutureTask<>(() -> {
            listener.stop();
            return null;
        });
        Thread.ofVirtual().start(stopping);
        while (!stopping.isDone()) {
            clock.advance(Duration.ofMillis(10));
            Thread.onSpinWait();
        }
        stopping.get();
        client.shutdownNow();
        kernel.close();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(
                "http://127.0.0.1:" + listener.address().orElseThrow().getPort() + path));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> login(String token, String returnTo) throws Exception {
        return send(request("/console/login")
                .header("Sec-Fetch-Site", "same-origin")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("token=" + token + "&return=" + returnTo)));
    }

    private String session() throws Exception {
        String cookie = login("right", "").headers().firstValue("set-cookie").orElseThrow();
        return cookie.substring(0, cookie.indexOf(';'));
    }

    @Test
    void aBrowserWithoutASessionIsSentToTheLogin() throws Exception {
        HttpResponse<String> answer = send(request("/console/health?x=1"));
        assertThat(answer.statusCode()).isEqualTo(303);
        assertThat(answer.headers().firstValue("location"))
                .contains("/console/login?return=%2Fconsole%2Fhealth%3Fx%3D1");
        assertThat(send(request("/console/login")).body())
                .contains("Sign in to Coppice")
                .doesNotContain("role=\"alert\"");
        assertThat(send(request("/console/health").header("HX-Request", "true")).statusCode())
                .isEqualTo(401);
    }

    @Test
    void aTokenOpensASessionWithAStrictCookie() throws Exception {
        HttpResponse<String> answer = login("right", "%2Fconsole%2Fhealth%3Fx%3D1");
        assertThat(answer.statusCode()).isEqualTo(303);
        assertThat(answer.headers().firstValue("location")).contains("/console/health?x=1");
        assertThat(answer.headers().firstValue("set-cookie").orElseThrow())
                .contains("HttpOnly", "SameSite=Strict", "Path=/console");
        HttpResponse<String> page = send(request("/console/health").header("Cookie", session()));
        assertThat(page.body())
                .contains("<h1>GET</h1>", "Health &lt;b&gt;", "aria-current=\"page\"", "Sign out", "node-1");
        assertThat(page.headers().firstValue("content-security-policy").orElseThrow())
                .contains("script-src 'self';")
                .doesNotContain("script-src 'self' 'unsafe-inline'");
        assertThat(page.body()).doesNotContain("<script>").doesNotContain("onclick");
    }

    @Test
    void aWrongTokenIsRefusedAndNoRedirectLeadsOutside() throws Exception {
        HttpResponse<String> wrong = login("wrong", "");
        assertThat(wrong.statusCode()).isEqualTo(401);
        assertThat(wrong.body()).contains("This token is not valid");
        for (String outside : List.of("https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2Fconsole.evil%2F")) {
            assertThat(login("right", outside).headers().firstValue("location")).contains("/console");
        }
    }

    @Test
    void guessingIsSlowedDown() throws Exception {
        for (int i = 0; i < 60; i++) {
            login("wrong", "");
        }
        assertThat(login("right", "").statusCode()).isEqualTo(429);
        clock.advance(Duration.ofSeconds(61));
        assertThat(login("right", "").statusCode()).isEqualTo(303);
    }

    @Test
    void requestsOfOtherSitesCannotChangeAnything() throws Exception {
        String cookie = session();
        HttpRequest.BodyPublisher none = HttpRequest.BodyPublishers.noBody();
        assertThat(send(request("/console/health").header("Cookie", cookie).POST(none))
                        .statusCode())
                .isEqualTo(403);
        assertThat(send(request("/console/health")
                                .header("Cookie", cookie)
                                .header("Sec-Fetch-Site", "cross-site")
                                .POST(none))
                        .statusCode())
                .isEqualTo(403);
        assertThat(send(request("/console/health")
                                .header("Cookie", cookie)
                                .header("Origin", "http://evil.example")
                                .POST(none))
                        .statusCode())
                .isEqualTo(403);
        assertThat(send(request("/console/health")
                                .header("Cookie", cookie)
                                .header("Sec-Fetch-Site", "same-origin")
                                .POST(none))
                        .statusCode())
                .isEqualTo(200);
        assertThat(send(request("/console/health")
                                .header("Authorization", "Bearer right")
                                .POST(none))
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void sessionsEndBySignOutByTimeAndByRevocation() throws Exception {
        String first = session();
        send(request("/console/logout")
                .header("Cookie", first)
                .header("Sec-Fetch-Site", "same-origin")
                .POST(HttpRequest.BodyPublishers.noBody()));
        assertThat(send(request("/console/health").header("Cookie", first)).statusCode())
                .isEqualTo(303);
        String second = session();
        clock.advance(Duration.ofHours(9));
        assertThat(send(request("/console/health").header("Cookie", second)).statusCode())
                .isEqualTo(303);
        String third = session();
        revoked.set(true);
        assertThat(send(request("/console/health").header("Cookie", third)).statusCode())
                .isEqualTo(200);
        clock.advance(Duration.ofMinutes(2));
        assertThat(send(request("/console/health").header("Cookie", third)).statusCode())
                .isEqualTo(303);
    }

    @Test
    void sessionsAreBounded() {
        Sessions sessions = new Sessions(kernel, 2);
        Sessions.Session first = sessions.open(Identity.ANONYMOUS, "");
        Sessions.Session second = sessions.open(Identity.ANONYMOUS, "");
        assertThat(sessions.find(first.id())).isPresent();
        sessions.open(Identity.ANONYMOUS, "");
        assertThat(sessions.size()).isEqualTo(2);
        assertThat(sessions.find(second.id())).isEmpty();
        assertThat(sessions.find(first.id())).isPresent();
        assertThat(first.toString()).doesNotContain(first.id());
    }

    @Test
    void assetsAreThereAndCachedForEverByTheirHash() throws Exception {
        for (String name : List.of(
                "htmx.js", "sse.js", "uplot.js", "uplot.css", "coppice.js", "theme.js", "coppice.css", "icon.svg")) {
            HttpResponse<String> plain = send(request("/console/assets/" + name));
            assertThat(plain.statusCode()).as(name).isEqualTo(200);
            assertThat(plain.headers().firstValue("cache-control")).contains("no-cache");
            String tag = plain.headers().firstValue("etag").orElseThrow();
            String hash = tag.replaceAll("[\"W/]", "");
            assertThat(send(request("/console/assets/" + name + "?v=" + hash))
                            .headers()
                            .firstValue("cache-control"))
                    .hasValueSatisfying(v -> assertThat(v).contains("immutable"));
            assertThat(send(request("/console/assets/" + name).header("If-None-Match", tag))
                            .statusCode())
                    .isEqualTo(304);
        }
        assertThat(send(request("/console/assets/../x")).statusCode()).isEqualTo(400);
        assertThat(send(request("/console/assets/nothing.js")).statusCode()).isEqualTo(404);
    }

    @Test
    void anEventStreamEndsWithItsSession() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        site.add(new Page("live", "Live", "Areas", 20, e -> {
            try (PageLayout.EventStream events = site.layout().events(e)) {
                events.send("first", "seen");
                told.await();
                events.send("second", "secret");
            }
        }));
        String cookie = session();
        HttpResponse<InputStream> answer = client.send(
                request("/console/live").header("Cookie", cookie).build(), HttpResponse.BodyHandlers.ofInputStream());
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            while (!line.contains("seen")) {
                line = lines.readLine();
            }
            send(request("/console/logout")
                    .header("Cookie", cookie)
                    .header("Sec-Fetch-Site", "same-origin")
                    .POST(HttpRequest.BodyPublishers.noBody()));
            told.countDown();
            String rest = "";
            try {
                for (String more = lines.readLine(); more != null; more = lines.readLine()) {
                    rest += more;
                }
            } catch (IOException cut) {
                // The answer does not end in order.
            }
            assertThat(rest).doesNotContain("secret");
        }
    }

    @Test
    void eventsAreSplitIntoLines() throws Exception {
        HttpResponse<java.io.InputStream> answer = client.send(
                request("/console/health/events")
                        .header("Authorization", "Bearer right")
                        .build(),
                HttpResponse.BodyHandlers.ofInputStream());
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
            assertThat(reader.lines().toList())
                    .containsExactly("retry: 2000", "", "event: row", "data: one", "data: two", "");
        }
    }

    @Test
    void theConsoleOpensItsFirstPage() throws Exception {
        assertThat(send(request("/console").header("Authorization", "Bearer right"))
                        .headers()
                        .firstValue("location"))
                .contains("/console/health");
        assertThat(send(request("/console/none").header("Authorization", "Bearer right"))
                        .body())
                .contains("There is no console page at this address");
    }
}
