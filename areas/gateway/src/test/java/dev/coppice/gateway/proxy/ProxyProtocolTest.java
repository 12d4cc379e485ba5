package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ListenerConfig.Protocol;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.TrafficConfig.ProxyProtocol;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import dev.coppice.gateway.proxyprotocol.ProxyHeader;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whose connections these are, by the PROXY protocol, towards clients and towards endpoints. */
@Timeout(60)
class ProxyProtocolTest {
    private static final String LINE = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 80\r\n";
    private static final String GET = "GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n";
    private static final List<String> LOOPBACK = List.of("127.0.0.0/8");

    private ProxyFixture proxy;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(2).withConnectTimeout(Duration.ofMillis(1500)));
    }

    @AfterEach
    void stop() {
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private static ClientConfig trusting(List<String> ranges, boolean optional) {
        return new ClientConfig(new ClientConfig.ProxyProtocol(ranges, optional), null, null);
    }

    private void serve(
            Protocol protocol,
            @Nullable TlsConfig tls,
            @Nullable ClientConfig clients,
            List<LimitConfig> limits,
            UpstreamConfig... upstreams) {
        RouteConfig route = new RouteConfig(
                protocol == Protocol.HTTP ? "HTTPRoute" : "TCPRoute",
                "default",
                "route",
                0,
                List.of(),
                List.of(rule("up")));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway", "l", "127.0.0.1", proxy.port, protocol, "", tls, List.of(route), clients, "");
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(List.of(listener), List.of(upstreams))
                        .limits(limits)
                        .build()))
                .isEmpty();
    }

    private static UpstreamConfig told(UpstreamConfig upstream, ProxyProtocol version) {
        return new UpstreamConfig(
                upstream.name(),
                upstream.protocol(),
                upstream.endpoints(),
                upstream.tls(),
                TrafficConfig.NONE.withProxyProtocol(version));
    }

    private double refused(String reason) {
        return proxy.plane.metrics.refused.labelValues(reason).get();
    }

    // ---- from clients

    @Test
    void theClientIsWhomTheHeaderSays() throws Exception {
        try (Backend backend = new Backend(
                (request, _) -> Backend.ok(request.header("x-forwarded-for").orElse("none")))) {
            serve(Protocol.HTTP, null, trusting(LOOPBACK, false), List.of(), upstream("up", backend.port()));
            assertThat(proxy.exchange(LINE + GET)).endsWith("192.0.2.7");
            byte[] binary = ProxyHeader.binary(new ConnectionEnds(
                    new InetSocketAddress(InetAddress.ofLiteral("2001:db8::9"), 1),
                    new InetSocketAddress(InetAddress.ofLiteral("2001:db8::1"), 80),
                    "example.org"));
            assertThat(proxy.exchange(new String(binary, StandardCharsets.ISO_8859_1) + GET))
                    .endsWith("2001:db8:0:0:0:0:0:9");
            assertThat(proxy.exchange("PROXY UNKNOWN\r\n" + GET)).endsWith("127.0.0.1");
            byte[] local = ProxyHeader.binary(null);
            assertThat(proxy.exchange(new String(local, StandardCharsets.ISO_8859_1) + GET))
                    .endsWith("127.0.0.1");
        }
    }

    @Test
    void aHeaderMayComeByteByByteAndRequestsFollowOnItsConnection() throws Exception {
        try (Backend backend = new Backend((request, _) ->
                        Backend.ok(request.header("x-forwarded-for").orElse("none")));
                ProxyFixture.Client client = proxyServing(backend)) {
            for (char each : LINE.toCharArray()) {
                client.send(String.valueOf(each));
            }
            for (int i = 0; i < 3; i++) {
                client.send("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|192.0.2.7");
            }
        }
    }

    private ProxyFixture.Client proxyServing(Backend backend) throws IOException {
        serve(Protocol.HTTP, null, trusting(LOOPBACK, false), List.of(), upstream("up", backend.port()));
        return proxy.client();
    }

    @Test
    void http2FollowsAHeaderToo() throws Exception {
        try (Backend backend = new Backend(
                (request, _) -> Backend.ok(request.header("x-forwarded-for").orElse("none")))) {
            serve(Protocol.HTTP, null, trusting(LOOPBACK, false), List.of(), upstream("up", backend.port()));
            try (Http2Peer peer = new Http2Peer(proxy.port, LINE)) {
                assertThat(peer.get("/").body()).isEqualTo("192.0.2.7");
            }
        }
    }

    @Test
    void withoutAHeaderConnectionsAreClosedUnlessItIsOptional() throws Exception {
        try (Backend backend = Backend.saying("hello")) {
            serve(Protocol.HTTP, null, trusting(LOOPBACK, false), List.of(), upstream("up", backend.port()));
            assertThat(proxy.exchange(GET)).isEmpty();
            assertThat(refused("proxy-missing")).isEqualTo(1);
            serve(Protocol.HTTP, null, trusting(LOOPBACK, true), List.of(), upstream("up", backend.port()));
            assertThat(proxy.exchange(GET)).endsWith("hello");
            assertThat(proxy.exchange(LINE + GET)).endsWith("hello");
            try (Http2Peer peer = new Http2Peer(proxy.port)) {
                assertThat(peer.get("/").body()).isEqualTo("hello");
            }
        }
    }

    @Test
    void headersFromElsewhereAreNotBelieved() throws Exception {
        try (Backend backend = Backend.saying("hello")) {
            serve(
                    Protocol.HTTP,
                    null,
                    trusting(List.of("10.0.0.0/8"), false),
                    List.of(),
                    upstream("up", backend.port()));
            assertThat(proxy.exchange("")).isEmpty();
            assertThat(refused("proxy-untrusted")).isEqualTo(1);
            serve(
                    Protocol.HTTP,
                    null,
                    trusting(List.of("10.0.0.0/8"), true),
                    List.of(),
                    upstream("up", backend.port()));
            assertThat(proxy.exchange(GET)).endsWith("hello");
            assertThat(proxy.exchange(LINE + GET)).startsWith("HTTP/1.1 400");
        }
    }

    @Test
    void malformedOverlongAndSlowHeadersEndTheirConnections() throws Exception {
        try (Backend backend = Backend.saying("hello")) {
            serve(Protocol.HTTP, null, trusting(LOOPBACK, true), List.of(), upstream("up", backend.port()));
            assertThat(proxy.exchange("PROXY TCP4 192.0.2.7\r\n" + GET)).isEmpty();
            assertThat(proxy.exchange("PROXY UNKNOWN " + "x".repeat(200))).isEmpty();
            assertThat(proxy.exchange("\r\n\r\n\0\r\nQUIT\n!\u0011\u00ff\u00ff"))
                    .isEmpty();
            assertThat(refused("proxy-malformed")).isEqualTo(3);
            assertThat(proxy.exchange("PROXY TCP4"))
                    .as("a header that never ends")
                    .isEmpty();
            assertThat(refused("proxy-slow")).isEqualTo(1);
            try (ProxyFixture.Client client = proxy.client()) {
                assertThat(client.rest()).isEmpty();
            }
        }
    }

    @Test
    void limitsCountTheClientThatTheHeaderNames() throws Exception {
        LimitConfig limit = new LimitConfig(
                "default/limit/a",
                List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                LimitConfig.Algorithm.TOKEN_BUCKET,
                1,
                3_600_000_000_000L,
                1,
                List.of(new LimitConfig.KeyPart.ClientAddress(32, 64)),
                "",
                false);
        try (Backend backend = Backend.saying("hello")) {
            serve(Protocol.HTTP, null, trusting(LOOPBACK, false), List.of(limit), upstream("up", backend.port()));
            assertThat(proxy.exchange(LINE + GET)).startsWith("HTTP/1.1 200");
            assertThat(proxy.exchange(LINE + GET)).startsWith("HTTP/1.1 429");
            assertThat(proxy.exchange(LINE.replace("192.0.2.7", "192.0.2.8") + GET))
                    .startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void tlsComesAfterTheHeader() throws Exception {
        SSLContext trusting = SSLContext.getInstance("TLS");
        trusting.init(null, new TrustManager[] {new TlsTest.Trusting()}, new SecureRandom());
        try (Backend backend = new Backend(
                (request, _) -> Backend.ok(request.header("x-forwarded-for").orElse("none")))) {
            serve(
                    Protocol.HTTP,
                    TestCertificate.of("example.org").config(),
                    trusting(LOOPBACK, false),
                    List.of(),
                    upstream("up", backend.port()));
            try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), proxy.port)) {
                plain.setSoTimeout(20_000);
                plain.getOutputStream().write(LINE.getBytes(StandardCharsets.US_ASCII));
                SSLSocket tls =
                        (SSLSocket) trusting.getSocketFactory().createSocket(plain, "example.org", proxy.port, true);
                tls.getOutputStream().write(GET.getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(tls.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                        .endsWith("192.0.2.7");
            }
        }
    }

    // ---- to endpoints

    /** An endpoint that reads a header, and then answers requests of HTTP or echoes. */
    private static final class Told implements AutoCloseable {
        final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        final BlockingQueue<ProxyHeader.Reading> headers = new LinkedBlockingQueue<>();
        private final boolean http;

        Told(boolean http) throws IOException {
            this.http = http;
            Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        Socket socket = server.accept();
                        Thread.ofVirtual().start(() -> serve(socket));
                    }
                } catch (IOException e) {
                    // It was closed.
                }
            });
        }

        private void serve(Socket socket) {
            try (socket) {
                InputStream in = socket.getInputStream();
                byte[] bytes = new byte[4096];
                int count = 0;
                ProxyHeader.Reading reading = ProxyHeader.read(ByteBuffer.wrap(bytes, 0, 0));
                while (reading instanceof ProxyHeader.Reading.Incomplete) {
                    int next = in.read();
                    if (next < 0) {
                        return;
                    }
                    bytes[count++] = (byte) next;
                    reading = ProxyHeader.read(ByteBuffer.wrap(bytes, 0, count));
                }
                headers.add(reading);
                if (!http) {
                    in.transferTo(socket.getOutputStream());
                    return;
                }
                StringBuilder head = new StringBuilder();
                for (int next = in.read(); next >= 0; next = in.read()) {
                    head.append((char) next);
                    if (head.toString().endsWith("\r\n\r\n")) {
                        head.setLength(0);
                        socket.getOutputStream().write(Backend.ok("told").getBytes(StandardCharsets.US_ASCII));
                    }
                }
            } catch (IOException e) {
                // The other side went.
            }
        }

        @Nullable
        ConnectionEnds next() throws InterruptedException {
            ProxyHeader.Reading reading = headers.poll(20, TimeUnit.SECONDS);
            return reading instanceof ProxyHeader.Reading.Found found ? found.ends() : null;
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    @Test
    void endpointsAreToldTheClientOnceForAllOfItsRequestsAndNoOneElses() throws Exception {
        try (Told endpoint = new Told(true)) {
            serve(
                    Protocol.HTTP,
                    null,
                    trusting(LOOPBACK, true),
                    List.of(),
                    told(upstream("up", endpoint.server.getLocalPort()), ProxyProtocol.V1));
            try (ProxyFixture.Client one = proxy.client();
                    ProxyFixture.Client other = proxy.client()) {
                one.send(LINE);
                for (int i = 0; i < 3; i++) {
                    one.send("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
                    assertThat(one.answer()).endsWith("told");
                    other.send("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
                    assertThat(other.answer()).endsWith("told");
                }
                ConnectionEnds first = endpoint.next();
                ConnectionEnds second = endpoint.next();
                assertThat(first).isNotNull();
                assertThat(first.source().toString()).isEqualTo("/192.0.2.7:40000");
                assertThat(second).isNotNull();
                assertThat(second.source().getAddress().isLoopbackAddress()).isTrue();
                assertThat(second.destination().getPort()).isEqualTo(proxy.port);
                assertThat(endpoint.headers).as("two connections in all").isEmpty();
            }
            ProxyFixture.await(() -> proxy.plane.open().toEndpoints() == 0);
        }
    }

    @Test
    void streamsBeginWithAHeaderInVersion2() throws Exception {
        try (Told endpoint = new Told(false)) {
            serve(
                    Protocol.TCP,
                    null,
                    trusting(LOOPBACK, false),
                    List.of(),
                    told(
                            new UpstreamConfig(
                                    "up",
                                    UpstreamConfig.Protocol.BYTES,
                                    List.of(new UpstreamConfig.Endpoint("127.0.0.1", endpoint.server.getLocalPort()))),
                            ProxyProtocol.V2));
            try (ProxyFixture.Client client = proxy.client()) {
                client.send(LINE + "hello");
                assertThat(client.bytes(5)).isEqualTo("hello");
                ConnectionEnds ends = endpoint.next();
                assertThat(ends).isNotNull();
                assertThat(ends.source().toString()).isEqualTo("/192.0.2.7:40000");
                assertThat(ends.destination().toString()).isEqualTo("/198.51.100.1:80");
            }
        }
    }
}
