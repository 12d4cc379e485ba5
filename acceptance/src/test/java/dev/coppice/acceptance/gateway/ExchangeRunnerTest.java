package dev.coppice.acceptance.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** That answers are told to be wrong where they are, against an echo backend and a server of redirects. */
final class ExchangeRunnerTest {
    private static final String DEPLOYMENT = """
            metadata: {name: echo, namespace: ns}
            spec: {template: {metadata: {labels: {app: echo}}, spec: {containers: [{image: echo-basic}]}}}
            """;

    private final EchoBackends backends = new EchoBackends((_, _) -> null);
    private HttpServer redirects;
    private ExchangeRunner.Target echo;

    @BeforeEach
    void start() throws Exception {
        backends.start(new ObjectMapper(new YAMLFactory()).readTree(DEPLOYMENT));
        EchoPod pod = backends.named("ns", "echo-").getFirst();
        echo = new ExchangeRunner.Target(pod.address(), EchoPod.HTTP_PORT, null);
        redirects = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        redirects.createContext("/", exchange -> {
            exchange.getResponseHeaders().set("Location", "https://b.example:8443/new");
            exchange.sendResponseHeaders(302, -1);
            exchange.close();
        });
        redirects.start();
    }

    @AfterEach
    void stop() {
        redirects.stop(0);
        backends.close();
    }

    private static String problem(ExchangeRunner.Target target, String request, String gives) throws Exception {
        Exchange exchange = ExchangeRows.parse("| 1 | " + request + " | " + gives + " |");
        assertThat(exchange).isNotNull();
        assertThat(exchange.notUnderstood()).isEmpty();
        return ExchangeRunner.once(target, exchange, "");
    }

    private void holds(String request, String gives) throws Exception {
        assertThat(problem(echo, request, gives)).as(request + " → " + gives).isNull();
    }

    private void doesNotHold(String request, String gives) throws Exception {
        assertThat(problem(echo, request, gives)).as(request + " → " + gives).isNotNull();
    }

    @Test
    void answersOfBackends() throws Exception {
        holds("GET `/a`, host `a.example`, headers `X-A: 1`", "status 200; served by `echo` in `ns`");
        doesNotHold("GET `/a`", "status 404");
        doesNotHold("GET `/a`", "status 200; served by `other` in `ns`");
        doesNotHold("GET `/a`", "status 200; served by `echo` in `other`");
        doesNotHold("GET `/a`", "the request fails (TLS handshake refused)");
        doesNotHold("GET `/a`", "an HTTP answer with any status but 200");
        holds("GET `/status/503`", "status 500 or 503");
        // Who served counts for answers of backends only.
        holds("GET `/status/500`", "status 500; served by `other` in `ns`");
    }

    @Test
    void whatBackendsSee() throws Exception {
        holds("GET `/a`, host `a.example`", "status 200; backend sees path `/a`, host `a.example`");
        doesNotHold("GET `/a`, host `a.example`", "status 200; backend sees path `/a`, host `b.example`");
        doesNotHold("GET `/a`", "status 200; backend sees path `/b`");
        doesNotHold("GET `/a`", "status 200; backend sees path `/a`, headers `X-A: 1`");
        holds("GET `/a`, headers `x-a: 1`; `X-A: 2`", "status 200; backend sees path `/a`, headers `X-A: 1,2`");
        doesNotHold("GET `/a`, headers `x-a: 1`", "status 200; backend must not see header X-A");
    }

    @Test
    void headersOfAnswers() throws Exception {
        holds("GET `/`, headers `X-Echo-Set-Header: X-A:1`", "status 200; response headers `X-A: 1`");
        doesNotHold("GET `/`", "status 200; response headers `X-A: 1`");
        doesNotHold("GET `/`, headers `X-Echo-Set-Header: X-A:1`", "status 200; response must not carry X-A");
    }

    @Test
    void redirects() throws Exception {
        ExchangeRunner.Target target =
                new ExchangeRunner.Target("127.0.0.1", redirects.getAddress().getPort(), null);
        assertThat(problem(
                        target,
                        "GET `/old`, redirects not followed",
                        "status 302; redirect to scheme `https`, host `b.example`, port `8443`, path `/new`"))
                .isNull();
        for (String wrong : new String[] {
            "scheme `http`, host `b.example`, port `8443`, path `/new`",
            "scheme `https`, port `8443`, path `/new`",
            "scheme `https`, host `b.example`, path `/new`",
            "scheme `https`, host `b.example`, port `8443`",
            "host `b.example`, port `8443`, path `/new`"
        }) {
            assertThat(problem(target, "GET `/old`", "status 302; redirect to " + wrong))
                    .as(wrong)
                    .isNotNull();
        }
    }
}
