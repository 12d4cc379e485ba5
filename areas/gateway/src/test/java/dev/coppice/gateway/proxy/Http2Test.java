package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.Http2Peer.head;
import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.kernel.FreePorts;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersEncoder;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** HTTP/2 on either side, and on both. */
@Timeout(60)
class Http2Test {
    private ProxyFixture proxy;
    private Http2Backend backend;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1));
        backend = new Http2Backend(100);
    }

    @AfterEach
    void stop() {
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
    }

    private static UpstreamConfig h2c(int port) {
        return new UpstreamConfig(
                "u", UpstreamConfig.Protocol.H2C, List.of(new UpstreamConfig.Endpoint("127.0.0.1", port)));
    }

    private void serveHttp2(RuleConfig... rules) {
        proxy.serve(rules.length == 0 ? List.of(rule("u")) : List.of(rules), h2c(backend.port()));
    }

    // ---- clients that speak HTTP/2

    @Test
    void aBackendOfHttp1SeesAnOrdinaryRequest() throws Exception {
        try (Backend old = Backend.saying("hello");
                Http2Peer peer = new Http2Peer(proxy.port)) {
            proxy.serve(List.of(rule("u")), upstream("u", old.port()));
            var answer = peer.get("/a?b=c", "cookie", "a=1", "cookie", "b=2", "x-one", "1");
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo("hello");
            assertThat(answer.head().contains("connection")).isFalse();
            assertThat(answer.head().contains("transfer-encoding")).isFalse();
            Backend.Seen seen = old.seen.getFirst();
            assertThat(seen.line()).isEqualTo("GET /a?b=c HTTP/1.1");
            assertThat(seen.header("host")).contains("example.org");
            assertThat(seen.header("cookie")).contains("a=1; b=2");
            assertThat(seen.header("x-one")).contains("1");
            assertThat(seen.header("x-forwarded-for")).contains("127.0.0.1");
            assertThat(seen.header("transfer-encoding")).isEmpty();
        }
    }

    @Test
    void bodiesWithAndWithoutALengthArrive() throws Exception {
        try (Backend old = new Backend((request, _) -> Backend.ok(request.body()));
                Http2Peer peer = new Http2Peer(proxy.port)) {
            proxy.serve(List.of(rule("u")), upstream("u", old.port()));
            var chunked = peer.open()
                    .send(head("POST", "/"), false)
                    .send("one ", false)
                    .send("two", true)
                    .answer();
            assertThat(chunked.body()).isEqualTo("one two");
            assertThat(old.seen.getLast().header("transfer-encoding")).contains("chunked");
            var sized = peer.open()
                    .send(head("POST", "/", "content-length", "3"), false)
                    .send("abc", true)
                    .answer();
            assertThat(sized.body()).isEqualTo("abc");
            assertThat(old.seen.getLast().header("content-length")).contains("3");
            peer.open().send(head("POST", "/"), true).answer();
            assertThat(old.seen.getLast().header("content-length")).contains("0");
        }
    }

    @Test
    void manyStreamsAreServedAtOnceAndInAnyOrder() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            serveHttp2();
            Http2Peer.Stream slow = peer.open().send(head("GET", "/silent"), true);
            List<Http2Peer.Stream> quick = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                quick.add(peer.open().send(head("GET", "/" + i), true));
            }
            for (Http2Peer.Stream each : quick) {
                assertThat(each.answer().body()).isEqualTo("hello");
            }
            assertThat(backend.connections).hasValue(1);
            assertThat(proxy.plane.open().exchanges()).isOne();
            slow.reset();
            ProxyFixture.await(
                    () -> backend.resets.get() == 1 && proxy.plane.open().exchanges() == 0);
        }
    }

    @Test
    void bytesAndTrailersGoBothWaysWhileBothSidesTalk() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            serveHttp2();
            Http2Peer.Stream stream = peer.open().send(head("POST", "/echo", "te", "trailers"), false);
            stream.next();
            stream.send("ping", false);
            var data = (io.netty.handler.codec.http2.Http2DataFrame) stream.next();
            assertThat(data.content().toString(java.nio.charset.StandardCharsets.UTF_8))
                    .isEqualTo("ping");
            data.release();
            stream.send(new DefaultHttp2Headers(false).add("x-checksum", "7"), true);
            var end = stream.answer();
            // The head was taken above, so that the trailers look like one.
            assertThat(end.head().get("grpc-status")).hasToString("0");
            assertThat(backend.trailers.getFirst().get("x-checksum")).hasToString("7");
            assertThat(backend.seen.getFirst().get("te")).hasToString("trailers");
            assertThat(backend.seen.getFirst().authority()).hasToString("example.org");
        }
    }

    @Test
    void largeAnswersWaitForSlowClients() throws Exception {
        // One stream is not to use up what the whole connection may get.
        Http2Settings settings = Http2Settings.defaultSettings().initialWindowSize(16 << 10);
        try (Http2Peer peer = new Http2Peer(proxy.port, settings)) {
            serveHttp2();
            Http2Peer.Stream stream = peer.open();
            stream.reading(false);
            stream.send(head("GET", "/large"), true);
            assertThat(peer.get("/other").body()).isEqualTo("hello");
            stream.reading(true);
            assertThat(stream.answer().body()).hasSize(4 << 20);
        }
    }

    @Test
    void largeRequestsWaitForSlowBackends() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            serveHttp2();
            Http2Peer.Stream stream = peer.open().send(head("POST", "/echo"), false);
            String part = "x".repeat(64 << 10);
            for (int i = 0; i < 32; i++) {
                stream.send(part, i == 31);
            }
            assertThat(stream.answer().body()).hasSize(2 << 20);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "connection, close",
        "transfer-encoding, chunked",
        "keep-alive, 1",
        "upgrade, h2c",
        "proxy-connection, keep-alive",
        "te, gzip",
        "host, other.org",
        "Upper, 1",
        "x-null, 'a\u0000b'",
        "x-line, 'a\r\nX-Smuggled: 1'",
        "'x: y\r\nz', 1",
    })
    void headsThatHttp1WouldReadInAnotherWayAreRefused(String name, String value) throws Exception {
        try (Backend old = Backend.saying("hello");
                Http2Peer peer = new Http2Peer(proxy.port)) {
            proxy.serve(List.of(rule("u")), upstream("u", old.port()));
            var answer = peer.get("/", name, value);
            assertThat(answer.reset()).isEqualTo(Http2Error.PROTOCOL_ERROR.code());
            assertThat(peer.get("/").status()).isEqualTo(200);
            assertThat(old.seen).hasSize(1);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'GET /evil', /, http, 0",
        "GET, '/a b', http, 0",
        "GET, '/%zz', http, 400",
        "GET, http://other.org/, http, 0",
        "GET, '', http, 0",
        "GET, '/\r\nX-A: 1', http, 0",
        "CONNECT, /, http, 405",
    })
    void pseudoHeadersAreChecked(String method, String path, String scheme, int status) throws Exception {
        try (Backend old = Backend.saying("hello");
                Http2Peer peer = new Http2Peer(proxy.port)) {
            proxy.serve(List.of(rule("u")), upstream("u", old.port()));
            Http2Headers head = new DefaultHttp2Headers(false);
            head.method(method).path(path).scheme(scheme).authority("example.org");
            var answer = peer.open().send(head, true).answer();
            assertThat(answer.status()).isEqualTo(status);
            assertThat(old.seen).isEmpty();
        }
    }

    @Test
    void aLengthThatTheBodyDoesNotHaveIsRefused() throws Exception {
        try (Backend old = Backend.saying("hello");
                Http2Peer peer = new Http2Peer(proxy.port)) {
            proxy.serve(List.of(rule("u")), upstream("u", old.port()));
            var answer = peer.open()
                    .send(head("POST", "/", "content-length", "3"), false)
                    .send("abcdef", true)
                    .answer();
            assertThat(answer.reset()).isEqualTo(Http2Error.PROTOCOL_ERROR.code());
        }
    }

    /** A backend is never left to choose (RFC 9110, 8.6). */
    @ParameterizedTest
    @CsvSource({"3, 3, 200", "'3, 3', , 200", "3, 4, 0", "'3, 4', , 0"})
    void equalLengthsArriveAsOneAndOthersNotAtAll(String first, String second, int status) throws Exception {
        try (Backend old = Backend.saying("hello");
                Http2Peer peer = new Http2Peer(proxy.port)) {
            proxy.serve(List.of(rule("u")), upstream("u", old.port()));
            Http2Headers head = head("POST", "/", "content-length", first);
            if (second != null) {
                head.add("content-length", second);
            }
            var answer = peer.open().send(head, false).send("abc", true).answer();
            assertThat(answer.status()).isEqualTo(status);
            if (status == 0) {
                assertThat(answer.reset()).isEqualTo(Http2Error.PROTOCOL_ERROR.code());
                assertThat(old.seen).isEmpty();
            } else {
                assertThat(old.seen.getFirst().headers())
                        .filteredOn(
                                each -> each.toLowerCase(java.util.Locale.ROOT).startsWith("content-length"))
                        .containsExactly("content-length: 3");
            }
        }
    }

    @Test
    void anAnswerBeforeTheRequestIsCompleteEndsTheStreamWithoutAnError() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            serveHttp2();
            Http2Peer.Stream stream = peer.open().send(head("POST", "/early"), false);
            assertThat(stream.answer().body()).isEqualTo("early");
            assertThat(((io.netty.handler.codec.http2.Http2ResetFrame) stream.next()).errorCode())
                    .isEqualTo(Http2Error.NO_ERROR.code());
        }
    }

    @Test
    void anAnswerThatBreaksOffIsReset() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            serveHttp2();
            var answer = peer.get("/half");
            assertThat(answer.reset()).isEqualTo(Http2Error.INTERNAL_ERROR.code());
            assertThat(peer.get("/").status()).isEqualTo(200);
        }
    }

    @Test
    void answersOfTheGatewayItselfAreInTheProtocolOfTheirRequests() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            proxy.serve(List.of());
            assertThat(peer.get("/").status()).isEqualTo(404);
            var grpc = peer.open()
                    .send(head("POST", "/a.B/C", "content-type", "application/grpc"), false)
                    .answer();
            assertThat(grpc.status()).isEqualTo(200);
            assertThat(grpc.head().get("grpc-status")).hasToString("12");
            assertThat(grpc.head().get("content-type")).hasToString("application/grpc");
        }
    }

    @Test
    void floodsOfResetsEndTheConnection() throws Exception {
        serveHttp2();
        ByteBuf head = Unpooled.buffer();
        new DefaultHttp2HeadersEncoder().encodeHeaders(1, head("GET", "/silent"), head);
        byte[] request = ByteBufUtil.getBytes(head);
        ByteArrayOutputStream flood = new ByteArrayOutputStream();
        flood.writeBytes(ByteBufUtil.getBytes(Http2CodecUtil.connectionPrefaceBuf()));
        flood.writeBytes(ProxyFuzzTest.frame(4, 0, 0, new byte[0]));
        for (int stream = 1; stream < 2 * 1100; stream += 2) {
            flood.writeBytes(ProxyFuzzTest.frame(1, 5, stream, request));
            flood.writeBytes(ProxyFuzzTest.frame(3, 0, stream, new byte[] {0, 0, 0, 8}));
        }
        try (Socket client = new Socket(InetAddress.getLoopbackAddress(), proxy.port)) {
            client.setSoTimeout(20_000);
            client.getOutputStream().write(flood.toByteArray());
            try {
                assertThat(client.getInputStream().readAllBytes()).isNotEmpty();
            } catch (SocketException e) {
                // It was closed while there was more to read: fine, too.
            }
        }
        ProxyFixture.await(
                () -> proxy.plane.metrics.refused.labelValues("http2").get() == 1);
        try (Http2Peer next = new Http2Peer(proxy.port)) {
            assertThat(next.get("/").status()).isEqualTo(200);
        }
    }

    @Test
    void aListenerThatGoesLetsStreamsEnd() throws Exception {
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            serveHttp2();
            Http2Peer.Stream stream = peer.open().send(head("POST", "/echo"), false);
            stream.next();
            proxy.plane.apply(dev.coppice.gateway.config.GatewayConfig.EMPTY);
            assertThat(peer.goneAway.await(20, TimeUnit.SECONDS)).isTrue();
            stream.send("rest", true);
            var data = (io.netty.handler.codec.http2.Http2DataFrame) stream.next();
            assertThat(data.content().readableBytes()).isEqualTo(4);
            data.release();
            assertThat(peer.channel().closeFuture().await(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void anAnswerThatNobodyTakesIsGivenUp() throws Exception {
        proxy.close();
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withClientIdle(java.time.Duration.ofMillis(200)));
        try (Backend old = Backend.saying("hello");
                Http2Peer peer = new Http2Peer(
                        proxy.port, Http2Settings.defaultSettings().initialWindowSize(0))) {
            proxy.serve(List.of(rule("u")), upstream("u", old.port()));
            peer.open().send(head("GET", "/"), true);
            assertThat(peer.channel().closeFuture().await(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    // ---- backends that speak HTTP/2

    @Test
    void clientsOfHttp1ReachThem() throws Exception {
        serveHttp2();
        assertThat(proxy.get("/a")).startsWith("HTTP/1.1 200 OK").contains("hello");
        String echoed = proxy.exchange(
                "POST /echo HTTP/1.1\r\nHost: a.org\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
        assertThat(echoed)
                .contains("transfer-encoding: chunked")
                .contains("abc")
                .endsWith("grpc-status: 0\r\ngrpc-message: fine\r\n\r\n");
        assertThat(backend.seen.getLast().authority()).hasToString("a.org");
        assertThat(backend.seen.getLast().get("content-length")).hasToString("3");
        assertThat(backend.seen.getLast().contains("connection")).isFalse();
        assertThat(backend.connections).hasValue(1);
    }

    @Test
    void streamsThatWereNotLookedAtAreSentAgain() throws Exception {
        serveHttp2();
        assertThat(proxy.exchange("POST /refused-once HTTP/1.1\r\nHost: a.org\r\nContent-Length: 0\r\n"
                        + "Connection: close\r\n\r\n"))
                .contains("taken");
        backend.refusals.set(0);
        assertThat(proxy.get("/go-away-once")).contains("taken");
    }

    @Test
    void streamsThatWereResetAreNot() throws Exception {
        serveHttp2();
        assertThat(proxy.get("/reset")).startsWith("HTTP/1.1 503");
        assertThat(backend.seen).hasSize(1);
        assertThat(proxy.get("/bad-status")).startsWith("HTTP/1.1 502");
        RuleConfig retried = new RuleConfig(
                "",
                List.of(MatchConfig.ANY),
                List.of(),
                List.of(new BackendConfig("u", 1, List.of())),
                0,
                0,
                new RetryConfig(List.of(), 2, 0),
                null);
        serveHttp2(retried);
        assertThat(proxy.get("/reset")).startsWith("HTTP/1.1 503");
        assertThat(backend.seen).hasSize(5);
    }

    @Test
    void moreStreamsThanABackendServesOnOneConnectionGoOnOthers() throws Exception {
        backend.close();
        backend = new Http2Backend(2);
        serveHttp2();
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            assertThat(peer.get("/").status()).isEqualTo(200);
            List<Http2Peer.Stream> open = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                Http2Peer.Stream stream = peer.open().send(head("POST", "/echo"), false);
                stream.next();
                open.add(stream);
            }
            assertThat(backend.connections.get()).isGreaterThanOrEqualTo(4);
            for (Http2Peer.Stream each : open) {
                each.send("", true);
                each.next();
            }
        }
    }

    @Test
    void aBackendThatIsNotThereIsTold() throws Exception {
        int nobody = FreePorts.next();
        proxy.serve(List.of(rule("u")), h2c(nobody));
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            assertThat(peer.get("/").status()).isEqualTo(503);
            var grpc = peer.open()
                    .send(head("POST", "/a.B/C", "content-type", "application/grpc+proto"), true)
                    .answer();
            assertThat(grpc.head().get("grpc-status")).hasToString("14");
            assertThat(grpc.head().get("grpc-message")).hasToString("no endpoint could be reached");
        }
    }

    @Test
    void anAttemptThatTakesTooLongIsCancelled() throws Exception {
        RuleConfig limited = new RuleConfig(
                "",
                List.of(MatchConfig.ANY),
                List.of(),
                List.of(new BackendConfig("u", 1, List.of())),
                100,
                0,
                null,
                null);
        serveHttp2(limited);
        assertThat(proxy.get("/silent")).startsWith("HTTP/1.1 504");
        ProxyFixture.await(() -> backend.resets.get() == 1);
    }
}
