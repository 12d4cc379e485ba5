package dev.coppice.acceptance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.acceptance.Shell;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The echo backends alone; no node is needed. */
final class EchoBackendsTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final String DEPLOYMENT = """
            kind: Deployment
            metadata: {name: echo, namespace: ns}
            spec:
              replicas: 2
              template:
                metadata: {labels: {app: echo, tier: back}}
                spec:
                  containers:
                  - image: example/echo-basic
                    env: [{name: SERVICE_NAME, value: a-service}]
            """;
    private static final String SERVICE = """
            kind: Service
            metadata: {name: svc, namespace: ns}
            spec:
              selector: {app: echo}
              ports: [{name: first, port: 8080, targetPort: 3000, appProtocol: kubernetes.io/ws}]
            """;

    private final EchoBackends backends = new EchoBackends((_, _) -> null);
    private EchoPod pod;

    @BeforeEach
    void start() throws Exception {
        backends.start(YAML.readTree(DEPLOYMENT));
        pod = backends.named("ns", "echo-").getFirst();
    }

    @AfterEach
    void stop() {
        backends.close();
    }

    private ExchangeRunner.Got get(String target, Map<String, String> headers) throws IOException {
        return ExchangeRunner.send(
                new ExchangeRunner.Target(pod.address(), EchoPod.HTTP_PORT, null),
                new Exchange.Request("GET", target, "a.example", List.copyOf(headers.entrySet()), "", "", ""),
                target,
                "");
    }

    @Test
    void echoesWhatItSees() throws Exception {
        JsonNode seen = get("/a/b?c=d", Map.of("X-One", "1")).seen();
        assertThat(seen.path("path").asText()).isEqualTo("/a/b?c=d");
        assertThat(seen.path("host").asText()).isEqualTo("a.example");
        assertThat(seen.path("method").asText()).isEqualTo("GET");
        assertThat(seen.path("headers").path("X-One").path(0).asText()).isEqualTo("1");
        assertThat(seen.path("namespace").asText()).isEqualTo("ns");
        assertThat(seen.path("pod").asText()).startsWith("echo-");
        assertThat(seen.path("service").asText()).isEqualTo("a-service");
        assertThat(pod.count("/a/b?c=d")).isEqualTo(1);
    }

    @Test
    void setsHeadersAndStatusesWhenAsked() throws Exception {
        RawHttp.Answer answer =
                get("/", Map.of("X-Echo-Set-Header", "X-A:1,X-B: two,X-A:3")).answer();
        assertThat(answer.header("x-a")).isEqualTo("1,3");
        assertThat(answer.header("x-b")).isEqualTo("two");
        assertThat(get("/status/418", Map.of()).answer().status()).isEqualTo(418);
        assertThat(get("/?delay=1ms", Map.of()).answer().status()).isEqualTo(200);
    }

    @Test
    void firstAttemptsFailWhenAsked() throws Exception {
        String withCode = "/retry?responseCode=503&succeedAfter=2&uuid=a";
        assertThat(get(withCode, Map.of()).answer().status()).isEqualTo(503);
        assertThat(get(withCode, Map.of()).answer().status()).isEqualTo(503);
        assertThat(get(withCode, Map.of()).answer().status()).isEqualTo(200);
        String withoutCode = "/retry?succeedAfter=1&uuid=b";
        assertThatThrownBy(() -> get(withoutCode, Map.of())).isInstanceOf(IOException.class);
        assertThat(get(withoutCode, Map.of()).answer().status()).isEqualTo(200);
    }

    @Test
    void echoesMessagesOfWebSockets() throws Exception {
        assertThat(WebSocketClient.echo(pod.address(), EchoPod.HTTP_PORT, "/ws", "hello"))
                .isEqualTo("hello");
    }

    @Test
    void speaksHttp2WithoutTls() throws Exception {
        Shell.need("curl");
        String url = "http://" + pod.address() + ":" + EchoPod.H2C_PORT + "/h2?delay=1ms";
        String body = Shell.run(Duration.ofSeconds(20), "curl", "-sS", "--http2-prior-knowledge", url)
                .succeeds()
                .output();
        assertThat(YAML.readTree(body).path("proto").asText()).isEqualTo("HTTP/2.0");
        assertThat(YAML.readTree(body).path("host").asText()).isEqualTo(pod.address() + ":" + EchoPod.H2C_PORT);
    }

    private static String echoing(String variable) {
        return """
                metadata: {name: %1$s, namespace: ns}
                spec: {template: {metadata: {labels: {app: x}}, spec: {containers: [{image: echo, env: [{name: %2$s, value: "1"}]}]}}}
                """.formatted("other", variable);
    }

    private String problem(String variable, int port, String call, String gives) throws Exception {
        JsonNode deployment = YAML.readTree(echoing(variable));
        backends.start(deployment);
        try {
            Exchange exchange = ExchangeRows.parse("| 1 | " + call + " | " + gives + " |");
            assertThat(exchange).isNotNull();
            assertThat(exchange.notUnderstood()).isEmpty();
            EchoPod other = backends.named("ns", "other-").getFirst();
            return OtherCalls.once(new ExchangeRunner.Target(other.address(), port, null), exchange, "a.example");
        } finally {
            backends.stop(deployment);
        }
    }

    @Test
    void echoesLinesDatagramsAndCalls() throws Exception {
        String stream = "served by `%s` in `ns`; backend itself speaks TLS: %s";
        for (String[] row : new String[][] {{"other", "no"}, {"another", "no"}, {"other", "yes"}}) {
            String problem = problem(
                    "TCP_ECHO_SERVER", EchoPod.HTTP_PORT, "TCP/TLS echo request", stream.formatted((Object[]) row));
            assertThat(problem == null)
                    .as(String.join(" ", row) + problem)
                    .isEqualTo(row[0].equals("other") && row[1].equals("no"));
        }
        assertThat(problem(
                        "UDP_ECHO_SERVER",
                        EchoPod.DATAGRAM_PORT,
                        "UDP echo datagram",
                        "answer names service `` in `ns`"))
                .isNull();
        assertThat(problem(
                        "UDP_ECHO_SERVER",
                        EchoPod.DATAGRAM_PORT,
                        "UDP echo datagram",
                        "answer names service `a` in `ns`"))
                .isNotNull();
        String call = "gRPC call `" + GrpcEcho.SERVICE + "/%s`, authority `a.example`, metadata `X-A: 1`";
        String served = "gRPC status OK; served by `%s` in `ns`";
        assertThat(problem("GRPC_ECHO_SERVER", EchoPod.HTTP_PORT, call.formatted("Echo"), served.formatted("other")))
                .isNull();
        assertThat(problem("GRPC_ECHO_SERVER", EchoPod.HTTP_PORT, call.formatted("Echo"), served.formatted("another")))
                .isNotNull();
        assertThat(problem(
                        "GRPC_ECHO_SERVER", EchoPod.HTTP_PORT, call.formatted("EchoThree"), served.formatted("other")))
                .isNotNull();
        assertThat(problem(
                        "GRPC_ECHO_SERVER",
                        EchoPod.HTTP_PORT,
                        call.formatted("EchoThree"),
                        "gRPC status Unimplemented"))
                .isNull();
    }

    @Test
    void tellsEndpointsOfAService() throws Exception {
        JsonNode slice = backends.endpointSlice(YAML.readTree(SERVICE));
        assertThat(slice.at("/metadata/labels/kubernetes.io~1service-name").asText())
                .isEqualTo("svc");
        assertThat(slice.at("/ports/0/port").asInt()).isEqualTo(3000);
        assertThat(slice.at("/ports/0/appProtocol").asText()).isEqualTo("kubernetes.io/ws");
        assertThat(slice.path("endpoints")).hasSize(2);
        assertThat(slice.at("/endpoints/0/addresses/0").asText()).isEqualTo(pod.address());
        assertThat(slice.at("/endpoints/0/conditions/ready").asBoolean()).isTrue();
    }

    @Test
    void stopsReplicas() throws Exception {
        String address = pod.address();
        backends.stop(YAML.readTree(DEPLOYMENT));
        // The kernel may let go of the port a little later.
        assertThat(new Patience(Duration.ofSeconds(20), _ -> false).until(() -> {
                    try (Socket socket = RawHttp.connect(address, EchoPod.HTTP_PORT, null, "")) {
                        return "still there: " + socket;
                    } catch (IOException e) {
                        return null;
                    }
                }))
                .isNull();
        assertThat(backends.named("ns", "echo-")).isEmpty();
    }
}
