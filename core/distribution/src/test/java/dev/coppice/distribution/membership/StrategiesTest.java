package dev.coppice.distribution.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.SimulatedClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
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

    /** The examples of "Authenticating Requests: Using the Authorization Header" in Amazon's description of S3. */
    @Test
    void requestsToS3AreSignedAsInAmazonsExamples() {
        AwsSignature signature =
                new AwsSignature("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", null, "us-east-1");
        Instant then = Instant.parse("2013-05-24T00:00:00Z");
        assertThat(signature.headers("GET", URI.create("https://examplebucket.s3.amazonaws.com/?lifecycle="), then))
                .containsEntry("x-amz-date", "20130524T000000Z")
                .extractingByKey("Authorization")
                .isEqualTo("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                        + "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
                        + "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
        assertThat(signature.headers(
                        "GET", URI.create("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J"), then))
                .extractingByKey("Authorization")
                .asString()
                .endsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
        assertThat(signature).asString().doesNotContain("wJalr");
    }

    @Test
    void aBucketTellsWhoWroteLately() throws IOException {
        // The server tells the time of this machine; the nodes' clock is far from it.
        Clock storeClock = Clock.system();
        Map<String, Instant> objects = new ConcurrentSkipListMap<>();
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/nodes", exchange -> {
            String authorization = exchange.getRequestHeaders().getFirst("Authorization");
            boolean known = authorization.startsWith("AWS4-HMAC-SHA256 Credential=key/")
                    && "session".equals(exchange.getRequestHeaders().getFirst("x-amz-security-token"));
            StringBuilder body = new StringBuilder();
            if (exchange.getRequestMethod().equals("PUT")) {
                objects.put(exchange.getRequestURI().getPath().substring("/nodes/".length()), storeClock.now());
            } else {
                assertThat(exchange.getRequestURI().getRawQuery())
                        .isEqualTo("list-type=2&max-keys=1000&prefix=prod%20a%2F");
                body.append("<?xml version=\"1.0\"?><ListBucketResult><Name>nodes</Name>");
                objects.forEach((key, at) -> body.append("<Contents><Key>" + key + "</Key><LastModified>" + at
                        + "</LastModified><Size>0</Size></Contents>"));
                body.append("</ListBucketResult>");
            }
            String answer = known ? body.toString() : "<Error><Code>AccessDenied</Code></Error>";
            exchange.sendResponseHeaders(known ? 200 : 403, answer.isEmpty() ? -1 : answer.length());
            if (!answer.isEmpty()) {
                exchange.getResponseBody().write(answer.getBytes(StandardCharsets.UTF_8));
            }
            exchange.close();
        });
        server.start();
        try {
            Map<String, String> environment = new HashMap<>(Map.of(
                    "AWS_ACCESS_KEY_ID", "key",
                    "AWS_SECRET_ACCESS_KEY", "secret",
                    "AWS_SESSION_TOKEN", "session",
                    "AWS_ENDPOINT_URL",
                            "http://127.0.0.1:" + server.getAddress().getPort() + "/"));
            Duration stale = Duration.ofSeconds(60);
            S3Strategy a = S3Strategy.of("nodes/prod a/", environment, clock, "a", at("a", 1), stale);
            S3Strategy b = S3Strategy.of("nodes/prod a/", environment, clock, "b", at("::1", 2), stale);
            objects.put("prod a/what is this", storeClock.now());
            objects.put("prod a/gone/gone:3", storeClock.now().minusSeconds(61));
            assertThat(a.discover()).containsExactly(at("a", 1));
            assertThat(b.discover()).containsExactlyInAnyOrder(at("a", 1), at("::1", 2));
            assertThat(objects).containsKeys("prod a/a/a:1", "prod a/b/[::1]:2");
            environment.remove("AWS_SESSION_TOKEN");
            assertThatThrownBy(() -> S3Strategy.of("nodes", environment, clock, "a", at("a", 1), stale)
                            .discover())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("answers 403")
                    .hasMessageContaining("AccessDenied")
                    .hasMessageContaining("s3:ListBucket");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aBucketNeedsANameAndCredentials() {
        assertThatThrownBy(() -> S3Strategy.of("N/x", Map.of(), clock, "a", at("a", 1), Duration.ofSeconds(1)))
                .hasMessageContaining("\"N\" is no name of a bucket: expected 3 to 63");
        assertThatThrownBy(() -> S3Strategy.of("nodes/x", Map.of(), clock, "a", at("a", 1), Duration.ofSeconds(1)))
                .hasMessageContaining("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        Map<String, String> credentials =
                Map.of("AWS_ACCESS_KEY_ID", "k", "AWS_SECRET_ACCESS_KEY", "s", "AWS_REGION", "eu-west-1");
        assertThat(S3Strategy.of("nodes", credentials, clock, "a", at("a", 1), Duration.ofSeconds(1))
                        .bucket())
                .hasToString("https://nodes.s3.eu-west-1.amazonaws.com");
    }
}
