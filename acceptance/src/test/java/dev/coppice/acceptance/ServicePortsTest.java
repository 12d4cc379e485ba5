package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.coppice.kernel.FreePorts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A port of a Service that another process has. */
final class ServicePortsTest {
    private static final String ADDRESS = "127.122.0.7";

    @TempDir
    private Path folder;

    @Test
    void aPortThatSomebodyHasIsToldAndServedOnceItIsFree() throws Exception {
        Shell.need("kubectl", "curl");
        int port = FreePorts.next();
        HttpServer backend = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        backend.createContext("/", exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        backend.start();
        String manifests = """
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec: {clusterIP: %1$s, ports: [{name: http, port: %2$d}]}
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: web, labels: {kubernetes.io/service-name: web}}
                addressType: IPv4
                ports: [{name: http, port: %3$d}]
                endpoints: [{addresses: [127.0.0.1]}]
                ---
                apiVersion: gateway.coppice.dev/v1
                kind: BackendTrafficPolicy
                metadata: {name: web}
                spec: {targetRefs: [{group: "", kind: Service, name: web}], loadBalancer: {}}
                """.formatted(ADDRESS, port, backend.getAddress().getPort());
        try (RunningCoppice coppice =
                RunningCoppice.up(folder.resolve("data"), "--service-cluster-ip-range", "127.122.0.0/24")) {
            try (ServerSocket taken = new ServerSocket(port, 1, InetAddress.getByName(ADDRESS))) {
                assertThat(taken.isBound()).isTrue();
                Shell.Outcome _ =
                        coppice.kubectlWithInput(manifests, "apply", "-f", "-").succeeds();
                GatewayTest.await("told", () -> described(coppice).contains("PortNotOpened"));
            }
            String described = described(coppice);
            assertThat(described)
                    .containsPattern("Warning +PortNotOpened .*port " + port + " of " + ADDRESS
                            + " cannot be opened: .*; it is tried again");
            GatewayTest.await(
                    "served",
                    () -> Shell.run(
                                    Duration.ofSeconds(20),
                                    "curl",
                                    "-s",
                                    "-o",
                                    "/dev/null",
                                    "-w",
                                    "%{http_code}",
                                    "http://" + ADDRESS + ":" + port + "/")
                            .output()
                            .equals("204"));
            assertThat(described(coppice).split("PortNotOpened", -1)).hasSize(2);
            GatewayTest.await(
                    "the policy is told at the Service",
                    () -> coppice.kubectl(
                                    "get",
                                    "backendtrafficpolicy",
                                    "web",
                                    "-o",
                                    "jsonpath={.status.ancestors[*].ancestorRef.kind}"
                                            + " {.status.ancestors[*].conditions[?(@.type=='Accepted')].status}")
                            .output()
                            .equals("Service True"));
        } finally {
            backend.stop(0);
        }
    }

    private static String described(RunningCoppice coppice) throws Exception {
        return coppice.kubectl("describe", "service", "web").output();
    }
}
