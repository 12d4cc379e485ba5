package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.config.UpstreamConfig.Protocol;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.gateway.config.UpstreamTlsConfig.Name;
import dev.coppice.gateway.config.UpstreamTlsConfig.Name.Type;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Endpoints that are spoken to in TLS. */
@Timeout(60)
class EndpointTlsTest {
    private static TestAuthority authority;
    private static TestAuthority other;
    private static final Logger LOG = Logger.getLogger(Upstream.class.getName());

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Handler listening = new Handler() {
        @Override
        public void publish(LogRecord line) {
            lines.add(line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };
    private ProxyFixture proxy;

    @BeforeAll
    static void authorities() throws Exception {
        authority = new TestAuthority("authority");
        other = new TestAuthority("other");
    }

    @BeforeEach
    void start() throws Exception {
        LOG.addHandler(listening);
        proxy = new ProxyFixture();
    }

    @AfterEach
    void stop() {
        proxy.awaitNothingOpen();
        proxy.close();
        LOG.removeHandler(listening);
    }

    /** Tells what it knows of the connection. */
    private static Backend telling(SSLServerSocket server) {
        return new Backend(server, (_, conversation) -> {
            SSLSocket socket = (SSLSocket) conversation.socket();
            ExtendedSSLSession session = (ExtendedSSLSession) socket.getSession();
            StringBuilder told = new StringBuilder(session.getProtocol());
            session.getRequestedServerNames().forEach(each -> told.append(' ').append(text(each.getEncoded())));
            told.append(" [").append(socket.getApplicationProtocol()).append("]");
            if (socket.getNeedClientAuth()) {
                told.append(' ').append(session.getPeerPrincipal().getName());
            }
            return Backend.ok(told.toString());
        });
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    private static UpstreamTlsConfig expecting(Name... names) {
        return new UpstreamTlsConfig("inner.example.org", List.of(names), authority.pem(), null);
    }

    private static Name dns(String name) {
        return new Name(Type.DNS, name);
    }

    private static Name uri(String name) {
        return new Name(Type.URI, name);
    }

    private void serve(int port, UpstreamTlsConfig tls) {
        proxy.serve(
                List.of(rule("u")),
                new UpstreamConfig("u", Protocol.HTTP, List.of(new Endpoint("127.0.0.1", port)), tls));
    }

    /** What a client gets from a backend with a certificate when these names are expected of it. */
    private String get(TestAuthority.Signed shown, UpstreamTlsConfig tls, String... versions) throws Exception {
        try (Backend backend = telling(shown.listen(null, versions))) {
            serve(backend.port(), tls);
            return proxy.get("/");
        }
    }

    private void refused(TestAuthority.Signed shown, String why, Name... names) throws Exception {
        lines.clear();
        double before = failures();
        assertThat(get(shown, expecting(names))).startsWith("HTTP/1.1 503").contains("reached by TLS");
        assertThat(failures()).isEqualTo(before + 1);
        // Another subject, so that the line is not one too many.
        assertThat(lines)
                .anySatisfy(each ->
                        assertThat(each).contains("TLS with u at 127.0.0.1:").contains(why));
        proxy.serve(List.of());
    }

    private double failures() {
        return proxy.kernel.metrics().scrape(name -> name.equals("coppice_gateway_upstream_failures")).stream()
                .flatMap(each -> each.getDataPoints().stream())
                .filter(each -> "tls".equals(each.getLabels().get("reason")))
                .mapToDouble(
                        each -> ((io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot) each)
                                .getValue())
                .sum();
    }

    @Test
    void theNameIsAskedForAndFound() throws Exception {
        TestAuthority.Signed inner = authority.sign("inner", "dns:inner.example.org");
        assertThat(get(inner, expecting(dns("inner.example.org"))))
                .startsWith("HTTP/1.1 200")
                .endsWith("TLSv1.3 inner.example.org [http/1.1]");
        assertThat(get(inner, expecting(dns("inner.example.org")), "TLSv1.2"))
                .endsWith("TLSv1.2 inner.example.org [http/1.1]");
        UpstreamTlsConfig one =
                new UpstreamTlsConfig("inner", List.of(dns("inner.example.org")), authority.pem(), null);
        assertThat(get(inner, one)).endsWith("TLSv1.3 inner [http/1.1]");
        assertThat(lines).isEmpty();
    }

    @Test
    void namesAreComparedAsTheRfcSays() throws Exception {
        TestAuthority.Signed wild = authority.sign("wild", "dns:*.Example.org", "uri:spiffe://example.org/a");
        assertThat(get(wild, expecting(dns("inner.example.org")))).startsWith("HTTP/1.1 200");
        assertThat(get(wild, expecting(dns("no.org"), uri("spiffe://example.org/a"))))
                .startsWith("HTTP/1.1 200");
        refused(
                wild,
                "it is for *.example.org, spiffe://example.org/a; expected a.b.example.org",
                dns("a.b.example.org"));
        refused(wild, "expected example.org", dns("example.org"));
        refused(wild, "expected spiffe://example.org/A or b.org", uri("spiffe://example.org/A"), dns("b.org"));
        // A common name is no name.
        refused(authority.sign("inner.example.org"), "it is for no name", dns("inner.example.org"));
        // A star that is expected stands for itself.
        refused(authority.sign("one", "dns:one.example.org"), "expected *.example.org", dns("*.example.org"));
        assertThat(get(wild, expecting(dns("*.example.org")))).startsWith("HTTP/1.1 200");
    }

    @Test
    void onlyValidCertificatesOfTheAuthoritiesCount() throws Exception {
        Name name = dns("inner.example.org");
        refused(other.sign("inner", "dns:inner.example.org"), "it does not lead to an authority that counts", name);
        refused(
                authority.expired("inner", "dns:inner.example.org"),
                "its certificate is not accepted: it is not valid any more: NotAfter",
                name);
        TestAuthority.Signed pinned = authority.expired("inner", "dns:inner.example.org");
        UpstreamTlsConfig itself = new UpstreamTlsConfig(
                "inner.example.org", List.of(name), pinned.config().chain(), null);
        assertThat(get(pinned, itself)).startsWith("HTTP/1.1 503");
        UpstreamTlsConfig machine = new UpstreamTlsConfig("inner.example.org", List.of(name), null, null);
        assertThat(get(authority.sign("inner", "dns:inner.example.org"), machine))
                .startsWith("HTTP/1.1 503");
        UpstreamTlsConfig both =
                new UpstreamTlsConfig("inner.example.org", List.of(name), authority.pem() + other.pem(), null);
        assertThat(get(other.sign("inner", "dns:inner.example.org"), both)).startsWith("HTTP/1.1 200");
    }

    @Test
    void whatCannotBeSetUpIsNotSpokenToInTheClear() throws Exception {
        try (Backend plain = Backend.saying("in the clear")) {
            serve(plain.port(), new UpstreamTlsConfig("a.org", List.of(dns("a.org")), "no certificate", null));
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").doesNotContain("in the clear");
            assertThat(lines).singleElement().asString().contains("it cannot be set up");
            assertThat(plain.connections).hasValue(0);
        }
    }

    @Test
    void anEndpointThatSpeaksInTheClearIsToldNothing() throws Exception {
        List<Integer> heard = new CopyOnWriteArrayList<>();
        try (ServerSocket plain = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                try (Socket socket = plain.accept()) {
                    heard.add(socket.getInputStream().read());
                    socket.getOutputStream()
                            .write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                    heard.add(-1);
                }
            });
            serve(plain.getLocalPort(), expecting(dns("a.org")));
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
            // A record of a handshake (RFC 8446, 5.1).
            assertThat(heard).containsExactly(22);
            assertThat(lines).singleElement().asString().contains("TLS with u at");
        }
    }

    @Test
    void clientCertificatesAreShown() throws Exception {
        TestAuthority.Signed server = authority.sign("inner", "dns:inner.example.org");
        for (String version : List.of("TLSv1.3", "TLSv1.2")) {
            try (Backend backend = telling(server.listen(other, version))) {
                UpstreamTlsConfig without = expecting(dns("inner.example.org"));
                serve(backend.port(), without);
                lines.clear();
                assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
                assertThat(lines).anySatisfy(each -> assertThat(each).contains("TLS with u at"));
                serve(backend.port(), without.with(other.sign("gateway").config()));
                assertThat(proxy.get("/")).endsWith(version + " inner.example.org [http/1.1] CN=gateway");
                serve(backend.port(), without.with(authority.sign("stranger").config()));
                assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
                serve(backend.port(), without);
                assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
            }
            proxy.serve(List.of());
        }
        TlsConfig.Certificate secret = other.sign("gateway").config();
        assertThat(expecting(dns("a.org")).with(secret).toString()).doesNotContain("PRIVATE");
    }

    @Test
    void connectionsAndSessionsAreUsedAgainAndOnlyWhileNothingChanges() throws Exception {
        TestAuthority.Signed inner = authority.sign("inner", "dns:inner.example.org", "dns:two.example.org");
        for (String version : List.of("TLSv1.3", "TLSv1.2")) {
            // A session that is resumed has the age of the first.
            Set<Long> sessions = ConcurrentHashMap.newKeySet();
            try (Backend backend = new Backend(inner.listen(null, version), (request, conversation) -> {
                sessions.add(((SSLSocket) conversation.socket()).getSession().getCreationTime());
                if (request.line().contains("/close")) {
                    conversation.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\ndone");
                    return null;
                }
                return Backend.ok("kept");
            })) {
                try (ProxyFixture one = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1))) {
                    UpstreamTlsConfig tls = expecting(dns("inner.example.org"));
                    one.serve(List.of(rule("u")), secure(backend.port(), tls));
                    assertThat(one.get("/keep")).endsWith("kept");
                    assertThat(one.get("/close")).endsWith("done");
                    assertThat(backend.connections).hasValue(1);
                    assertThat(one.get("/close")).endsWith("done");
                    assertThat(one.get("/keep")).endsWith("kept");
                    assertThat(backend.connections).hasValue(3);
                    assertThat(sessions).as(version).hasSize(1);
                    // The connection that is open was made for another name.
                    one.serve(List.of(rule("u")), secure(backend.port(), expecting(dns("two.example.org"))));
                    assertThat(one.get("/keep")).endsWith("kept");
                    assertThat(backend.connections).hasValue(4);
                    assertThat(sessions).as(version).hasSize(2);
                    one.serve(List.of(rule("u")), secure(backend.port(), expecting(dns("three.example.org"))));
                    assertThat(one.get("/keep")).startsWith("HTTP/1.1 503");
                    one.awaitNothingOpen();
                }
            }
        }
    }

    private static UpstreamConfig secure(int port, UpstreamTlsConfig tls) {
        return new UpstreamConfig("u", Protocol.HTTP, List.of(new Endpoint("127.0.0.1", port)), tls);
    }

    @Test
    void aHandshakeThatHangsTakesNoLongerThanConnecting() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                ProxyFixture hasty = new ProxyFixture(
                        ProxyOptions.DEFAULT.withLoops(1).withConnectTimeout(java.time.Duration.ofMillis(200)))) {
            hasty.serve(List.of(rule("u")), secure(silent.getLocalPort(), expecting(dns("inner.example.org"))));
            assertThat(hasty.get("/")).startsWith("HTTP/1.1 503").contains("reached by TLS");
            assertThat(lines).singleElement().asString().contains("timed out");
            hasty.awaitNothingOpen();
        }
    }

    @Test
    void anotherEndpointIsTriedAndTheLogIsNotFlooded() throws Exception {
        TestAuthority.Signed good = authority.sign("inner", "dns:inner.example.org");
        TestAuthority.Signed bad = other.sign("inner", "dns:inner.example.org");
        try (Backend first = telling(bad.listen(null));
                Backend second = telling(good.listen(null))) {
            proxy.serve(
                    List.of(rule("u")),
                    new UpstreamConfig(
                            "u",
                            Protocol.HTTP,
                            List.of(new Endpoint("127.0.0.1", first.port()), new Endpoint("127.0.0.1", second.port())),
                            expecting(dns("inner.example.org"))));
            for (int i = 0; i < 20; i++) {
                assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
            }
            assertThat(first.seen).isEmpty();
            assertThat(failures()).isGreaterThan(5);
            assertThat(lines).hasSize(1);
        }
    }

    private Socket stream(int port, UpstreamTlsConfig tls) throws IOException {
        RouteConfig route = new RouteConfig("TCPRoute", "default", "r", 1, List.of(), List.of(rule("u")));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway", "l", "127.0.0.1", proxy.port, ListenerConfig.Protocol.TCP, "", null, List.of(route));
        assertThat(proxy.plane.apply(new GatewayConfig(
                        List.of(listener),
                        List.of(new UpstreamConfig(
                                "u", Protocol.BYTES, List.of(new Endpoint("127.0.0.1", port)), tls)))))
                .isEmpty();
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port);
        socket.setSoTimeout(20_000);
        return socket;
    }

    /** Takes one connection: tells what it speaks, gives back what it gets, and at the end says bye. */
    private static void echo(SSLServerSocket server, List<String> heard) {
        Thread.ofVirtual().start(() -> {
            try (SSLSocket socket = (SSLSocket) server.accept()) {
                socket.startHandshake();
                heard.add(socket.getSession().getProtocol() + " [" + socket.getApplicationProtocol() + "]");
                socket.getOutputStream().write("hello ".getBytes(StandardCharsets.US_ASCII));
                byte[] all = socket.getInputStream().readAllBytes();
                heard.add(text(all));
                socket.getOutputStream().write(all);
                socket.getOutputStream().write(" bye".getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
                heard.add(e.toString());
            }
        });
    }

    @Test
    void streamsGoToEndpointsInTlsAndEachEndIsPassedOn() throws Exception {
        TestAuthority.Signed inner = authority.sign("inner", "dns:inner.example.org");
        List<String> heard = new CopyOnWriteArrayList<>();
        try (SSLServerSocket server = inner.listen(null)) {
            echo(server, heard);
            try (Socket client = stream(server.getLocalPort(), expecting(dns("inner.example.org")))) {
                client.getOutputStream().write("what I say".getBytes(StandardCharsets.US_ASCII));
                client.shutdownOutput();
                String got = text(client.getInputStream().readAllBytes());
                assertThat(got).as(heard + " " + lines).isEqualTo("hello what I say bye");
            }
            // No protocol is offered: what streams carry is not known here.
            assertThat(heard).containsExactly("TLSv1.3 []", "what I say");
            echo(server, heard);
            try (Socket client = stream(server.getLocalPort(), expecting(dns("else.example.org")))) {
                assertThat(client.getInputStream().read()).isEqualTo(-1);
            }
            assertThat(failures()).isEqualTo(1);
        }
    }

    @Test
    void authoritiesOfTheMachineAreReadAnewWhenTheirFileChanges(
            @org.junit.jupiter.api.io.TempDir java.nio.file.Path dir) throws Exception {
        java.nio.file.Path file = dir.resolve("bundle.crt");
        java.nio.file.Files.writeString(file, "# our own\n" + authority.pem());
        Authorities machine = new Authorities(List.of(dir.resolve("missing.crt"), file));
        javax.net.ssl.@Nullable X509TrustManager first = machine.ofMachine();
        assertThat(machine.ofMachine()).isSameAs(first);
        assertThat(first.getAcceptedIssuers()).hasSize(1);
        java.nio.file.Files.writeString(file, authority.pem() + other.pem());
        java.nio.file.Files.setLastModifiedTime(file, java.nio.file.attribute.FileTime.fromMillis(5000));
        assertThat(machine.ofMachine().getAcceptedIssuers()).hasSize(2);
        assertThat(new Authorities().ofMachine().getAcceptedIssuers()).hasSizeGreaterThan(10);
    }
}
