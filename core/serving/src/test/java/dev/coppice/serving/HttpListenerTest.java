package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class HttpListenerTest {
    private final Kernel kernel = Kernel.start();
    private final HttpClient client = HttpClient.newHttpClient();
    private final List<HttpListener> secured = new java.util.ArrayList<>();
    private HttpListener listener;

    @TempDir
    Path directory;

    @BeforeEach
    void start() throws Exception {
        listener = listener(null, 1_000, 100);
    }

    @AfterEach
    void stop() throws Exception {
        listener.stop();
        for (HttpListener each : secured) {
            each.stop();
        }
        client.shutdownNow();
        kernel.close();
    }

    /** Both versions over TLS, on the routes of a listener of its own. */
    private void overBothVersions(Handler handler, long maxBody, Probe probe) throws Exception {
        CertificateAuthority authority = CertificateAuthority.open(kernel, directory);
        HttpListener tls = new HttpListener(
                kernel,
                new ListenerOptions(
                        "secured",
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        authority.server(
                                List.of("localhost", "127.0.0.1"), CertificateAuthority.ClientCertificates.OPTIONAL),
                        maxBody,
                        10),
                null);
        secured.add(tls);
        tls.start(reason -> {});
        tls.routes().mount("/", handler);
        URI uri = URI.create("https://127.0.0.1:" + tls.address().orElseThrow().getPort() + "/");
        try (HttpClient trusting =
                HttpClient.newBuilder().sslContext(Trust.of(authority, null)).build()) {
            for (HttpClient.Version version : HttpClient.Version.values()) {
                probe.run(trusting, HttpRequest.newBuilder(uri).version(version), version);
            }
        }
    }

    private interface Probe {
        void run(HttpClient client, HttpRequest.Builder request, HttpClient.Version version) throws Exception;
    }

    private HttpListener listener(@Nullable Authenticator authenticator, long maxBody, int maxConnections)
            throws Exception {
        HttpListener made = new HttpListener(
                kernel,
                new ListenerOptions(
                        "test",
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        null,
                        maxBody,
                        maxConnections),
                authenticator);
        made.start(reason -> {});
        return made;
    }

    private String base() {
        return "http://127.0.0.1:" + listener.address().orElseThrow().getPort();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base() + path));
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
    }

    private Socket connect() throws Exception {
        Socket socket = new Socket("127.0.0.1", listener.address().orElseThrow().getPort());
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static String readAll(Socket socket) throws Exception {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void theLongestPrefixOfWholeSegmentsWins() throws Exception {
        listener.routes().mount("/", e -> e.send("text/plain", "root"));
        listener.routes().mount("/apis", e -> e.send("text/plain", "apis"));
        listener.routes().mount("/apis/health", e -> e.send("text/plain", "health"));
        assertThat(get("/apis/health/x").body()).isEqualTo("health");
        assertThat(get("/apis/healthy").body()).isEqualTo("apis");
        assertThat(get("/apisx").body()).isEqualTo("root");
    }

    @Test
    void anUnmountedPathIsNotFoundAndAMountCanGo() throws Exception {
        try (Routes.Mount mount = listener.routes().mount("/a", e -> e.send("text/plain", "a"))) {
            assertThat(get("/a").statusCode()).isEqualTo(200);
            assertThatThrownBy(() -> listener.routes().mount("/a/", e -> {})).hasMessageContaining("mounted already");
        }
        assertThat(get("/a").statusCode()).isEqualTo(404);
    }

    @Test
    void rawPathIsWhatWasSentAndPathIsDecoded() throws Exception {
        listener.routes()
                .mount(
                        "/",
                        e -> e.send(
                                "text/plain;charset=utf-8",
                                e.rawPath() + " " + e.path() + " " + e.rawQuery() + " " + e.queries()));
        assertThat(get("/a%2Fb/%C3%A4?x=1%202&x=3+4&y").body())
                .isEqualTo("/a%2Fb/%C3%A4 /a/b/ä x=1%202&x=3+4&y {x=[1 2, 3 4], y=[]}");
        assertThat(get("/a/%ff").statusCode()).isEqualTo(400);
        assertThat(get("/a/%2e%2e/b").statusCode()).isEqualTo(400);
    }

    @Test
    void aBodyIsReadAndBoundedOverBothVersions() throws Exception {
        overBothVersions(e -> e.send(e.body().readAllBytes()), 1_000, (https, request, version) -> {
            HttpResponse<String> small = https.send(
                    request.POST(HttpRequest.BodyPublishers.ofString("x".repeat(1_000)))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(small.body()).hasSize(1_000);
            assertThat(small.version()).isEqualTo(version);
            HttpResponse<String> large = https.send(
                    request.POST(HttpRequest.BodyPublishers.ofString("x".repeat(1_001)))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(large.statusCode()).isEqualTo(413);
            assertThat(large.body()).contains("limit of 1000 bytes");
        });
    }

    @Test
    void aChunkedBodyIsBoundedToo() throws Exception {
        listener.routes().mount("/", e -> e.send(e.body().readAllBytes()));
        HttpResponse<String> large = client.send(
                request("/")
                        .version(HttpClient.Version.HTTP_1_1)
                        .POST(HttpRequest.BodyPublishers.ofInputStream(() -> InputStream.nullInputStream()))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(large.statusCode()).isEqualTo(200);
        HttpResponse<String> tooLarge = client.send(
                request("/")
                        .version(HttpClient.Version.HTTP_1_1)
                        .POST(HttpRequest.BodyPublishers.ofInputStream(
                                () -> new java.io.ByteArrayInputStream(new byte[100_000])))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(tooLarge.statusCode()).isEqualTo(413);
    }

    @Test
    void aConnectionServesManyRequestsEvenWhenBodiesAreIgnoredOrPipelined() throws Exception {
        listener.routes().mount("/", e -> e.send("text/plain", e.path()));
        try (Socket socket = connect()) {
            String two = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                    + "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
                    + "GET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(two.getBytes(StandardCharsets.UTF_8));
            assertThat(readAll(socket).split("HTTP/1.1 200 OK", -1)).hasSize(5);
        }
    }

    @Test
    void aLargeBodyArrivesWholeOverBothVersions() throws Exception {
        byte[] body = new byte[10_000_000];
        new java.util.Random(7).nextBytes(body);
        overBothVersions(e -> e.send(e.body().readAllBytes()), 20_000_000, (https, request, version) -> {
            HttpResponse<byte[]> answer = https.send(
                    request.POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(),
                    HttpResponse.BodyHandlers.ofByteArray());
            assertThat(answer.body()).isEqualTo(body);
        });
    }

    @Test
    void aStreamReachesTheClientAtEveryFlush() throws Exception {
        java.util.concurrent.Semaphore more = new java.util.concurrent.Semaphore(0);
        Handler handler = e -> {
            try (OutputStream out = e.stream()) {
                out.write("one\n".getBytes(StandardCharsets.UTF_8));
                out.flush();
                more.acquire();
                out.write("two\n".getBytes(StandardCharsets.UTF_8));
            }
        };
        overBothVersions(handler, 0, (https, request, version) -> {
            HttpResponse<InputStream> answer = https.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            byte[] first = answer.body().readNBytes(4);
            assertThat(new String(first, StandardCharsets.UTF_8)).isEqualTo("one\n");
            more.release();
            assertThat(new String(answer.body().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("two\n");
        });
    }

    @Test
    void aStreamThatIsNotClosedByItsHandlerEndsProperly() throws Exception {
        listener.routes().mount("/", e -> e.stream().write("rest".getBytes(StandardCharsets.UTF_8)));
        assertThat(get("/").body()).isEqualTo("rest");
    }

    @Test
    void aHandlerLearnsThatItsClientWent() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch gone = new CountDownLatch(1);
        listener.routes().mount("/", e -> {
            CountDownLatch here = new CountDownLatch(1);
            e.onClose(here::countDown);
            e.stream().flush();
            started.countDown();
            here.await();
            assertThat(e.open()).isFalse();
            gone.countDown();
        });
        try (Socket socket = connect()) {
            socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(gone.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aHandlerLearnsThatItsStreamWasCancelled() throws Exception {
        java.util.concurrent.Semaphore gone = new java.util.concurrent.Semaphore(0);
        Handler handler = e -> {
            CountDownLatch here = new CountDownLatch(1);
            e.onClose(here::countDown);
            e.stream().flush();
            here.await();
            gone.release();
        };
        overBothVersions(handler, 0, (https, request, version) -> {
            HttpResponse<InputStream> answer = https.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            assertThat(answer.version()).isEqualTo(version);
            answer.body().close();
            assertThat(gone.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
        });
    }

    @Test
    void aFailingHandlerIsAnInternalErrorWithAnId() throws Exception {
        listener.routes().mount("/", e -> {
            throw new IllegalArgumentException("secret detail");
        });
        HttpResponse<String> answer = get("/");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).contains("logged with the id").doesNotContain("secret");
    }

    @Test
    void aFailureAfterTheStartOfAnAnswerCutsTheConnection() throws Exception {
        listener.routes().mount("/", e -> {
            e.stream().flush();
            throw new IllegalStateException("broken");
        });
        assertThatThrownBy(() -> get("/")).isInstanceOf(java.io.IOException.class);
    }

    @Test
    void refusedCredentialsAreUnauthorized() throws Exception {
        HttpListener guarded = listener(
                e -> {
                    throw new Authenticator.UnauthenticatedException("token expired");
                },
                1,
                10);
        try {
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:"
                                    + guarded.address().orElseThrow().getPort() + "/"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(401);
            assertThat(answer.body()).contains("\"reason\":\"Unauthorized\"", "token expired");
        } finally {
            guarded.stop();
        }
    }

    @Test
    void aHeadRequestHasNoBodyButItsLength() throws Exception {
        listener.routes().mount("/", e -> e.send("text/plain", "12345"));
        HttpResponse<String> answer = client.send(
                request("/").method("HEAD", HttpRequest.BodyPublishers.noBody()).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.body()).isEmpty();
        assertThat(answer.headers().firstValue("content-length")).contains("5");
    }

    @Test
    void largeTextIsCompressedForThoseWhoAsk() throws Exception {
        String text = "hello world ".repeat(10_000);
        listener.routes().mount("/", e -> e.send("application/json", text));
        HttpResponse<InputStream> answer = client.send(
                request("/").header("Accept-Encoding", "br, gzip").build(), HttpResponse.BodyHandlers.ofInputStream());
        assertThat(answer.headers().firstValue("content-encoding")).contains("gzip");
        assertThat(new String(new GZIPInputStream(answer.body()).readAllBytes(), StandardCharsets.UTF_8))
                .isEqualTo(text);
        assertThat(get("/").headers().firstValue("content-encoding")).isEmpty();
    }

    @Test
    void bodiesInPartsAreSentWholeWithTheirLengthAndCompressedOnRequest() throws Exception {
        for (int count : List.of(1, 3, 40_000)) {
            List<byte[]> parts = java.util.Collections.nCopies(count, "{\"a\": 1}".getBytes(StandardCharsets.UTF_8));
            String text = "{\"a\": 1}".repeat(count);
            listener.routes().mount("/parts" + count, e -> {
                e.setHeader("Content-Type", "application/json");
                e.send(parts);
            });
            HttpResponse<String> plain = get("/parts" + count);
            assertThat(plain.body()).isEqualTo(text);
            assertThat(plain.headers().firstValueAsLong("content-length")).hasValue(text.length());
            HttpResponse<InputStream> packed = client.send(
                    request("/parts" + count).header("Accept-Encoding", "gzip").build(),
                    HttpResponse.BodyHandlers.ofInputStream());
            boolean large = text.length() > 16_384;
            assertThat(packed.headers().firstValue("content-encoding").isPresent())
                    .isEqualTo(large);
            InputStream body = large ? new GZIPInputStream(packed.body()) : packed.body();
            assertThat(new String(body.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo(text);
        }
    }

    @Test
    void moreConnectionsThanTheLimitAreRefused() throws Exception {
        HttpListener two = listener(null, 1, 2);
        try {
            two.routes().mount("/", e -> e.send("text/plain", "x"));
            int port = two.address().orElseThrow().getPort();
            try (Socket a = new Socket("127.0.0.1", port);
                    Socket b = new Socket("127.0.0.1", port)) {
                for (Socket s : List.of(a, b)) {
                    s.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                    assertThat(s.getInputStream().read()).isEqualTo('H');
                }
                try (Socket c = new Socket("127.0.0.1", port)) {
                    c.setSoTimeout(10_000);
                    assertThat(c.getInputStream().read()).isEqualTo(-1);
                }
            }
        } finally {
            two.stop();
        }
    }

    @Test
    void malformedAndOversizedHeadsAreRefusedInWords() throws Exception {
        for (String[] sample : List.of(
                new String[] {"GARBAGE\r\n\r\n", " 400 "},
                new String[] {"GET /" + "x".repeat(40_000) + " HTTP/1.1\r\n\r\n", " 414 "},
                new String[] {"GET / HTTP/1.1\r\nA: " + "x".repeat(70_000) + "\r\n\r\n", " 431 "})) {
            try (Socket socket = connect()) {
                socket.getOutputStream().write(sample[0].getBytes(StandardCharsets.UTF_8));
                assertThat(readAll(socket)).contains(sample[1]);
            }
        }
    }

    @Test
    void anHttp10ClientGetsItsAnswerAndTheEnd() throws Exception {
        listener.routes().mount("/", e -> {
            OutputStream out = e.stream();
            out.write("old".getBytes(StandardCharsets.UTF_8));
            out.close();
        });
        try (Socket socket = connect()) {
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            assertThat(readAll(socket)).endsWith("\r\n\r\nold");
        }
    }

    @Test
    void expectContinueIsAnsweredWhenTheBodyIsRead() throws Exception {
        listener.routes().mount("/", e -> e.send(e.body().readAllBytes()));
        try (Socket socket = connect()) {
            socket.getOutputStream()
                    .write(
                            "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
                                    .getBytes(StandardCharsets.UTF_8));
            byte[] first = socket.getInputStream().readNBytes(25);
            assertThat(new String(first, StandardCharsets.UTF_8)).startsWith("HTTP/1.1 100 Continue");
            socket.getOutputStream().write("ok".getBytes(StandardCharsets.UTF_8));
            assertThat(readAll(socket)).contains("200 OK").endsWith("ok");
        }
    }

    @Test
    void aPortInUseIsExplained() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            HttpListener second = new HttpListener(
                    kernel,
                    new ListenerOptions(
                            "second",
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), taken.getLocalPort()),
                            null,
                            1,
                            1),
                    null);
            assertThatThrownBy(() -> second.start(r -> {}))
                    .hasMessageContaining("listener second cannot listen on")
                    .hasMessageContaining("another program uses this port; stop it, or choose another port");
        }
    }

    @Test
    void aRestartKeepsThePortAndTheRoutes() throws Exception {
        listener.routes().mount("/", e -> e.send("text/plain", "still"));
        int port = listener.address().orElseThrow().getPort();
        listener.stop();
        listener.start(r -> {});
        assertThat(listener.address().orElseThrow().getPort()).isEqualTo(port);
        assertThat(get("/").body()).isEqualTo("still");
    }

    @Test
    void stoppingWaitsForAnswersButEndsStreams() throws Exception {
        CountDownLatch inside = new CountDownLatch(2);
        CountDownLatch release = new CountDownLatch(1);
        listener.routes().mount("/slow", e -> {
            inside.countDown();
            release.await();
            e.send("text/plain", "done");
        });
        listener.routes().mount("/watch", e -> {
            CountDownLatch closed = new CountDownLatch(1);
            e.onClose(closed::countDown);
            e.stream().flush();
            inside.countDown();
            closed.await();
            release.countDown();
        });
        AtomicReference<@Nullable String> slow = new AtomicReference<>();
        AtomicReference<@Nullable String> watch = new AtomicReference<>();
        Thread a = Thread.ofVirtual().start(() -> slow.set(body("/slow")));
        Thread b = Thread.ofVirtual().start(() -> watch.set(body("/watch")));
        assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();
        listener.stop();
        a.join();
        b.join();
        assertThat(slow.get()).isEqualTo("done");
        assertThat(watch.get()).isEqualTo("");
    }

    private String body(String path) {
        try {
            return get(path).body();
        } catch (Exception e) {
            return e.toString();
        }
    }

    @Test
    void requestsAreCountedByListenerMountMethodAndCode() throws Exception {
        listener.routes().mount("/a", e -> e.send("text/plain", "x"));
        get("/a/1");
        get("/nothing");
        HttpListener metrics = listener(null, 1, 10);
        try {
            metrics.routes().mount("/metrics", new MetricsHandler(kernel.metrics()));
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:"
                                    + metrics.address().orElseThrow().getPort() + "/metrics"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(answer.body())
                    .contains(
                            "coppice_serving_requests_total{code=\"200\",listener=\"test\",method=\"GET\",mount=\"/a\"} 1.0")
                    .contains("code=\"404\"");
        } finally {
            metrics.stop();
        }
    }
}
