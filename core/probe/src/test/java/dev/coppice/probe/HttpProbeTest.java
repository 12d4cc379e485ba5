package dev.coppice.probe;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HttpProbeTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private final Kernel kernel = Kernel.start();
    private final Prober prober = new Prober(kernel, ProberOptions.DEFAULT);

    @AfterEach
    void stop() {
        kernel.close();
    }

    private ProbeResult get(ScriptedServer server) throws Exception {
        return prober.probe(ProbeSpec.Http.get(server.url("/")), TIMEOUT);
    }

    private ProbeResult answer(String text) throws Exception {
        try (var server = ScriptedServer.answering(kernel, text)) {
            return get(server);
        }
    }

    private ProbeResult asserted(String body, Assertion assertion) throws Exception {
        try (var server = ScriptedServer.answering(
                kernel, "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)) {
            return prober.probe(
                    ProbeSpec.Http.builder(server.url("/"))
                            .assertions(List.of(assertion))
                            .build(),
                    TIMEOUT);
        }
    }

    @Test
    void reportsAnAnswerWithALength() throws Exception {
        var result = answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello");
        assertThat(result.reason()).isEmpty();
        assertThat(result.outcome()).isEqualTo(Outcome.SUCCESS);
        assertThat(result.excerpt()).isEqualTo("hello");
        assertThat(result.address()).isEqualTo("127.0.0.1");
        assertThat(result.ipProtocol()).isEqualTo(4);
        assertThat(result.http().status()).isEqualTo(200);
        assertThat(result.http().version()).isEqualTo("1.1");
        assertThat(result.http().headers()).containsEntry("x-a", "1, 2");
        assertThat(result.http().contentLength()).isEqualTo(5);
        assertThat(result.http().bodyBytes()).isEqualTo(5);
        assertThat(result.duration()).isPositive();
    }

    @Test
    void readsChunks() throws Exception {
        var result = answer(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n");
        assertThat(result.reason()).isEmpty();
        assertThat(result.excerpt()).isEqualTo("abc0123456789");
        assertThat(result.http().contentLength()).isEqualTo(-1);
    }

    @Test
    void readsUntilTheEndOfTheConnection() throws Exception {
        assertThat(answer("HTTP/1.0 200 OK\r\n\r\nall of it").excerpt()).isEqualTo("all of it");
    }

    @Test
    void acceptsLinesThatEndInALineFeedOnly() throws Exception {
        assertThat(answer("HTTP/1.1 200 OK\nContent-Length: 2\n\nok").excerpt()).isEqualTo("ok");
    }

    @Test
    void skipsInterimResponses() throws Exception {
        var result = answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
        assertThat(result.http().status()).isEqualTo(204);
    }

    @Test
    void failsOnAnUnexpectedStatusInWords() throws Exception {
        var result = answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        assertThat(result.outcome()).isEqualTo(Outcome.UNEXPECTED);
        assertThat(result.reason()).isEqualTo("status 503, expected 200-299");
    }

    @Test
    void refusesWhatIsNotHttp() throws Exception {
        for (var garbage : List.of(
                "SSH-2.0-OpenSSH_9.2\r\n",
                "\0\1\2\3\4\n",
                "HTTP/1.1 2x0 OK\r\n\r\n",
                "HTTP/3.0 200 OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                "HTTP/1.1 200 OK\r\n : v\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")) {
            assertThat(answer(garbage).outcome()).as(garbage).isEqualTo(Outcome.PROTOCOL_ERROR);
        }
    }

    @Test
    void tellsAnEarlyClose() throws Exception {
        assertThat(answer("").reason()).startsWith("the server closed the connection without an answer");
        assertThat(answer("HTTP/1.1 200 OK\r\nContent-Le").reason()).contains("middle of the header");
        assertThat(answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").reason())
                .contains("7 bytes before the end of the body");
        assertThat(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
                        .reason())
                .contains("middle of a chunk");
    }

    @Test
    void boundsHeaders() throws Exception {
        assertThat(answer("HTTP/1.1 200 OK\r\nX: " + "a".repeat(40_000) + "\r\n\r\n")
                        .reason())
                .contains("header is larger");
        assertThat(answer("HTTP/1.1 200 OK\r\n" + "A: b\r\n".repeat(300) + "\r\n")
                        .reason())
                .contains("more than 200 header fields");
        assertThat(answer("HTTP/1.1 100 Continue\r\n\r\n".repeat(30)).reason()).contains("interim");
    }

    @Test
    void endsADrippingServerAtItsDeadline() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            for (var c : "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".toCharArray()) {
                socket.getOutputStream().write(c);
                kernel.timers().sleep(Duration.ofMillis(50));
            }
        })) {
            long start = kernel.clock().nanoTime();
            var result = prober.probe(ProbeSpec.Http.get(server.url("/")), Duration.ofMillis(400));
            assertThat(result.outcome()).isEqualTo(Outcome.TIMED_OUT);
            assertThat(result.reason()).isEqualTo("timed out after 400 ms while reading the answer");
            assertThat(Duration.ofNanos(kernel.clock().nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
        }
    }

    @Test
    void endsASilentServerAtItsDeadline() throws Exception {
        try (var server = new ScriptedServer(
                kernel, (socket, number) -> socket.getInputStream().readAllBytes())) {
            var result = prober.probe(ProbeSpec.Http.get(server.url("/")), Duration.ofMillis(200));
            assertThat(result.reason()).isEqualTo("timed out after 200 ms while waiting for an answer");
        }
    }

    @Test
    void endsAServerThatNeverReadsAtItsDeadline() throws Exception {
        try (var server =
                new ScriptedServer(kernel, (socket, number) -> kernel.timers().sleep(TIMEOUT))) {
            var spec = ProbeSpec.Http.builder(server.url("/"))
                    .method("POST")
                    .body("x".repeat(20 << 20))
                    .build();
            assertThat(prober.probe(spec, Duration.ofMillis(300)).reason())
                    .isEqualTo("timed out after 300 ms while sending");
        }
    }

    @Test
    void stopsReadingAnEndlessBody() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            ScriptedServer.readHead(socket);
            socket.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(UTF_8));
            var block = new byte[65536];
            while (true) {
                socket.getOutputStream().write(block);
            }
        })) {
            var result = get(server);
            assertThat(result.outcome()).isEqualTo(Outcome.SUCCESS);
            assertThat(result.http().truncated()).isTrue();
            assertThat(result.http().bodyBytes()).isEqualTo(1 << 20);
        }
    }

    @Test
    void followsRedirectsAndStopsInALoop() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            var head = ScriptedServer.readHead(socket);
            socket.getOutputStream()
                    .write((head.startsWith("GET /end")
                                    ? "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"
                                    : head.startsWith("GET /loop")
                                            ? "HTTP/1.1 302 Found\r\nLocation: /loop\r\n\r\n"
                                            : "HTTP/1.1 301 Moved\r\nLocation: end?a=b\r\n\r\n")
                            .getBytes(UTF_8));
        })) {
            var result = get(server);
            assertThat(result.reason()).isEmpty();
            assertThat(result.http().redirects()).isEqualTo(1);
            assertThat(result.http().finalUrl()).endsWith("/end?a=b");
            var loop = prober.probe(ProbeSpec.Http.get(server.url("/loop")), TIMEOUT);
            assertThat(loop.reason()).isEqualTo("redirected more than 10 times, last to /loop");
            var none = prober.probe(
                    ProbeSpec.Http.builder(server.url("/"))
                            .maxRedirects(0)
                            .statuses(List.of(StatusRange.parse("3xx")))
                            .build(),
                    TIMEOUT);
            assertThat(none.reason()).isEmpty();
            assertThat(none.http().status()).isEqualTo(301);
        }
    }

    @Test
    void keepsCredentialsFromOtherHosts() throws Exception {
        var heads = new ConcurrentLinkedQueue<String>();
        try (var other = new ScriptedServer(kernel, (socket, number) -> {
                    heads.add(ScriptedServer.readHead(socket));
                    socket.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(UTF_8));
                });
                var server = new ScriptedServer(kernel, (socket, number) -> {
                    heads.add(ScriptedServer.readHead(socket));
                    socket.getOutputStream()
                            .write(("HTTP/1.1 307 X\r\nLocation: " + other.url("/x") + "\r\n\r\n").getBytes(UTF_8));
                })) {
            var spec = ProbeSpec.Http.builder(server.url("/"))
                    .method("POST")
                    .body("b")
                    .headers(Map.of("Cookie", "c=1", "X-Kept", "k"))
                    .authorization(new Authorization.Basic("u", "p"))
                    .build();
            assertThat(prober.probe(spec, TIMEOUT).reason()).isEmpty();
            assertThat(heads.poll())
                    .startsWith("POST / HTTP/1.1\r\nHost: 127.0.0.1:")
                    .contains("Authorization: Basic dTpw", "Cookie: c=1", "X-Kept: k", "Content-Length: 1");
            assertThat(heads.poll())
                    .startsWith("POST /x ")
                    .contains("X-Kept: k", "Content-Length: 1")
                    .doesNotContain("Authorization", "Cookie");
        }
    }

    @Test
    void refusesMetadataAddressesEvenAfterARedirect() throws Exception {
        var direct = prober.probe(ProbeSpec.Http.get("http://169.254.169.254/latest/"), TIMEOUT);
        assertThat(direct.outcome()).isEqualTo(Outcome.REFUSED_ADDRESS);
        assertThat(answer("HTTP/1.1 302 Found\r\nLocation: http://[fd00:ec2::254]/\r\n\r\n")
                        .outcome())
                .isEqualTo(Outcome.REFUSED_ADDRESS);
        assertThat(answer("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n")
                        .outcome())
                .isEqualTo(Outcome.UNEXPECTED);
    }

    @Test
    void connectsToTheAddressThatItJudged() throws Exception {
        var answers = new ConcurrentLinkedQueue<>(List.of("127.0.0.1", "169.254.169.254"));
        var rebinding = new Prober(
                Kernel.start(),
                ProberOptions.DEFAULT,
                (host, family, timeout) -> List.of(InetAddress.ofLiteral(answers.remove())));
        try (var server = ScriptedServer.answering(kernel, "HTTP/1.1 200 OK\r\n\r\n")) {
            var spec = ProbeSpec.Http.get("http://rebind.test:" + server.port() + "/");
            assertThat(rebinding.probe(spec, TIMEOUT).address()).isEqualTo("127.0.0.1");
            assertThat(rebinding.probe(spec, TIMEOUT).outcome()).isEqualTo(Outcome.REFUSED_ADDRESS);
        }
    }

    @Test
    void triesTheNextAddress() throws Exception {
        var two = new Prober(
                Kernel.start(),
                ProberOptions.DEFAULT,
                (host, family, timeout) ->
                        List.of(InetAddress.ofLiteral("127.0.0.2"), InetAddress.ofLiteral("127.0.0.1")));
        try (var server = ScriptedServer.answering(kernel, "HTTP/1.1 200 OK\r\n\r\n")) {
            var result = two.probe(ProbeSpec.Http.get("http://two.test:" + server.port() + "/"), TIMEOUT);
            assertThat(result.address()).isEqualTo("127.0.0.1");
        }
    }

    @Test
    void tellsARefusedConnection() throws Exception {
        // Nobody listens at the port of tcpmux.
        var result = prober.probe(ProbeSpec.Http.get("http://127.0.0.1:1"), TIMEOUT);
        assertThat(result.outcome()).isEqualTo(Outcome.UNREACHABLE);
        assertThat(result.reason()).isEqualTo("connection refused (127.0.0.1)");
    }

    @Test
    void judgesBodies() throws Exception {
        assertThat(asserted("all is well", new Assertion.BodyContains("well", false))
                        .success())
                .isTrue();
        assertThat(asserted("all is well", new Assertion.BodyContains("bad", false))
                        .reason())
                .isEqualTo("the body does not contain \"bad\"");
        assertThat(asserted("all is well", new Assertion.BodyMatches("^all.*l$", false))
                        .success())
                .isTrue();
        assertThat(asserted("all is well", new Assertion.BodyMatches("is", true))
                        .reason())
                .isEqualTo("the body matches \"is\"");
        assertThat(asserted("", new Assertion.HeaderMatches("x-a", "^b$", false, false))
                        .success())
                .isTrue();
        assertThat(asserted("", new Assertion.HeaderMatches("x-b", "^b$", false, false))
                        .reason())
                .isEqualTo("there is no header x-b");
    }

    @Test
    void judgesJson() throws Exception {
        var body = "{\"status\":\"UP\",\"n\":3,\"parts\":[{\"ok\":true},{\"ok\":true}]}";
        assertThat(asserted(body, new Assertion.JsonPathValue("$.status", Assertion.Comparison.EQUAL, "UP"))
                        .reason())
                .isEmpty();
        assertThat(asserted(body, new Assertion.JsonPathValue("$.n", Assertion.Comparison.LESS, "3"))
                        .reason())
                .isEqualTo("$.n is 3");
        assertThat(asserted(body, new Assertion.JsonPathValue("$.parts[*].ok", Assertion.Comparison.EQUAL, "true"))
                        .reason())
                .isEmpty();
        assertThat(asserted("<p>", new Assertion.JsonPathValue("$.n", Assertion.Comparison.PRESENT, ""))
                        .reason())
                .isEqualTo("the body is not JSON");
    }

    @Test
    void judgesByCel() throws Exception {
        var body = "{\"n\":3}";
        assertThat(asserted(body, new Assertion.Expression("response.status == 200 && response.json.n > 2"))
                        .reason())
                .isEmpty();
        assertThat(asserted(body, new Assertion.Expression("response.headers['x-a'] == 'c'"))
                        .reason())
                .isEqualTo("not true: response.headers['x-a'] == 'c'");
        assertThat(asserted(
                                body,
                                new Assertion.Expression(
                                        "response.durationSeconds < 5.0 && response.body.contains('n')"))
                        .reason())
                .isEmpty();
    }

    @Test
    void aRegexBombTakesLinearTime() throws Exception {
        var result = asserted("a".repeat(50_000), new Assertion.BodyMatches("(a+)+$b", false));
        assertThat(result.outcome()).isEqualTo(Outcome.UNEXPECTED);
    }

    @Test
    void unpacksGzip() throws Exception {
        var packed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(packed)) {
            gzip.write(new byte[10 << 20]);
        }
        var text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + packed.size() + "\r\n\r\n"
                + packed.toString(ISO_8859_1);
        try (var server = ScriptedServer.answering(kernel, text)) {
            var spec = ProbeSpec.Http.builder(server.url("/")).decompress(true).build();
            var result = prober.probe(spec, TIMEOUT);
            assertThat(result.http().bodyBytes()).isEqualTo(1 << 20);
            assertThat(result.http().truncated()).isTrue();
        }
    }

    @Test
    void judgesLatency() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            ScriptedServer.readHead(socket);
            kernel.timers().sleep(Duration.ofMillis(60));
            socket.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(UTF_8));
        })) {
            var spec = ProbeSpec.Http.builder(server.url("/"))
                    .maxLatency(Duration.ofMillis(20))
                    .build();
            var result = prober.probe(spec, TIMEOUT);
            assertThat(result.reason()).startsWith("took ").endsWith("more than 20 ms");
            assertThat(result.phases().processing()).isGreaterThan(Duration.ofMillis(50));
        }
    }

    @Test
    void reportsAllErrorsOfASpecificationAtOnce() {
        var spec = ProbeSpec.Http.builder("ftp://u@x/")
                .method("GE T")
                .headers(Map.of("Bad Name", "a\nb"))
                .maxRedirects(99)
                .assertions(List.of(
                        new Assertion.BodyMatches("(", false),
                        new Assertion.JsonPathValue("$[", Assertion.Comparison.EQUAL, "1"),
                        new Assertion.Expression("1 +")))
                .build();
        assertThatThrownBy(() -> prober.prepare(spec))
                .isInstanceOfSatisfying(
                        InvalidProbeException.class,
                        e -> assertThat(e.errors())
                                .extracting(InvalidProbeException.FieldError::field)
                                .containsExactly(
                                        "url",
                                        "method",
                                        "headers.Bad Name",
                                        "headers.Bad Name",
                                        "maxRedirects",
                                        "assertions[0]",
                                        "assertions[1]",
                                        "assertions[2]"));
    }

    @Test
    void neverPrintsSecrets() {
        var spec = ProbeSpec.Http.builder("http://x/")
                .headers(Map.of("X-Key", "geheim"))
                .authorization(new Authorization.Bearer("geheim"))
                .build();
        assertThat(spec.toString()).doesNotContain("geheim");
        assertThat(new Authorization.Basic("u", "geheim").toString()).doesNotContain("geheim");
        assertThat(new ProbeSpec.Redis("h", 1, null, "geheim", null, AddressFamily.PREFER_IPV4).toString())
                .doesNotContain("geheim");
    }

    @Test
    void doesNotStartMoreThanItMay() throws Exception {
        var narrow = new Prober(Kernel.start(), ProberOptions.DEFAULT.withConcurrency(0));
        assertThat(narrow.probe(ProbeSpec.Http.get("http://127.0.0.1:1/"), Duration.ofMillis(50))
                        .outcome())
                .isEqualTo(Outcome.OVERLOADED);
    }
}
