package dev.coppice.gateway.acme;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.GatewayKinds;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where it is looked for challenges. */
@Timeout(60)
final class PresenceTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static void gateway(CertificateWorld world, String namespace, String name, int port, String from)
            throws Exception {
        ObjectNode gateway = (ObjectNode) JSON.readTree("""
                {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                 "metadata": {"name": "%s", "namespace": "%s"},
                 "spec": {"gatewayClassName": "coppice", "listeners": [
                   {"name": "http", "protocol": "HTTP", "port": %d, "allowedRoutes": {"namespaces": {"from": "%s"}}}]},
                 "status": {"addresses": [{"type": "IPAddress", "value": "127.0.0.1"}]}}
                """.formatted(name, namespace, port, from));
        ObjectNode _ = world.client.create(GatewayKinds.GATEWAY.type(), gateway);
        ObjectNode _ = world.client.mergePatch(GatewayKinds.GATEWAY.type(), namespace, name, "status", (ObjectNode)
                JSON.createObjectNode().set("status", gateway.get("status")));
    }

    private static String problem(CertificateWorld world) throws Exception {
        ObjectNode challenge = (ObjectNode) JSON.readTree("""
                {"apiVersion": "acme.cert-manager.io/v1", "kind": "Challenge",
                 "metadata": {"name": "shop", "namespace": "default"},
                 "spec": {"url": "https://acme.example/1", "authorizationURL": "https://acme.example/2",
                  "dnsName": "shop.example", "type": "HTTP-01", "token": "tok", "key": "tok.print",
                  "issuerRef": {"name": "acme"}, "solver": {"http01": {"gatewayHTTPRoute": {}}}}}
                """);
        Presence presence = new Presence(
                world.kernel, world.informer(GatewayKinds.GATEWAY), world.informer(GatewayKinds.LISTENER_SET));
        return presence.problem(RecordInformer.read(CertificateKinds.CHALLENGE, challenge));
    }

    @Test
    void listenersOfOthersDoNotHideOnesOwn() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/.well-known/acme-challenge/tok", exchange -> {
            byte[] key = "tok.print".getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(200, key.length);
            exchange.getResponseBody().write(key);
            exchange.close();
        });
        server.start();
        try (CertificateWorld world = new CertificateWorld()) {
            for (int i = 1; i <= 40; i++) {
                gateway(world, "a-tenant", "closed-" + i, i, "Same");
            }
            gateway(world, "default", "edge", server.getAddress().getPort(), "Same");
            assertThat(problem(world)).isNull();
            // Those that may show it are looked at, after one's own.
            for (int i = 1; i <= 40; i++) {
                gateway(world, "a-tenant", "open-" + i, i, "All");
            }
            assertThat(problem(world)).startsWith("it is not shown everywhere yet: 127.0.0.1 port ");
        } finally {
            server.stop(0);
        }
    }
}
