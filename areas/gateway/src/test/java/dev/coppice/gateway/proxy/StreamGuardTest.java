package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ListenerConfig.Protocol;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.ObservationConfig.Format;
import dev.coppice.gateway.config.ObservationConfig.Log;
import dev.coppice.gateway.config.ObservationConfig.Rotation;
import dev.coppice.gateway.config.ObservationConfig.Share;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.ResilienceConfig.Breaker;
import dev.coppice.gateway.config.ResilienceConfig.Limits;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import dev.coppice.gateway.proxyprotocol.ProxyHeader;
import dev.coppice.gateway.resilience.CircuitBreaker;
import dev.coppice.gateway.resilience.UpstreamReading;
import dev.coppice.kernel.FreePorts;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is told of streams and datagrams, and what refuses them. */
@Timeout(60)
class StreamGuardTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    private static final long SECOND = 1_000_000_000L;

    @TempDir
    Path directory;

    private ProxyFixture proxy;
    private ServerSocket server;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withAccessLog(directory.resolve("access.log")));
        server = new ServerSocket(0, 50, LOOPBACK);
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private static UpstreamConfig upstream(@Nullable ResilienceConfig resilience, int... ports) {
        return new UpstreamConfig(
                "u",
                UpstreamConfig.Protocol.BYTES,
                Arrays.stream(ports)
                        .mapToObj(each -> new UpstreamConfig.Endpoint("127.0.0.1", each))
                        .toList(),
                null,
                resilience == null ? null : TrafficConfig.NONE.withResilience(resilience));
    }

    private static ResilienceConfig limited(int connections, @Nullable Integer pending, @Nullable Integer parallel) {
        return new ResilienceConfig(null, null, null, new Limits(connections, pending, parallel, null, 0), null);
    }

    private static ResilienceConfig broken(Breaker.Mode mode) {
        return new ResilienceConfig(
                new Breaker(mode, 0, 10, 3, 50, List.of(503), 0, 0, 600 * SECOND, 600 * SECOND, 1, 0),
                null,
                null,
                null,
                null);
    }

    private void serve(Protocol protocol, @Nullable TlsConfig tls, UpstreamConfig upstream, ObservationConfig... told) {
        String kind = switch (protocol) {
            case UDP -> "UDPRoute";
            case TLS -> "TLSRoute";
            default -> "TCPRoute";
        };
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "streams",
                "127.0.0.1",
                proxy.port,
                protocol,
                "",
                tls,
                List.of(new RouteConfig(kind, "default", "r", 1, List.of(), List.of(rule("u")))));
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(List.of(listener), List.of(upstream))
                        .observations(List.of(told))
                        .build()))
                .isEmpty();
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(LOOPBACK, proxy.port);
        socket.setSoTimeout(20_000);
        return socket;
    }

    /** A stream that is over at once: how its client sees that. */
    private boolean refused() throws IOException {
        try (Socket socket = connect()) {
            return socket.getInputStream().read() < 0;
        } catch (SocketException e) {
            return true;
        }
    }

    private String log(String name) {
        try {
            Path file = directory.resolve(name);
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            return "";
        }
    }

    private void awaitLog(String... parts) {
        ProxyFixture.await(() ->
                log("access.log").lines().anyMatch(line -> Arrays.stream(parts).allMatch(line::contains)));
    }

    private static void say(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private double metric(String name, String label, String value) {
        return proxy.kernel.metrics().scrape(each -> each.equals(name)).stream()
                .flatMap(each -> each.getDataPoints().stream())
                .filter(each -> value.equals(each.getLabels().get(label)))
                .mapToDouble(
                        each -> ((io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot) each)
                                .getValue())
                .sum();
    }

    private UpstreamReading reading() {
        return proxy.plane.upstreams().stream()
                .filter(each -> each.upstream().equals("u"))
                .findFirst()
                .orElseThrow();
    }

    // ---- what is told

    @Test
    void aStreamThatEndedIsALine() throws Exception {
        serve(Protocol.TCP, null, upstream(null, server.getLocalPort()));
        try (Socket client = connect();
                Socket endpoint = server.accept()) {
            say(client, "hello");
            assertThat(endpoint.getInputStream().readNBytes(5)).hasSize(5);
            say(endpoint, "what is it");
            endpoint.shutdownOutput();
            assertThat(client.getInputStream().readAllBytes()).hasSize(10);
        }
        awaitLog(
                "\"client\":\"127.0.0.1\",\"protocol\":\"TCP\",\"host\":\"\",\"status\":200,\"bytes_in\":5,\"bytes_out\":10,\"micros\":",
                ",\"route\":\"default/r\",\"upstream\":\"u\",\"endpoint\":\"127.0.0.1:" + server.getLocalPort()
                        + "\",\"tries\":1}");
        assertThat(metric("coppice_gateway_stream_bytes", "direction", "in")).isEqualTo(5);
        assertThat(metric("coppice_gateway_stream_bytes", "direction", "out")).isEqualTo(10);
    }

    @Test
    void aServerNameIsToldOfStreamsInTls() throws Exception {
        TestCertificate certificate = TestCertificate.of("shop.org");
        serve(Protocol.TLS, certificate.config(), upstream(null, server.getLocalPort()));
        javax.net.ssl.SSLContext context = javax.net.ssl.SSLContext.getInstance("TLS");
        context.init(null, new javax.net.ssl.TrustManager[] {new TlsTest.Trusting()}, null);
        try (javax.net.ssl.SSLSocket client = (javax.net.ssl.SSLSocket)
                context.getSocketFactory().createSocket(connect(), "shop.org", proxy.port, true)) {
            javax.net.ssl.SSLParameters parameters = client.getSSLParameters();
            parameters.setServerNames(List.of(new javax.net.ssl.SNIHostName("shop.org")));
            client.setSSLParameters(parameters);
            say(client, "hello");
            try (Socket endpoint = server.accept()) {
                assertThat(endpoint.getInputStream().readNBytes(5)).hasSize(5);
            }
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
        awaitLog("\"protocol\":\"TLS\",\"host\":\"shop.org\",\"status\":200,\"bytes_in\":5,\"bytes_out\":0");
    }

    @Test
    void whyAStreamEndedIsTold() throws Exception {
        serve(Protocol.TCP, null, upstream(null));
        assertThat(refused()).isTrue();
        awaitLog("\"status\":503", "\"upstream\":\"u\",\"endpoint\":\"\",\"tries\":0,\"reason\":\"no-endpoint\"");

        int nobody = FreePorts.next();
        serve(Protocol.TCP, null, upstream(null, nobody));
        assertThat(refused()).isTrue();
        awaitLog("\"status\":502", "\"endpoint\":\"127.0.0.1:" + nobody + "\",\"tries\":1,\"reason\":\"connect\"");

        serve(Protocol.TCP, null, upstream(null, server.getLocalPort()));
        try (Socket client = connect();
                Socket endpoint = server.accept()) {
            say(endpoint, "x");
            assertThat(client.getInputStream().read()).isEqualTo('x');
            client.setSoLinger(true, 0);
        }
        awaitLog("\"status\":499,\"bytes_in\":0,\"bytes_out\":1", "\"reason\":\"client\"");

        try (Socket client = connect()) {
            try (Socket endpoint = server.accept()) {
                say(client, "x");
                assertThat(endpoint.getInputStream().read()).isEqualTo('x');
                endpoint.setSoLinger(true, 0);
            }
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
        awaitLog("\"status\":502,\"bytes_in\":1,\"bytes_out\":0", "\"reason\":\"reset\"");
        assertThat(metric("coppice_gateway_streams_broken", "reason", "reset")).isEqualTo(1);
        assertThat(metric("coppice_gateway_streams_broken", "reason", "client")).isEqualTo(1);
    }

    @Test
    void streamsThatEndWithTheGatewayAreTold() throws Exception {
        serve(Protocol.TCP, null, upstream(null, server.getLocalPort()));
        try (Socket client = connect();
                Socket endpoint = server.accept()) {
            say(endpoint, "x");
            assertThat(client.getInputStream().read()).isEqualTo('x');
            proxy.kernel.close();
        }
        assertThat(log("access.log")).contains("\"bytes_out\":1", "\"reason\":\"drain\"}");
    }

    @Test
    void datagramsAreTheirClientsLine() throws Exception {
        try (DatagramSocket endpoint = new DatagramSocket(0, LOOPBACK);
                DatagramSocket client = new DatagramSocket(0, LOOPBACK)) {
            serve(Protocol.UDP, null, upstream(null, endpoint.getLocalPort()));
            ask(client, endpoint);
            // Its listener goes.
            assertThat(proxy.plane.apply(GatewayConfig.EMPTY)).isEmpty();
        }
        awaitLog(
                "\"protocol\":\"UDP\",\"host\":\"\",\"status\":200,\"bytes_in\":3,\"bytes_out\":3,",
                "\"reason\":\"drain\"}");
    }

    private void send(DatagramSocket client) throws IOException {
        client.send(new DatagramPacket(new byte[3], 3, new InetSocketAddress(LOOPBACK, proxy.port)));
    }

    private void ask(DatagramSocket client, DatagramSocket endpoint) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[100], 100);
        endpoint.setSoTimeout(20_000);
        client.setSoTimeout(20_000);
        send(client);
        endpoint.receive(packet);
        endpoint.send(packet);
        client.receive(packet);
    }

    @Test
    void aPolicyOfTheRouteSaysWhatIsTold() throws Exception {
        Log log = new Log(
                "default/policy/mine",
                Format.TEMPLATE,
                "{protocol} {method} {status} {reason}",
                Map.of(),
                new Rotation(1 << 20, 2),
                Share.ALL,
                false,
                0,
                "response.code != 200 && request.scheme == 'tcp' && route.name == 'default/r'");
        ObservationConfig policy = new ObservationConfig(
                "default/policy", List.of(new TrafficTarget("TCPRoute", "default/r", "")), List.of(log), null);
        serve(Protocol.TCP, null, upstream(null, server.getLocalPort()), policy);
        try (Socket client = connect();
                Socket endpoint = server.accept()) {
            client.shutdownOutput();
            assertThat(endpoint.getInputStream().read()).isEqualTo(-1);
            endpoint.shutdownOutput();
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
        serve(Protocol.TCP, null, upstream(null), policy);
        assertThat(refused()).isTrue();
        ProxyFixture.await(() -> !log("logs/default/policy/mine.log").isEmpty());
        assertThat(log("logs/default/policy/mine.log")).isEqualTo("TCP - 503 no-endpoint\n");
        assertThat(log("access.log")).isEmpty();
    }

    @Test
    void eachDatagramSaysWhoItsClientIs() throws Exception {
        try (DatagramSocket endpoint = new DatagramSocket(0, LOOPBACK);
                DatagramSocket client = new DatagramSocket(0, LOOPBACK)) {
            UpstreamConfig upstream = new UpstreamConfig(
                    "u",
                    UpstreamConfig.Protocol.BYTES,
                    List.of(new UpstreamConfig.Endpoint("127.0.0.1", endpoint.getLocalPort())),
                    null,
                    TrafficConfig.NONE.withProxyProtocol(TrafficConfig.ProxyProtocol.V2));
            serve(Protocol.UDP, null, upstream);
            endpoint.setSoTimeout(20_000);
            for (int i = 0; i < 3; i++) {
                send(client);
                DatagramPacket packet = new DatagramPacket(new byte[100], 100);
                endpoint.receive(packet);
                assertThat(packet.getLength()).isEqualTo(28 + 3);
                assertThat(packet.getData()[13]).isEqualTo((byte) 0x12);
                ConnectionEnds ends = new ConnectionEnds(
                        new InetSocketAddress(LOOPBACK, client.getLocalPort()),
                        new InetSocketAddress(LOOPBACK, proxy.port),
                        "");
                assertThat(ProxyHeader.read(ByteBuffer.wrap(packet.getData(), 0, packet.getLength())))
                        .isEqualTo(new ProxyHeader.Reading.Found(28, ends));
            }
            assertThat(proxy.plane.apply(GatewayConfig.EMPTY)).isEmpty();
        }
        awaitLog("\"protocol\":\"UDP\"", "\"bytes_in\":9,\"bytes_out\":0");
    }

    // ---- what refuses them

    @Test
    void thereAreAsManyStreamsAsMayBe() throws Exception {
        for (ResilienceConfig each : List.of(limited(1, null, null), limited(0, null, 1))) {
            serve(Protocol.TCP, null, upstream(each, server.getLocalPort()));
            try (Socket held = connect();
                    Socket endpoint = server.accept()) {
                say(endpoint, "x");
                assertThat(held.getInputStream().read()).isEqualTo('x');
                assertThat(refused()).isTrue();
                assertThat(reading().connections()).isEqualTo(1);
            }
            ProxyFixture.await(() -> reading().connections() == 0 && reading().idle());
            try (Socket next = connect();
                    Socket endpoint = server.accept()) {
                say(endpoint, "y");
                assertThat(next.getInputStream().read()).isEqualTo('y');
            }
            ProxyFixture.await(() -> reading().connections() == 0 && reading().idle());
        }
        awaitLog("\"status\":503", "\"reason\":\"connections\"");
        awaitLog("\"status\":503", "\"reason\":\"parallel-requests\"");
        assertThat(metric("coppice_gateway_upstream_refused", "reason", "connections"))
                .isEqualTo(1);
    }

    @Test
    void aConnectionHasItsPlaceUntilItIsGone() throws Exception {
        server.close();
        server = new ServerSocket();
        server.setReceiveBufferSize(1 << 12);
        server.bind(new InetSocketAddress(LOOPBACK, 0));
        serve(Protocol.TCP, null, upstream(limited(1, null, null), server.getLocalPort()));
        try (SocketChannel client = SocketChannel.open(new InetSocketAddress(LOOPBACK, proxy.port));
                Socket endpoint = server.accept()) {
            client.configureBlocking(false);
            fill(client);
            assertThat(reading().connections()).isEqualTo(1);
            client.setOption(StandardSocketOptions.SO_LINGER, 0);
            client.close();
            // Its endpoint takes nothing of what is still to be written.
            ProxyFixture.await(() -> reading().connections() == 0);
            assertThat(gauge("coppice_gateway_upstream_connections")).isZero();
            assertThat(endpoint.isConnected()).isTrue();
        }
    }

    /** Writes until nobody has taken anything for a while. */
    private static void fill(SocketChannel client) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
        long[] last = {System.nanoTime()};
        ProxyFixture.await(() -> {
            try {
                if (client.write(bytes.clear()) > 0) {
                    last[0] = System.nanoTime();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return System.nanoTime() - last[0] > SECOND / 2;
        });
    }

    private double gauge(String name) {
        return proxy.kernel.metrics().scrape(each -> each.equals(name)).stream()
                .flatMap(each -> each.getDataPoints().stream())
                .mapToDouble(each -> ((GaugeSnapshot.GaugeDataPointSnapshot) each).getValue())
                .sum();
    }

    @Test
    void anAttemptGoesOnForTheBreakerWhenItsClientIsGone() throws Exception {
        Breaker strict =
                new Breaker(Breaker.Mode.AUTOMATIC, 0, 10, 1, 50, List.of(503), 0, 0, 600 * SECOND, 600 * SECOND, 1, 0);
        UpstreamTlsConfig tls = new UpstreamTlsConfig(
                "shop.org",
                List.of(new UpstreamTlsConfig.Name(UpstreamTlsConfig.Name.Type.DNS, "shop.org")),
                new TestAuthority("authority").pem(),
                null);
        UpstreamConfig silent = new UpstreamConfig(
                "u",
                UpstreamConfig.Protocol.BYTES,
                List.of(new UpstreamConfig.Endpoint("127.0.0.1", server.getLocalPort())),
                tls,
                TrafficConfig.NONE.withResilience(
                        new ResilienceConfig(strict, null, null, new Limits(1, null, null, null, 0), null)));
        serve(Protocol.TCP, null, silent);
        try (Socket client = connect()) {
            try (Socket endpoint = server.accept()) {
                client.close();
                awaitLog("\"protocol\":\"TCP\"", "\"tries\":1");
                assertThat(endpoint.isConnected()).isTrue();
            }
        }
        ProxyFixture.await(() -> reading().connections() == 0);
        assertThat(Objects.requireNonNull(reading().breaker()).state()).isEqualTo(CircuitBreaker.State.OPEN);
    }

    @Test
    void noneMayWaitForAConnectionWhereNoneMay() throws Exception {
        serve(Protocol.TCP, null, upstream(limited(0, 0, null), server.getLocalPort()));
        assertThat(refused()).isTrue();
        awaitLog("\"status\":503", "\"reason\":\"pending-requests\"");
    }

    @Test
    void connectionsThatCannotBeMadeOpenTheBreaker() throws Exception {
        serve(Protocol.TCP, null, upstream(broken(Breaker.Mode.AUTOMATIC), FreePorts.next()));
        for (int i = 0; i < 4; i++) {
            assertThat(refused()).isTrue();
        }
        awaitLog("\"status\":503", "\"tries\":0,\"reason\":\"circuit-breaker\"");
        assertThat(Objects.requireNonNull(reading().breaker()).state()).isEqualTo(CircuitBreaker.State.OPEN);
        assertThat(metric("coppice_gateway_upstream_refused", "reason", "circuit-breaker"))
                .isEqualTo(1);
        assertThat(metric("coppice_gateway_breaker_transitions", "state", "open"))
                .isEqualTo(1);
    }

    @Test
    void connectionsThatAreMadeKeepItClosed() throws Exception {
        serve(Protocol.TCP, null, upstream(broken(Breaker.Mode.AUTOMATIC), server.getLocalPort()));
        for (int i = 0; i < 5; i++) {
            try (Socket client = connect();
                    Socket endpoint = server.accept()) {
                say(endpoint, "x");
                assertThat(client.getInputStream().read()).isEqualTo('x');
            }
        }
        assertThat(Objects.requireNonNull(reading().breaker()).calls()).isEqualTo(5);
        assertThat(Objects.requireNonNull(reading().breaker()).failed()).isZero();
        serve(Protocol.TCP, null, upstream(broken(Breaker.Mode.FORCED_OPEN), server.getLocalPort()));
        assertThat(refused()).isTrue();
    }

    @Test
    void datagramsAreBoundedByTheirClients() throws Exception {
        try (DatagramSocket endpoint = new DatagramSocket(0, LOOPBACK);
                DatagramSocket one = new DatagramSocket(0, LOOPBACK);
                DatagramSocket two = new DatagramSocket(0, LOOPBACK)) {
            serve(Protocol.UDP, null, upstream(limited(0, null, 1), endpoint.getLocalPort()));
            ask(one, endpoint);
            send(two);
            ProxyFixture.await(() -> metric("coppice_gateway_upstream_refused", "reason", "parallel-requests") == 1);
            // Whoever is there goes on.
            ask(one, endpoint);
            assertThat(reading().parallelRequests()).isEqualTo(1);
            assertThat(proxy.plane.apply(GatewayConfig.EMPTY)).isEmpty();
        }
    }

    @Test
    void datagramsThatAreTakenWithoutAWordKeepItClosed() throws Exception {
        Breaker impatient = new Breaker(
                Breaker.Mode.AUTOMATIC, 0, 10, 3, 50, List.of(503), 50, 1, 600 * SECOND, 600 * SECOND, 1, 0);
        ResilienceConfig resilience = new ResilienceConfig(
                impatient, null, new ResilienceConfig.Concurrency(1, 100, 150, 600 * SECOND), null, null);
        try (DatagramSocket endpoint = new DatagramSocket(0, LOOPBACK);
                DatagramSocket client = new DatagramSocket(0, LOOPBACK)) {
            serve(Protocol.UDP, null, upstream(resilience, endpoint.getLocalPort()));
            send(client);
            ProxyFixture.await(() -> Objects.requireNonNull(reading().breaker()).calls() == 1);
            assertThat(Objects.requireNonNull(reading().breaker()).failed()).isZero();
            // Nobody knows how long it took.
            assertThat(Objects.requireNonNull(reading().breaker()).slow()).isZero();
            ProxyFixture.await(() -> reading().waitingForAnswer() == 0);
            assertThat(proxy.plane.apply(GatewayConfig.EMPTY)).isEmpty();
        }
    }

    /** Of two that nobody answers, the second has its place two seconds as well, and not until somebody looks at all of them once. */
    @Test
    void aPlaceIsGivenBackWhenItsTimeIsOver() throws Exception {
        ResilienceConfig resilience = new ResilienceConfig(
                null, null, new ResilienceConfig.Concurrency(2, 100, 150, 600 * SECOND), null, null);
        try (DatagramSocket endpoint = new DatagramSocket(0, LOOPBACK);
                DatagramSocket one = new DatagramSocket(0, LOOPBACK);
                DatagramSocket two = new DatagramSocket(0, LOOPBACK);
                DatagramSocket three = new DatagramSocket(0, LOOPBACK)) {
            serve(Protocol.UDP, null, upstream(resilience, endpoint.getLocalPort()));
            long begun = System.nanoTime();
            send(one);
            ProxyFixture.await(() -> reading().waitingForAnswer() == 1);
            endpoint.setSoTimeout(20_000);
            endpoint.receive(new DatagramPacket(new byte[100], 100));
            ask(two, endpoint);
            // Whoever was answered has none any more.
            assertThat(reading().waitingForAnswer()).isEqualTo(1);
            ProxyFixture.await(() -> reading().waitingForAnswer() == 0);
            assertThat(System.nanoTime() - begun)
                    .as("before sessions are looked at for the first time")
                    .isBetween(2 * SECOND, 5 * SECOND);
            send(three);
            ProxyFixture.await(() -> reading().waitingForAnswer() == 1);
            assertThat(proxy.plane.apply(GatewayConfig.EMPTY)).isEmpty();
        }
    }

    @Test
    void datagramsThatNobodyTakesOpenTheBreaker() throws Exception {
        int nobody = FreePorts.next();
        try (DatagramSocket client = new DatagramSocket(0, LOOPBACK)) {
            serve(Protocol.UDP, null, upstream(broken(Breaker.Mode.AUTOMATIC), nobody));
            for (int i = 1; i <= 3; i++) {
                int failures = i;
                send(client);
                ProxyFixture.await(() -> metric("coppice_gateway_streams_broken", "reason", "reset") == failures);
            }
            assertThat(Objects.requireNonNull(reading().breaker()).state()).isEqualTo(CircuitBreaker.State.OPEN);
            send(client);
            ProxyFixture.await(() -> metric("coppice_gateway_upstream_refused", "reason", "circuit-breaker") == 1);
            awaitLog("\"protocol\":\"UDP\"", "\"status\":502", "\"reason\":\"reset\"");
        }
    }
}
