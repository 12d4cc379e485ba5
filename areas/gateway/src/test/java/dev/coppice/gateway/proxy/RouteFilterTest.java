package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RouteFilterConfig.PathRewrite;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What HTTPRouteFilters do to requests and their answers. */
@Timeout(60)
class RouteFilterTest {
    private static final String NAME = "default/filter";

    @TempDir
    Path temporary;

    private ProxyFixture proxy;
    private Backend backend;
    private volatile String said = "HTTP/1.1 200 OK\r\nX-Server: one\r\nContent-Length: 2\r\n\r\nok";

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        backend = new Backend((_, _) -> said);
    }

    @AfterEach
    void stop() throws Exception {
        backend.close();
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private static Header header(String name, String value) {
        return new Header(name, value);
    }

    private static HeaderChanges set(Header... headers) {
        return new HeaderChanges(List.of(headers), List.of(), List.of());
    }

    private static RouteFilterConfig headers(String when, String path, HeaderChanges request, HeaderChanges response) {
        return new RouteFilterConfig(NAME, when, path, request, response, null, null, null, null, null);
    }

    private static RouteFilterConfig rewrite(
            String pathTemplate, String hostname, PathRewrite path, HeaderChanges query) {
        return new RouteFilterConfig(
                NAME,
                "",
                pathTemplate,
                HeaderChanges.NONE,
                HeaderChanges.NONE,
                new RouteFilterConfig.Rewrite(hostname, path, query),
                null,
                null,
                null,
                null);
    }

    private static RouteFilterConfig direct(String when, int status, String type, String body, boolean template) {
        return new RouteFilterConfig(
                NAME,
                when,
                "",
                HeaderChanges.NONE,
                set(header("X-By", "{path}")),
                null,
                new RouteFilterConfig.Direct(status, type, body, template),
                null,
                null,
                null);
    }

    private static RouteFilterConfig files(RouteFilterConfig.Files files) {
        return new RouteFilterConfig(
                NAME,
                "",
                "",
                HeaderChanges.NONE,
                set(header("Cache-Control", "max-age=60")),
                null,
                null,
                files,
                null,
                null);
    }

    private static RouteFilterConfig memory(String fallback) {
        return files(new RouteFilterConfig.Files(
                Map.of("index.html", base64("<h1>top</h1>"), "a.txt", base64("0123456789"), "sub/b.js", base64("x")),
                null,
                null,
                "index.html",
                fallback,
                List.of()));
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private void serve(String prefix, RouteFilterConfig... filters) {
        RuleConfig rule = new RuleConfig(
                List.of(new MatchConfig(new PathMatch(PathMatch.Type.PREFIX, prefix), "", List.of(), List.of())),
                List.of(new FilterConfig.Named(NAME)),
                List.of(new BackendConfig("web", 1, List.of())));
        serve(rule, filters);
    }

    private void serve(RuleConfig rule, RouteFilterConfig... filters) {
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "http",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route));
        UpstreamConfig web = ProxyFixture.upstream("web", backend.port());
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(List.of(listener), List.of(web))
                        .filters(List.of(filters))
                        .build()))
                .isEmpty();
    }

    private String seen(String header) {
        return backend.seen.getLast().header(header).orElse("-");
    }

    private String target() {
        return backend.seen.getLast().line().split(" ")[1];
    }

    @Test
    void headersAreMadeOfTheRequest() throws Exception {
        serve(
                "/",
                headers(
                        "",
                        "",
                        new HeaderChanges(
                                List.of(
                                        header("X-All", "{client} {method} {scheme} {host} {path} {query} {route}"),
                                        header("X-Of", "{request.header.A}/{request.cookie.c}/{request.query.q}"),
                                        header("X-User", "{subject}{claim.a}"),
                                        header("X-Request-Id", "{request_id}")),
                                List.of(header("X-Old", "new")),
                                List.of("X-Gone")),
                        set(
                                header("X-Answer", "{status} {response.header.X-Server} for {path}"),
                                header("X-Server", "{subject}"))));
        String answer = proxy.get(
                "/p?q=%0D%0Aevil:+1",
                "A: x\ty",
                "A: z",
                "Cookie: b=1; c=2",
                "X-User: forged",
                "X-Gone: 1",
                "X-Old: old",
                "Connection: X-All, X-Request-Id");
        assertThat(answer).startsWith("HTTP/1.1 200 OK").contains("\r\nX-Answer: 200 one for /p\r\n");
        assertThat(answer).doesNotContain("X-Server");
        assertThat(seen("X-All")).isEqualTo("127.0.0.1 GET http example.org /p q=%0D%0Aevil:+1 default/route");
        assertThat(seen("X-Of")).isEqualTo("x%09y,z/2/%0D%0Aevil: 1");
        assertThat(seen("X-User")).isEqualTo("-");
        assertThat(seen("X-Gone")).isEqualTo("-");
        assertThat(seen("X-Request-Id")).matches("[0-9a-f]{32}");
        assertThat(backend.seen.getLast().headers()).anyMatch(each -> each.equals("X-Old: old"));
        assertThat(backend.seen.getLast().headers()).anyMatch(each -> each.equals("X-Old: new"));
        proxy.get("/p", "X-Request-Id: abc-1");
        assertThat(seen("X-Request-Id")).isEqualTo("abc-1");
    }

    @Test
    void aFilterAppliesWhereItsConditionHolds() throws Exception {
        serve(
                "/",
                headers(
                        "'x-beta' in request.headers && request.headers['x-beta'] == 'yes'",
                        "/users/{id}/**",
                        set(header("X-User", "{path.id}")),
                        HeaderChanges.NONE));
        proxy.get("/users/7/a/b", "X-Beta: yes");
        assertThat(seen("X-User")).isEqualTo("7");
        proxy.get("/users/7/a/b", "X-Beta: no", "X-User: 1");
        assertThat(seen("X-User")).isEqualTo("1");
        proxy.get("/others/7/a/b", "X-Beta: yes");
        assertThat(seen("X-User")).isEqualTo("-");
    }

    @Test
    void aFilterThatCannotBeRunIsNotSkipped() throws Exception {
        serve("/", headers("request.headers['x-none'] == 'a'", "", set(header("A", "b")), HeaderChanges.NONE));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").contains("the condition of a filter");
        assertThat(proxy.get("/", "X-None: a")).startsWith("HTTP/1.1 200");
        serve("/");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").contains("a filter for this request cannot be run");
        // As a copy that another version has saved may be.
        serve("/", headers("no CEL at all (", "", HeaderChanges.NONE, HeaderChanges.NONE));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500");
        assertThat(backend.seen).hasSize(1);
    }

    @Test
    void pathsAreMadeAnew() throws Exception {
        serve(
                "/",
                rewrite(
                        "/users/{id}/orders/{rest=**}",
                        "v2.{host}",
                        new PathRewrite("/v2/{path.rest}?user={path.id}&{query}", null, null),
                        new HeaderChanges(
                                List.of(header("a", "set {request.header.X}")),
                                List.of(header("b&c", "{path.id}")),
                                List.of("secret"))));
        proxy.get("/users/7/orders/x/y?secret=1&a=0&k=v", "X: &admin=1");
        assertThat(target()).isEqualTo("/v2/x/y?user=7&k=v&a=set%20%26admin%3D1&b%26c=7");
        assertThat(seen("Host")).isEqualTo("v2.example.org");
        assertThat(seen("X-Forwarded-Host")).isEqualTo("example.org");
        proxy.get("/users/a&b=c/orders/");
        assertThat(target()).startsWith("/v2/?user=a%26b%3Dc&");
        proxy.get("/other?secret=1");
        assertThat(target()).isEqualTo("/other?secret=1");

        serve(
                "/",
                rewrite(
                        "",
                        null,
                        new PathRewrite(null, "^/service/([^/]+)(/.*)$", "\\2/instance/\\1"),
                        HeaderChanges.NONE));
        proxy.get("/service/foo/v1/api?x=1");
        assertThat(target()).isEqualTo("/v1/api/instance/foo?x=1");
    }

    @Test
    void nothingElseIsMadeOfARequestThanAPath() throws Exception {
        serve("/", rewrite("", null, new PathRewrite("/public/{request.header.X}/a", null, null), HeaderChanges.NONE));
        proxy.get("/", "X: b/../c?d#e");
        assertThat(target()).isEqualTo("/public/b%2F..%2Fc%3Fd%23e/a");
        assertThat(proxy.get("/", "X: ..")).startsWith("HTTP/1.1 400");
        assertThat(proxy.get("/", "X: .")).startsWith("HTTP/1.1 400");
        assertThat(proxy.get("/", "X: " + "%".repeat(20_000))).startsWith("HTTP/1.1 414");
        serve("/", rewrite("", "{request.header.X}", null, HeaderChanges.NONE));
        assertThat(proxy.get("/", "X: a b")).startsWith("HTTP/1.1 400");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 400");
        serve("/", rewrite("", null, new PathRewrite(null, "^/", ""), HeaderChanges.NONE));
        assertThat(proxy.get("/a")).startsWith("HTTP/1.1 400");
        serve("/", rewrite("", null, new PathRewrite(null, "a(.*z)?", "\\0"), HeaderChanges.NONE));
        assertThat(proxy.get("/" + "a".repeat(16_000))).startsWith("HTTP/1.1 414");
        serve("/", headers("", "", set(header("A", "{request.header.X}{request.header.X}")), HeaderChanges.NONE));
        assertThat(proxy.get("/", "X: " + "x".repeat(5000))).startsWith("HTTP/1.1 431");
        assertThat(backend.seen).hasSize(1);
    }

    @Test
    void aFilterAnswersItself() throws Exception {
        serve("/", direct("", 418, "application/json", "{{\"you\": \"{request.query.q}\"}}", true));
        String answer = proxy.get("/tea?q=%22%3E%0A");
        assertThat(answer)
                .startsWith("HTTP/1.1 418")
                .contains("content-type: application/json\r\n")
                .contains("x-content-type-options: nosniff\r\n")
                .contains("X-By: /tea\r\n")
                .endsWith("\r\n\r\n{\"you\": \"\\\">\\u000a\"}");
        assertThat(answer).contains("content-length: 20\r\n");
        String head = proxy.exchange("HEAD /tea?q=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assertThat(head)
                .startsWith("HTTP/1.1 418")
                .contains("content-length: 12\r\n")
                .endsWith("\r\n\r\n");
        serve("/", direct("", 204, "text/plain", "nothing of this", false));
        assertThat(proxy.get("/"))
                .startsWith("HTTP/1.1 204")
                .doesNotContain("content-length")
                .endsWith("\r\n\r\n");
        serve("/", direct("request.path == '/a'", 200, "text/html", "<b>", false));
        assertThat(proxy.get("/a")).contains("content-type: text/html").endsWith("<b>");
        assertThat(proxy.get("/b")).endsWith("ok");
        assertThat(backend.seen).hasSize(1);
        // The connection stays.
        try (ProxyFixture.Client client = proxy.client()) {
            for (int i = 0; i < 3; i++) {
                client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|<b>");
            }
        }
    }

    /** 200 would say that there is one. */
    @Test
    void whatAFilterAnswersIsNoWebSocket() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            serve("/", direct("", 200, "text/plain", "hello", false));
            assertThat(peer.open()
                            .send(WebSocketTest.connect("/"), false)
                            .answer()
                            .status())
                    .isEqualTo(400);
            assertThat(peer.open()
                            .send(WebSocketTest.connect("/").add("content-type", "application/grpc"), false)
                            .answer()
                            .status())
                    .isEqualTo(400);
            serve("/", memory(null));
            assertThat(peer.open()
                            .send(WebSocketTest.connect("/a.txt"), false)
                            .answer()
                            .status())
                    .isEqualTo(405);
            assertThat(peer.get("/a.txt").body()).isEqualTo("0123456789");
        }
    }

    @Test
    void callsOfGrpcGetAnswersThatTheyCanRead() throws Exception {
        serve("/", direct("", 503, "text/plain", "closed for today", false));
        assertThat(proxy.get("/a.B/C", "Content-Type: application/grpc"))
                .startsWith("HTTP/1.1 200")
                .contains("grpc-status: 14\r\n", "grpc-message: closed for today\r\n");
    }

    @Test
    void filtersOfABackendApplyToItsRequests() throws Exception {
        serve(
                new RuleConfig(
                        List.of(MatchConfig.ANY),
                        List.of(),
                        List.of(new BackendConfig("web", 1, List.of(new FilterConfig.Named(NAME))))),
                headers("", "", set(header("X-To", "{path}")), set(header("X-From", "{status}"))));
        assertThat(proxy.get("/a")).contains("X-From: 200\r\n");
        assertThat(seen("X-To")).isEqualTo("/a");
    }

    @Test
    void filesInMemoryAreServed() throws Exception {
        serve("/site", memory(null));
        String answer = proxy.get("/site/a.txt");
        assertThat(answer)
                .startsWith("HTTP/1.1 200 OK")
                .contains(
                        "content-type: text/plain; charset=utf-8\r\n", "content-length: 10\r\n", "accept-ranges: bytes")
                .contains("Cache-Control: max-age=60\r\n")
                .endsWith("0123456789");
        String tag = answer.replaceAll("(?s).*\r\netag: ([^\r]*)\r\n.*", "$1");
        assertThat(proxy.get("/site/a.txt", "If-None-Match: " + tag))
                .startsWith("HTTP/1.1 304")
                .contains("etag: " + tag, "Cache-Control")
                .doesNotContain("content-length")
                .endsWith("\r\n\r\n");
        assertThat(proxy.get("/site/a.txt", "If-Match: \"other\"")).startsWith("HTTP/1.1 412");
        assertThat(proxy.get("/site/a.txt", "Range: bytes=2-4"))
                .startsWith("HTTP/1.1 206")
                .contains("content-range: bytes 2-4/10\r\n", "content-length: 3\r\n")
                .endsWith("\r\n\r\n234");
        assertThat(proxy.exchange(
                        "HEAD /site/a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .contains("content-length: 10\r\n");
        assertThat(proxy.get("/site/a.txt", "Range: bytes=20-"))
                .startsWith("HTTP/1.1 416")
                .contains("content-range: bytes */10\r\n", "content-length: 0\r\n");
        assertThat(proxy.get("/site/")).contains("text/html").endsWith("<h1>top</h1>");
        assertThat(proxy.get("/site?a=b")).startsWith("HTTP/1.1 301").contains("location: /site/?a=b\r\n");
        assertThat(proxy.get("/site/none")).startsWith("HTTP/1.1 404");
        assertThat(proxy.get("/site/.hidden")).startsWith("HTTP/1.1 404");
        assertThat(proxy.get("/site//a.txt")).startsWith("HTTP/1.1 404");
        assertThat(proxy.get("/site/sub/")).startsWith("HTTP/1.1 404");
        assertThat(proxy.get("/site/sub/b.js")).contains("text/javascript").endsWith("x");
        assertThat(proxy.exchange("HEAD /site/a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .contains("content-length: 10\r\n")
                .endsWith("\r\n\r\n");
        assertThat(proxy.exchange(
                        "POST /site/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"))
                .startsWith("HTTP/1.1 405")
                .contains("allow: GET, HEAD\r\n");
        serve("/", memory("index.html"));
        assertThat(proxy.get("/deep/route"))
                .startsWith("HTTP/1.1 200")
                .contains("text/html")
                .endsWith("<h1>top</h1>");
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void filesOfTheMachineAreReadAsTheClientTakesThem() throws Exception {
        Path site = Files.createDirectories(temporary.resolve("default/site"));
        String large = "0123456789abcdef".repeat(1 << 18);
        Files.writeString(site.resolve("large.bin"), large);
        Files.writeString(site.resolve("index.html"), "<h1>top</h1>");
        Files.writeString(temporary.resolve("secret"), "secret");
        Files.createSymbolicLink(site.resolve("link"), temporary.resolve("secret"));
        // Nobody has changed anything there for a while.
        Files.setLastModifiedTime(site, FileTime.fromMillis(0));
        serve(
                "/",
                files(new RouteFilterConfig.Files(
                        null, temporary.resolve("default").toString(), "site", "index.html", null, List.of())));
        String answer = proxy.get("/large.bin");
        assertThat(answer)
                .contains("content-length: " + large.length() + "\r\n")
                .contains("last-modified: ");
        assertThat(answer.substring(answer.indexOf("\r\n\r\n") + 4)).isEqualTo(large);
        assertThat(proxy.get("/large.bin", "Range: bytes=1000000-1200000"))
                .startsWith("HTTP/1.1 206")
                .endsWith(large.substring(1_000_000, 1_200_001));
        assertThat(proxy.get("/")).endsWith("<h1>top</h1>");
        assertThat(proxy.get("/link")).startsWith("HTTP/1.1 404");
        assertThat(proxy.get("/..%2F..%2Fsecret")).startsWith("HTTP/1.1 404");
        assertThat(proxy.get("/../../secret")).startsWith("HTTP/1.1 404");
        // No more are open than may be.
        proxy.plane.openFiles.acquire(1024);
        assertThat(proxy.get("/large.bin")).startsWith("HTTP/1.1 503").contains("too many files are open");
        proxy.plane.openFiles.release(1);
        for (String each : List.of("/large.bin", "/none", "/index.html")) {
            assertThat(proxy.get(each)).startsWith(each.equals("/none") ? "HTTP/1.1 404" : "HTTP/1.1 200");
            ProxyFixture.await(() -> proxy.plane.openFiles.availablePermits() == 1);
        }
        proxy.plane.openFiles.release(1023);
        // A client that goes while it is sent.
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.line()).isEqualTo("HTTP/1.1 200 OK");
            client.reset();
        }
        // A file that becomes shorter while it is sent.
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.line()).isEqualTo("HTTP/1.1 200 OK");
            Files.writeString(site.resolve("large.bin"), "short");
            assertThat(client.rest().length()).isLessThan(large.length());
        }
        ProxyFixture.await(() -> proxy.plane.openFiles.availablePermits() == 1024);
    }

    @Test
    void filesThatWereCompressedBeforehand() throws Exception {
        Path site = Files.createDirectories(temporary.resolve("default/site"));
        Files.writeString(site.resolve("a.js"), "0123456789".repeat(10));
        Files.writeString(site.resolve("a.js.br"), "brotli bytes");
        Files.writeString(site.resolve("a.js.gz"), "gzip");
        // It rests, so that tags stay as they are.
        Files.setLastModifiedTime(site, FileTime.from(Instant.ofEpochSecond(1_700_000_000)));
        serve(
                "/",
                files(new RouteFilterConfig.Files(
                        null,
                        temporary.resolve("default").toString(),
                        "site",
                        "index.html",
                        null,
                        List.of(ContentConfig.Encoding.BROTLI, ContentConfig.Encoding.GZIP))));
        String brotli = proxy.get("/a.js", "Accept-Encoding: gzip, deflate, br");
        assertThat(brotli)
                .startsWith("HTTP/1.1 200")
                .endsWith("\r\n\r\nbrotli bytes")
                .containsIgnoringCase("content-encoding: br\r\n")
                .containsIgnoringCase("vary: accept-encoding\r\n")
                .containsIgnoringCase("content-type: text/javascript")
                .containsIgnoringCase("content-length: 12\r\n");
        assertThat(proxy.get("/a.js", "Accept-Encoding: br;q=0.5, gzip;q=0.8")).endsWith("\r\n\r\ngzip");
        String tag = brotli.lines()
                .filter(each -> each.toLowerCase(java.util.Locale.ROOT).startsWith("etag: "))
                .findFirst()
                .orElseThrow()
                .substring(6);
        assertThat(tag).endsWith("-br\"");
        assertThat(proxy.get("/a.js", "Accept-Encoding: br", "If-None-Match: " + tag))
                .startsWith("HTTP/1.1 304")
                .containsIgnoringCase("vary: accept-encoding");
        assertThat(proxy.get("/a.js", "Accept-Encoding: gzip", "If-None-Match: " + tag))
                .startsWith("HTTP/1.1 200");
        // Parts are of what is sent, and go on with nothing else.
        assertThat(proxy.get("/a.js", "Accept-Encoding: br", "Range: bytes=7-", "If-Range: " + tag))
                .startsWith("HTTP/1.1 206")
                .endsWith("\r\n\r\nbytes")
                .containsIgnoringCase("content-range: bytes 7-11/12")
                .containsIgnoringCase("content-encoding: br");
        assertThat(proxy.get("/a.js", "Accept-Encoding: gzip", "Range: bytes=7-", "If-Range: " + tag))
                .startsWith("HTTP/1.1 200")
                .endsWith("\r\n\r\ngzip");
        assertThat(proxy.get("/a.js", "Range: bytes=98-"))
                .startsWith("HTTP/1.1 206")
                .endsWith("\r\n\r\n89")
                .doesNotContainIgnoringCase("content-encoding");
        for (String each : List.of("identity", "br;q=0", "br;q=0.5, identity", "zstd", "br;q=2")) {
            assertThat(proxy.get("/a.js", "Accept-Encoding: " + each))
                    .as(each)
                    .endsWith("0123456789")
                    .containsIgnoringCase("vary: accept-encoding")
                    .doesNotContainIgnoringCase("content-encoding");
        }
        assertThat(proxy.exchange("HEAD /a.js HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept-Encoding: br\r\n\r\n"))
                .containsIgnoringCase("content-encoding: br")
                .containsIgnoringCase("content-length: 12")
                .endsWith("\r\n\r\n");
        ProxyFixture.await(() -> proxy.plane.openFiles.availablePermits() == 1024);
    }
}
