package dev.coppice.distribution.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.coppice.kernel.SimulatedClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StrategiesTest {
    private final SimulatedClock clock = new SimulatedClock();

    @TempDir
    Path directory;

    private static InetSocketAddress at(String host, int port) {
        return InetSocketAddress.createUnresolved(host, port);
    }

    private Strategy parse(String text) {
        return Strategies.parse(text, clock, "a", at("a.example", 2380));
    }

    @Test
    void areReadAsTheyAreWritten() throws IOException {
        assertThat(parse("static:b:1, [::1]:2").discover()).containsExactlyInAnyOrder(at("b", 1), at("::1", 2));
        assertThat(parse("dns:nodes.example:2380")).isInstanceOf(DnsStrategy.class);
        assertThat(parse("kubernetes:prod/coppice:2380")).isEqualTo(KubernetesStrategy.inPod("prod", "coppice", 2380));
        assertThat(parse("gossip:b:1").discover()).containsExactly(at("b", 1));
        for (String wrong : List.of("", "static:", "static:b", "dns:x:0", "kubernetes:x:1", "directory:", "udp:b:1")) {
            assertThatThrownBy(() -> parse(wrong))
                    .as(wrong)
                    .isInstanceOf(RuntimeException.class)
                    .hasMessageContaining("no way to find nodes: expected static:");
        }
    }

    @Test
    void dnsGivesAllAddressesOfAName() throws IOException {
        InetAddress[] both = {InetAddress.getByName("10.0.0.1"), InetAddress.getByName("10.0.0.2")};
        DnsStrategy strategy = new DnsStrategy("nodes.example", 2380, host -> both);
        assertThat(strategy.discover())
                .containsExactly(new InetSocketAddress(both[0], 2380), new InetSocketAddress(both[1], 2380));
    }

    @Test
    void aSharedDirectoryTellsWhoWroteLately() throws IOException {
        Duration stale = Duration.ofSeconds(60);
        DirectoryStrategy a = new DirectoryStrategy(clock, directory, "a", at("a", 1), stale);
        DirectoryStrategy b = new DirectoryStrategy(clock, directory, "b", at("b", 2), stale);
        Files.writeString(directory.resolve("broken.node"), "what is this");
        assertThat(a.discover()).containsExactly(at("a", 1));
        assertThat(b.discover()).containsExactlyInAnyOrder(at("a", 1), at("b", 2));
        clock.advance(Duration.ofSeconds(61));
        assertThat(b.discover()).containsExactly(at("b", 2));
    }

    @Test
    void kubernetesGivesTheEndpointsOfAService() throws IOException {
        List<String> asked = new CopyOnWriteArrayList<>();
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            asked.add(exchange.getRequestURI() + " "
                    + exchange.getRequestHeaders().getFirst("Authorization"));
            byte[] body = """
                    {"items":[{"endpoints":[
                      {"addresses":["10.0.0.1"],"conditions":{"ready":false}},
                      {"addresses":["10.0.0.2"],"conditions":{"terminating":true}}]},
                     {"endpoints":[{"addresses":["fd00::3"],"conditions":{}}]}]}""".getBytes(StandardCharsets.UTF_8);
            boolean known = exchange.getRequestURI().getPath().contains("/prod/");
            exchange.sendResponseHeaders(known ? 200 : 403, known ? body.length : -1);
            if (known) {
                exchange.getResponseBody().write(body);
            }
            exchange.close();
        });
        server.start();
        try {
            URI api = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
            Path token = Files.writeString(directory.resolve("token"), "secret\n");
            assertThat(new KubernetesStrategy(api, token, null, "prod", "coppice", 2380).discover())
                    .isEqualTo(Set.of(at("10.0.0.1", 2380), at("fd00::3", 2380)));
            assertThat(asked)
                    .containsExactly("/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices?limit=500"
                            + "&labelSelector=kubernetes.io%2Fservice-name%3Dcoppice Bearer secret");
            assertThatThrownBy(() -> new KubernetesStrategy(api, null, null, "other", "coppice", 1).discover())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("answers 403")
                    .hasMessageContaining("list endpointslices in other");
        } finally {
            server.stop(0);
        }
    }
}
