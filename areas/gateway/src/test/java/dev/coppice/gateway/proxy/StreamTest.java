package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ListenerConfig.Protocol;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.tap.Tap;
import dev.coppice.gateway.tap.TapQuestion;
import dev.coppice.kernel.FreePorts;
import java.io.IOException;
import java.io.OutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams and datagrams through the data plane. */
@Timeout(60)
class StreamTest {
    private ProxyFixture proxy;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
    }

    @AfterEach
    void stop() {
        proxy.awaitNothingOpen();
        proxy.close();
    }

    /** Says its name, then sends back what it gets; when the client has said all it says "bye" and ends. */
    private static final class Echo implements AutoCloseable {
        private final ServerSocket server;

        Echo(String name, ServerSocket server) {
            this.server = server;
            Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        Socket socket = server.accept();
                        Thread.ofVirtual().start(() -> serve(name, socket));
                    }
                } catch (IOException e) {
                    // It was closed.
                }
            });
        }

        static Echo plain(String name) throws IOException {
            return new Echo(name, new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
        }

        private static void serve(String name, Socket socket) {
            try (socket) {
                OutputStream out = socket.getOutputStream();
                out.write((name + "\n").getBytes(StandardCharsets.US_ASCII));
                socket.getInputStream().transferTo(out);
                out.write("bye".getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                // The other side went.
            }
        }

        int port() {
            return server.getLocalPort();
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    private ListenerConfig listener(
            String name, Protocol protocol, String hostname, @Nullable TlsConfig tls, RouteConfig... routes) {
        return new ListenerConfig(
                "default/gateway", name, "127.0.0.1", proxy.port, protocol, hostname, tls, List.of(routes));
    }

    private static RouteConfig route(String name, long created, List<String> hostnames, RuleConfig rule) {
        return new RouteConfig("TCPRoute", "default", name, created, hostnames, List.of(rule));
    }

    private void serve(List<ListenerConfig> listeners, UpstreamConfig... upstreams) {
        assertThat(proxy.plane.apply(new GatewayConfig(listeners, List.of(upstreams))))
                .isEmpty();
    }

    private static UpstreamConfig balanced(String algorithm, Echo... echoes) {
        return new UpstreamConfig(
                "u",
                UpstreamConfig.Protocol.BYTES,
                Arrays.stream(echoes)
                        .map(each -> new UpstreamConfig.Endpoint("127.0.0.1", each.port()))
                        .toList(),
                null,
                TrafficConfig.NONE.withBalance(
                        new BalanceConfig(algorithm, 2, 10_000_000_000L, 0, List.of(), null, 50, 140)));
    }

    private String name() throws IOException {
        try (Socket socket = new Socket("127.0.0.1", proxy.port)) {
            return say(socket, "").substring(0, 1);
        }
    }

    @Test
    void watchersSeeStreams() throws Exception {
        try (Echo echo = Echo.plain("a");
                Tap all = tap("", "request.scheme == 'tcp' && request.bytes == 3");
                Tap tls = tap("TLS,UDP,HTTP", "");
                Tap refused = tap("tcp", "response.reason == 'route'")) {
            serve(
                    List.of(listener("tcp", Protocol.TCP, "", null, route("r", 1, List.of(), rule("u")))),
                    upstream("u", echo.port()));
            try (Socket socket = new Socket("127.0.0.1", proxy.port)) {
                assertThat(say(socket, "one")).isEqualTo("a\nonebye");
            }
            assertThat(all.next())
                    .contains("\"protocol\":\"TCP\"", "\"route\":\"default/r\"", "\"bytes_in\":3", "\"bytes_out\":8")
                    .doesNotContain("headers");
            serve(List.of(listener("tcp", Protocol.TCP, "", null)));
            try (Socket socket = new Socket("127.0.0.1", proxy.port)) {
                assertThat(socket.getInputStream().readAllBytes()).isEmpty();
            }
            assertThat(refused.next()).contains("\"status\":503", "\"reason\":\"route\"");
            tls.end("enough");
            assertThat(tls.next()).isNull();
        }
    }

    private Tap tap(String protocols, String match) {
        return proxy.plane
                .taps()
                .open(TapQuestion.of("", protocols, match, "true", "1", ""))
                .orElseThrow();
    }

    @Test
    void streamsAreBalancedByPolicy() throws Exception {
        try (Echo a = Echo.plain("a");
                Echo b = Echo.plain("b")) {
            ListenerConfig listener =
                    listener("tcp", Protocol.TCP, "", null, route("r", 0, List.of(), ProxyFixture.rule("u")));
            serve(List.of(listener), balanced("LeastRequest", a, b));
            try (Socket held = new Socket("127.0.0.1", proxy.port)) {
                String busy = String.valueOf((char) held.getInputStream().read());
                for (int i = 0; i < 8; i++) {
                    assertThat(name()).isNotEqualTo(busy);
                    ProxyFixture.await(() -> proxy.plane.open().clients() == 1);
                }
                say(held, "");
            }
            // The client's address is its key.
            serve(List.of(listener), balanced("Maglev", a, b));
            String first = name();
            for (int i = 0; i < 8; i++) {
                assertThat(name()).isEqualTo(first);
            }
        }
    }

    /** Says something, all of it, and reads to the end. */
    private static String say(Socket socket, String text) throws IOException {
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        socket.shutdownOutput();
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), proxy.port);
    }

    @Test
    void bytesGoBothWaysAndEachEndIsPassedOn() throws Exception {
        try (Echo echo = Echo.plain("one")) {
            serve(
                    List.of(listener(
                            "tcp",
                            Protocol.TCP,
                            "",
                            null,
                            route("newer", 2, List.of(), rule("none")),
                            route("older", 1, List.of(), rule("u")))),
                    upstream("u", FreePorts.next(), echo.port()),
                    upstream("none"));
            for (int i = 0; i < 4; i++) {
                try (Socket socket = connect()) {
                    assertThat(say(socket, "hello")).isEqualTo("one\nhellobye");
                }
            }
        }
    }

    @Test
    void aLargeStreamIsNotHeldInMemory() throws Exception {
        byte[] sent = new byte[32 << 20];
        new Random(1).nextBytes(sent);
        try (Echo echo = Echo.plain("");
                Socket socket = serving(echo)) {
            socket.setSoTimeout(30_000);
            Thread writer = Thread.ofVirtual().start(() -> {
                try {
                    socket.getOutputStream().write(sent);
                    socket.shutdownOutput();
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            byte[] got = socket.getInputStream().readAllBytes();
            writer.join();
            assertThat(Arrays.equals(got, 1, 1 + sent.length, sent, 0, sent.length))
                    .isTrue();
            assertThat(got.length).isEqualTo(sent.length + 4);
        }
    }

    private Socket serving(Echo echo) throws IOException {
        serve(
                List.of(listener("tcp", Protocol.TCP, "", null, route("r", 1, List.of(), rule("u")))),
                upstream("u", echo.port()));
        return connect();
    }

    @Test
    void streamsWithoutAnEndpointAreClosed() throws Exception {
        for (UpstreamConfig none : List.of(upstream("u"), upstream("u", FreePorts.next()))) {
            serve(List.of(listener("tcp", Protocol.TCP, "", null, route("r", 1, List.of(), rule("u")))), none);
            try (Socket socket = connect()) {
                socket.setSoTimeout(20_000);
                assertThat(socket.getInputStream().read()).isEqualTo(-1);
            }
        }
        serve(List.of(listener("tcp", Protocol.TCP, "", null)));
        try (Socket socket = connect()) {
            socket.setSoTimeout(20_000);
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void sharesFollowWeights() throws Exception {
        try (Echo one = Echo.plain("one");
                Echo two = Echo.plain("two")) {
            RuleConfig split = new RuleConfig(
                    List.of(),
                    List.of(),
                    List.of(
                            new BackendConfig("one", 7, List.of()),
                            new BackendConfig("two", 3, List.of()),
                            new BackendConfig("", 0, List.of())));
            serve(
                    List.of(listener("tcp", Protocol.TCP, "", null, route("r", 1, List.of(), split))),
                    upstream("one", one.port()),
                    upstream("two", two.port()));
            int first = 0;
            for (int i = 0; i < 300; i++) {
                try (Socket socket = connect()) {
                    first += say(socket, "").startsWith("one") ? 1 : 0;
                }
            }
            assertThat(first).isBetween(150, 270);
        }
    }

    private SSLSocket secure(String serverName, TrustManager... trusting) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trusting, new SecureRandom());
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(connect(), serverName, proxy.port, true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(serverName)));
        socket.setSSLParameters(parameters);
        return socket;
    }

    private static Echo secureEcho(String name, TestCertificate certificate) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(certificate.store(), certificate.password());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, new SecureRandom());
        return new Echo(
                name, context.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress()));
    }

    @Test
    void serverNamesChooseBetweenStreamsThatPassEndAndHttp() throws Exception {
        TestCertificate backends = TestCertificate.of("inner.org");
        TestCertificate ours = TestCertificate.of("ended.org");
        try (Echo inner = secureEcho("inner", backends);
                Echo plain = Echo.plain("plain");
                Backend web = Backend.saying("web")) {
            serve(
                    List.of(
                            listener(
                                    "pass",
                                    Protocol.TLS,
                                    "*.pass.org",
                                    null,
                                    route("pass", 1, List.of("a.pass.org"), rule("inner"))),
                            listener(
                                    "end",
                                    Protocol.TLS,
                                    "ended.org",
                                    ours.config(),
                                    route("end", 1, List.of(), rule("plain"))),
                            listener(
                                    "web",
                                    Protocol.HTTP,
                                    "web.org",
                                    ours.config(),
                                    route("web", 1, List.of(), rule("web")))),
                    upstream("inner", inner.port()),
                    upstream("plain", plain.port()),
                    upstream("web", web.port()));
            TrustManager trusting = new TlsTest.Trusting();
            try (SSLSocket socket = secure("a.pass.org", trusting)) {
                assertThat(say(socket, "hello")).isEqualTo("inner\nhellobye");
                assertThat(socket.getSession().getPeerPrincipal().getName()).isEqualTo("CN=inner.org");
            }
            try (SSLSocket socket = secure("ended.org", trusting)) {
                SSLParameters offering = socket.getSSLParameters();
                offering.setApplicationProtocols(new String[] {"h2", "http/1.1"});
                socket.setSSLParameters(offering);
                assertThat(say(socket, "hello")).isEqualTo("plain\nhellobye");
                // What streams speak is their backend's to say.
                assertThat(socket.getApplicationProtocol()).isEmpty();
                assertThat(socket.getSession().getPeerPrincipal().getName()).isEqualTo("CN=ended.org");
            }
            try (SSLSocket socket = secure("web.org", trusting)) {
                socket.setSoTimeout(20_000);
                socket.getOutputStream()
                        .write("GET / HTTP/1.1\r\nHost: web.org\r\nConnection: close\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                        .endsWith("web");
            }
            try (SSLSocket socket = secure("b.pass.org", trusting)) {
                org.assertj.core.api.Assertions.assertThatThrownBy(socket::startHandshake)
                        .isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void datagramsFindBack() throws Exception {
        try (DatagramSocket backend = new DatagramSocket(0, InetAddress.getLoopbackAddress());
                DatagramSocket one = new DatagramSocket(0, InetAddress.getLoopbackAddress());
                DatagramSocket two = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            serve(
                    List.of(listener("udp", Protocol.UDP, "", null, route("r", 1, List.of(), rule("u")))),
                    upstream("u", backend.getLocalPort()));
            Thread.ofVirtual().start(() -> {
                byte[] bytes = new byte[100];
                try {
                    while (true) {
                        DatagramPacket packet = new DatagramPacket(bytes, bytes.length);
                        backend.receive(packet);
                        bytes[0]++;
                        backend.send(packet);
                    }
                } catch (IOException e) {
                    // It was closed.
                }
            });
            for (DatagramSocket each : List.of(one, two, one)) {
                each.setSoTimeout(20_000);
                byte[] bytes = {(byte) (each == one ? 1 : 50), 7};
                each.send(new DatagramPacket(
                        bytes, 2, new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port)));
                DatagramPacket answer = new DatagramPacket(new byte[100], 100);
                each.receive(answer);
                assertThat(Arrays.copyOf(answer.getData(), answer.getLength()))
                        .containsExactly(each == one ? 2 : 51, 7);
                assertThat(answer.getPort()).isEqualTo(proxy.port);
            }
        }
    }
}
