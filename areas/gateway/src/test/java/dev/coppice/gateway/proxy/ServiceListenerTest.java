package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ClientNamespace;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ListenerConfig.Protocol;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Ports of Services: clients of a namespace with routes of its own have those, all others the producer's. */
class ServiceListenerTest {
    private static final String SERVICE = "127.96.3.1";
    private static final String STRANGER = "127.9.3.1";
    private static final String CONSUMER = "127.9.3.2";

    private ProxyFixture proxy;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
    }

    @AfterEach
    void stop() {
        proxy.close();
    }

    private ListenerConfig listener(Protocol protocol, String upstream, String consumers) {
        RouteConfig route =
                new RouteConfig("HTTPRoute", "default", upstream, 0, List.of(), List.of(ProxyFixture.rule(upstream)));
        return ListenerConfig.ofService(
                "default/web", "http", SERVICE, proxy.port, protocol, List.of(route), consumers);
    }

    private void serve(Protocol protocol, List<ClientNamespace> clients, UpstreamConfig... upstreams) {
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(
                                List.of(listener(protocol, "producer", ""), listener(protocol, "consumer", "users")),
                                List.of(upstreams))
                        .clientNamespaces(clients)
                        .build()))
                .isEmpty();
    }

    private static UpstreamConfig bytes(String name, int port) {
        return new UpstreamConfig(
                name, UpstreamConfig.Protocol.BYTES, List.of(new UpstreamConfig.Endpoint("127.0.0.1", port)));
    }

    private Socket connect(String from) throws Exception {
        Socket socket = new Socket();
        socket.setSoTimeout(10_000);
        socket.bind(new InetSocketAddress(from, 0));
        socket.connect(new InetSocketAddress(SERVICE, proxy.port));
        return socket;
    }

    private static String ask(Socket socket) throws Exception {
        socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: web\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        StringBuilder answer = new StringBuilder();
        while (!answer.toString().matches("(?s).*\r\n\r\n(producer|consumer).*")) {
            int c = socket.getInputStream().read();
            if (c < 0) {
                return answer.toString();
            }
            answer.append((char) c);
        }
        return answer.toString().replaceFirst("(?s).*\r\n\r\n", "");
    }

    @Test
    void requestsGoByTheNamespaceOfTheirClientAndSoDoThoseOfConnectionsThatWereThere() throws Exception {
        List<ClientNamespace> users = List.of(new ClientNamespace("users", List.of(CONSUMER)));
        try (Backend producer = Backend.saying("producer");
                Backend consumer = Backend.saying("consumer")) {
            UpstreamConfig[] upstreams = {
                ProxyFixture.upstream("producer", producer.port()), ProxyFixture.upstream("consumer", consumer.port())
            };
            serve(Protocol.HTTP, users, upstreams);
            try (Socket stranger = connect(STRANGER);
                    Socket own = connect(CONSUMER)) {
                assertThat(ask(stranger)).isEqualTo("producer");
                assertThat(ask(own)).isEqualTo("consumer");
                serve(Protocol.HTTP, List.of(new ClientNamespace("users", List.of(STRANGER))), upstreams);
                assertThat(ask(stranger)).isEqualTo("consumer");
                assertThat(ask(own)).isEqualTo("producer");
            }
        }
        proxy.awaitNothingOpen();
    }

    @Test
    void streamsGoByTheNamespaceOfTheirClient() throws Exception {
        List<ClientNamespace> users = List.of(new ClientNamespace("users", List.of(CONSUMER)));
        try (Backend producer = Backend.saying("producer");
                Backend consumer = Backend.saying("consumer")) {
            serve(Protocol.TCP, users, bytes("producer", producer.port()), bytes("consumer", consumer.port()));
            try (Socket stranger = connect(STRANGER);
                    Socket own = connect(CONSUMER)) {
                assertThat(ask(stranger)).isEqualTo("producer");
                assertThat(ask(own)).isEqualTo("consumer");
            }
        }
        proxy.awaitNothingOpen();
    }

    @Test
    void datagramsGoByTheNamespaceOfTheirClient() throws Exception {
        List<ClientNamespace> users = List.of(new ClientNamespace("users", List.of(CONSUMER)));
        try (DatagramSocket producer = new DatagramSocket(0, InetAddress.ofLiteral("127.0.0.1"));
                DatagramSocket consumer = new DatagramSocket(0, InetAddress.ofLiteral("127.0.0.1"));
                DatagramSocket client = new DatagramSocket(0, InetAddress.ofLiteral(CONSUMER))) {
            consumer.setSoTimeout(10_000);
            serve(
                    Protocol.UDP,
                    users,
                    bytes("producer", producer.getLocalPort()),
                    bytes("consumer", consumer.getLocalPort()));
            byte[] said = "hello".getBytes(StandardCharsets.US_ASCII);
            client.send(new DatagramPacket(said, said.length, new InetSocketAddress(SERVICE, proxy.port)));
            DatagramPacket got = new DatagramPacket(new byte[100], 100);
            consumer.receive(got);
            assertThat(new String(got.getData(), 0, got.getLength(), StandardCharsets.US_ASCII))
                    .isEqualTo("hello");
        }
    }
}
