package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** WebSockets through the data plane, over HTTP/1.1 and HTTP/2 on either side, and their bounds. */
@Timeout(60)
class WebSocketTest {
    /** The example of RFC 6455, 1.3. */
    private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";

    private static final String ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    private static final String DEFLATE = "permessage-deflate; client_max_window_bits";
    /** A text frame whose first reserved bit says that it is compressed (RFC 7692, 7.2.3.1). */
    private static final String COMPRESSED = "\u00c1\u0007\u00f2\u0048\u00cd\u00c9\u00c9\u0007\u0000";

    private static final ListenerConfig LISTENER = new ListenerConfig(
            "default/gateway", "other", "127.0.0.1", 1, ListenerConfig.Protocol.HTTP, "", null, List.of());

    private ProxyFixture proxy;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
    }

    @AfterEach
    void stop() {
        proxy.awaitNothingOpen();
        ProxyFixture.await(() -> gauge() == 0);
        proxy.close();
    }

    private double gauge() {
        return proxy.plane.webSockets.openNow("default/gateway/http");
    }

    private void serve(ClientConfig.@Nullable WebSockets bounds, UpstreamConfig upstream) {
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule("up")));
        ListenerConfig listener = new ListenerConfig(
                        "default/gateway",
                        "http",
                        "127.0.0.1",
                        proxy.port,
                        ListenerConfig.Protocol.HTTP,
                        "",
                        null,
                        List.of(route))
                .with(new ClientConfig(null, bounds, null));
        assertThat(proxy.plane.apply(new GatewayConfig(List.of(listener), List.of(upstream))))
                .isEmpty();
    }

    private static UpstreamConfig h2(Http2Backend backend) {
        return new UpstreamConfig(
                "up", UpstreamConfig.Protocol.H2C, List.of(new UpstreamConfig.Endpoint("127.0.0.1", backend.port())));
    }

    /** Takes WebSockets, and sends back what comes. */
    private static Backend echo() throws IOException {
        return new Backend((request, conversation) -> {
            String key = request.header("sec-websocket-key").orElse("");
            conversation.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: " + WebSocketHandshake.accept(key) + "\r\n"
                    + request.header("sec-websocket-extensions")
                            .map(each -> "Sec-WebSocket-Extensions: " + each + "\r\n")
                            .orElse("")
                    + "\r\n");
            conversation.in().transferTo(conversation.out());
            return null;
        });
    }

    private static String handshake(String path) {
        return "GET " + path
                + " HTTP/1.1\r\nHost: example.org\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + "\r\nSec-WebSocket-Extensions: " + DEFLATE
                + "\r\n\r\n";
    }

    static Http2Headers connect(String path) {
        DefaultHttp2Headers head = new DefaultHttp2Headers(false);
        head.method("CONNECT").path(path).scheme("http").authority("example.org");
        head.add(":protocol", "websocket").add("sec-websocket-version", "13").add("sec-websocket-extensions", DEFLATE);
        return head;
    }

    private static Http2Headers head(Http2Peer.Stream stream) throws InterruptedException {
        return ((Http2HeadersFrame) stream.next()).headers();
    }

    /** So many bytes of data, however they are cut. */
    private static String data(Http2Peer.Stream stream, int bytes) throws InterruptedException {
        StringBuilder all = new StringBuilder();
        while (all.length() < bytes) {
            Http2DataFrame frame = (Http2DataFrame) stream.next();
            all.append(new String(ByteBufUtil.getBytes(frame.content()), StandardCharsets.ISO_8859_1));
            frame.release();
        }
        return all.toString();
    }

    private static void awaitEnd(Http2Peer.Stream stream) throws InterruptedException {
        Object frame = stream.next();
        while (frame instanceof Http2DataFrame data && !data.isEndStream()) {
            data.release();
            frame = stream.next();
        }
        assertThat(frame).isInstanceOfAny(Http2DataFrame.class, Http2ResetFrame.class, String.class);
        ReferenceCountUtil.release(frame);
    }

    @Test
    void bytesGoThroughAsTheyAreOverHttp1() throws Exception {
        try (Backend backend = echo();
                ProxyFixture.Client client = serving(upstream("up", backend.port()))) {
            client.send(handshake("/chat"));
            assertThat(client.head())
                    .contains("Sec-WebSocket-Accept: " + ACCEPT, "Sec-WebSocket-Extensions: " + DEFLATE);
            client.send(COMPRESSED);
            assertThat(client.bytes(COMPRESSED.length())).isEqualTo(COMPRESSED);
            assertThat(gauge()).isEqualTo(1);
        }
    }

    private ProxyFixture.Client serving(UpstreamConfig upstream) throws IOException {
        serve(null, upstream);
        return proxy.client();
    }

    @Test
    void aClientOfHttp2ReachesABackendOfHttp1ByUpgrade() throws Exception {
        try (Backend backend = echo()) {
            serve(null, upstream("up", backend.port()));
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                Http2Peer.Stream one = peer.open().send(connect("/chat?room=1"), false);
                Http2Headers head = head(one);
                assertThat(head.status()).hasToString("200");
                assertThat(head.get("sec-websocket-extensions")).hasToString(DEFLATE);
                assertThat(head.contains("sec-websocket-accept")).isFalse();
                one.send(COMPRESSED, false);
                assertThat(data(one, COMPRESSED.length())).isEqualTo(COMPRESSED);
                // Beside it, on the same connection.
                Http2Peer.Stream other =
                        peer.open().send(connect("/chat"), false).send("early", false);
                assertThat(head(other).status()).hasToString("200");
                assertThat(data(other, 5)).isEqualTo("early");
                Backend.Seen seen = backend.seen.getFirst();
                assertThat(seen.line()).isEqualTo("GET /chat?room=1 HTTP/1.1");
                assertThat(seen.header("upgrade")).contains("websocket");
                assertThat(seen.header("sec-websocket-version")).contains("13");
                assertThat(seen.header("sec-websocket-key")).isPresent();
                assertThat(seen.header("x-forwarded-for")).contains("127.0.0.1");
                one.send("", true);
                awaitEnd(one);
                other.reset();
            }
        }
    }

    @Test
    void aBackendThatEndsItIsTold() throws Exception {
        try (Backend backend = new Backend((request, conversation) -> {
            conversation.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: "
                    + WebSocketHandshake.accept(
                            request.header("sec-websocket-key").orElse("")) + "\r\n\r\nbye");
            return null;
        })) {
            serve(null, upstream("up", backend.port()));
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                Http2Peer.Stream stream = peer.open().send(connect("/"), false);
                assertThat(head(stream).status()).hasToString("200");
                assertThat(data(stream, 3)).isEqualTo("bye");
                awaitEnd(stream);
                // Its connection goes on.
                Http2Peer.Stream other = peer.open().send(connect("/"), false);
                assertThat(head(other).status()).hasToString("200");
                awaitEnd(other);
            }
        }
    }

    @Test
    void muchGoesThroughBothWaysAtTheSpeedOfWhoTakesIt() throws Exception {
        String part = "x".repeat(16 << 10);
        int parts = 64;
        try (Http2Backend backend = new Http2Backend(100, true)) {
            serve(null, h2(backend));
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                Http2Peer.Stream stream = peer.open().send(connect("/echo"), false);
                assertThat(head(stream).status()).hasToString("200");
                for (int i = 0; i < parts; i++) {
                    stream.send(part, false);
                }
                assertThat(data(stream, parts * part.length())).hasSize(parts * part.length());
                Http2Headers seen = backend.seen.getFirst();
                assertThat(seen.method()).hasToString("CONNECT");
                assertThat(seen.get(":protocol")).hasToString("websocket");
                assertThat(seen.get("sec-websocket-extensions")).hasToString(DEFLATE);
                assertThat(seen.contains("sec-websocket-key")).isFalse();
                stream.send("", true);
                awaitEnd(stream);
            }
        }
    }

    @Test
    void aClientOfHttp1ReachesABackendOfHttp2ByExtendedConnect() throws Exception {
        try (Http2Backend backend = new Http2Backend(100, true);
                ProxyFixture.Client client = serving(h2(backend))) {
            client.send(handshake("/echo"));
            List<String> head = client.head();
            assertThat(head.getFirst()).isEqualTo("HTTP/1.1 101 Switching Protocols");
            assertThat(head).contains("sec-websocket-accept: " + ACCEPT, "upgrade: websocket", "connection: upgrade");
            client.send(COMPRESSED);
            assertThat(client.bytes(COMPRESSED.length())).isEqualTo(COMPRESSED);
        }
    }

    @Test
    void aBackendOfHttp2ThatDoesNotSayThatItTakesThemIsNotAsked() throws Exception {
        try (Http2Backend backend = new Http2Backend(100)) {
            serve(null, h2(backend));
            assertThat(proxy.exchange(handshake("/echo").replace("keep-alive, ", "close, ")))
                    .startsWith("HTTP/1.1 502")
                    .endsWith("the endpoint takes no WebSockets\n");
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                assertThat(peer.open().send(connect("/echo"), false).answer().status())
                        .isEqualTo(502);
                assertThat(peer.get("/").body()).isEqualTo("hello");
            }
            assertThat(backend.seen).hasSize(1);
        }
    }

    @Test
    void whatABackendAnswersInsteadIsNoWebSocket() throws Exception {
        try (Backend backend =
                new Backend((request, _) -> switch (request.line().split(" ")[1]) {
                    case "/no" -> "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
                    case "/plain" -> Backend.ok("hello");
                    default ->
                        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n\r\n";
                })) {
            serve(null, upstream("up", backend.port()));
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                Http2Peer.Answer refused =
                        peer.open().send(connect("/no"), false).answer();
                assertThat(refused.status()).isEqualTo(403);
                assertThat(refused.body()).isEqualTo("no");
                assertThat(peer.open().send(connect("/plain"), false).answer().status())
                        .as("200 would say that there is one")
                        .isEqualTo(502);
                assertThat(peer.open().send(connect("/wrong"), false).answer().status())
                        .isEqualTo(502);
                assertThat(peer.get("/plain").body()).isEqualTo("hello");
            }
        }
    }

    @Test
    void otherConnectsAreRefused() throws Exception {
        try (Backend backend = echo()) {
            serve(null, upstream("up", backend.port()));
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                Http2Headers udp = connect("/");
                udp.set(":protocol", "connect-udp");
                assertThat(peer.open().send(udp, false).answer().status()).isEqualTo(405);
                assertThat(peer.open()
                                .send(connect("/").add("content-length", "5"), false)
                                .answer()
                                .reset())
                        .isNotNull();
                assertThat(peer.open().send(connect("/"), true).answer().status())
                        .isEqualTo(405);
            }
            assertThat(backend.seen).isEmpty();
        }
    }

    /** An answer of 200 would say that there is one. */
    @Test
    void aFallbackIsNoWebSocket() throws Exception {
        try (Backend backend = Backend.saying("no WebSocket")) {
            UpstreamConfig to = upstream("up", backend.port());
            ResilienceConfig.Fallback sorry = new ResilienceConfig.Fallback(
                    new ResilienceConfig.Fallback.Response(200, List.of(), "sorry"), null);
            serve(
                    null,
                    new UpstreamConfig(
                            "up",
                            UpstreamConfig.Protocol.HTTP,
                            to.endpoints(),
                            null,
                            TrafficConfig.NONE.withResilience(new ResilienceConfig(null, null, null, null, sorry))));
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                assertThat(peer.open().send(connect("/"), false).answer().status())
                        .isEqualTo(502);
            }
        }
    }

    // ---- bounds

    @Test
    void beforeItIsOpenNoMoreIsTakenThanAWindow() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        try (Backend backend = new Backend((request, conversation) -> {
            if (request.line().contains("/plain")) {
                return Backend.ok("hello");
            }
            await(open);
            conversation.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: "
                    + WebSocketHandshake.accept(
                            request.header("sec-websocket-key").orElse("")) + "\r\n\r\n");
            conversation.in().transferTo(conversation.out());
            return null;
        })) {
            serve(null, upstream("up", backend.port()));
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                Http2Peer.Stream stream = peer.open().send(connect("/chat"), false);
                ProxyFixture.await(() -> backend.seen.size() == 1);
                String part = "x".repeat(16 << 10);
                ChannelFuture last = stream.sending(part);
                for (int i = 1; i < 16; i++) {
                    last = stream.sending(part);
                }
                for (int i = 0; i < 20; i++) {
                    assertThat(peer.get("/plain").body()).isEqualTo("hello");
                }
                assertThat(last.isDone()).isFalse();
                open.countDown();
                assertThat(head(stream).status()).hasToString("200");
                assertThat(data(stream, 16 * part.length())).isEqualTo(part.repeat(16));
                stream.send("", true);
                awaitEnd(stream);
            }
        }
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void oneLivesWhileAnAnswerBesideItIsGivenUp() throws Exception {
        proxy.close();
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withClientIdle(Duration.ofMillis(200)));
        try (Backend backend = new Backend((request, conversation) -> {
            if (request.line().contains("/plain")) {
                return Backend.ok("hello");
            }
            conversation.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: "
                    + WebSocketHandshake.accept(
                            request.header("sec-websocket-key").orElse("")) + "\r\n\r\n");
            // It sends nothing, for which there is no window.
            String _ = new String(conversation.in().readNBytes(4), StandardCharsets.ISO_8859_1);
            return null;
        })) {
            serve(null, upstream("up", backend.port()));
            try (Http2Peer peer =
                    new Http2Peer(proxy.port, Http2Settings.defaultSettings().initialWindowSize(0))) {
                Http2Peer.Stream stream = peer.open().send(connect("/chat"), false);
                assertThat(head(stream).status()).hasToString("200");
                Http2Peer.Stream beside = peer.open().send(Http2Peer.head("GET", "/plain"), true);
                assertThat(head(beside).status()).hasToString("200");
                assertThat(beside.next()).isInstanceOf(Http2ResetFrame.class);
                stream.send("ping", false);
                ProxyFixture.await(() -> proxy.plane.webSockets.ended("default/gateway/http", "endpoint") == 1);
            }
        }
    }

    @Test
    void onesOfAListenerThatIsGoneAreCountedToTheirEnd() throws Exception {
        try (Backend backend = echo()) {
            serve(null, upstream("up", backend.port()));
            WebSockets sockets = proxy.plane.webSockets;
            WebSockets.PerListener some = sockets.of(LISTENER);
            sockets.update(List.of(LISTENER));
            assertThat(some.take()).isTrue();
            sockets.update(List.of());
            assertThat(sockets.openNow("default/gateway/other")).isEqualTo(1);
            some.giveBack();
            assertThat(sockets.openNow("default/gateway/other")).isZero();
        }
    }

    @Test
    void noMoreAreOpenThanThereMayBe() throws Exception {
        try (Backend backend = echo()) {
            serve(new ClientConfig.WebSockets(0, 0, 1), upstream("up", backend.port()));
            try (ProxyFixture.Client first = proxy.client()) {
                first.send(handshake("/"));
                assertThat(first.head().getFirst()).contains("101");
                try (ProxyFixture.Client second = proxy.client()) {
                    second.send(handshake("/"));
                    assertThat(second.answer())
                            .isEqualTo("HTTP/1.1 503 Service Unavailable|too many WebSockets are open\n");
                }
                try (Http2Peer peer = new Http2Peer(proxy.port)) {
                    assertThat(peer.open().send(connect("/"), false).answer().status())
                            .isEqualTo(503);
                }
                first.send("ping");
                assertThat(first.bytes(4)).isEqualTo("ping");
            }
            ProxyFixture.await(() -> gauge() == 0);
            try (ProxyFixture.Client third = proxy.client()) {
                third.send(handshake("/"));
                assertThat(third.head().getFirst()).contains("101");
            }
        }
    }

    @Test
    void oneThatIsSilentIsClosed() throws Exception {
        try (Backend backend = echo()) {
            serve(new ClientConfig.WebSockets(300, 0, 0), upstream("up", backend.port()));
            try (ProxyFixture.Client client = proxy.client();
                    Http2Peer peer = new Http2Peer(proxy.port)) {
                client.send(handshake("/"));
                assertThat(client.head().getFirst()).contains("101");
                Http2Peer.Stream stream = peer.open().send(connect("/"), false);
                assertThat(head(stream).status()).hasToString("200");
                assertThat(client.rest()).isEmpty();
                awaitEnd(stream);
            }
            assertThat(proxy.plane.webSockets.ended("default/gateway/http", "idle"))
                    .isEqualTo(2);
        }
    }

    @Test
    void oneLivesNoLongerThanItMay() throws Exception {
        try (Backend backend = echo()) {
            serve(new ClientConfig.WebSockets(0, 300, 0), upstream("up", backend.port()));
            try (ProxyFixture.Client client = proxy.client()) {
                client.send(handshake("/") + "ping");
                assertThat(client.head().getFirst()).contains("101");
                assertThat(client.rest()).isEqualTo("ping");
            }
            assertThat(proxy.plane.webSockets.ended("default/gateway/http", "lifetime"))
                    .isEqualTo(1);
        }
    }
}
