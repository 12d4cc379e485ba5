package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls of gRPC-Web, and retries by status, with a server of grpc-java behind. */
@Timeout(60)
class GrpcWebTest {
    private ProxyFixture proxy;
    private Server server;
    private final CountDownLatch more = new CountDownLatch(1);
    private final AtomicInteger failing = new AtomicInteger();
    private final AtomicInteger calls = new AtomicInteger();

    /** Messages are texts as they are. */
    private enum Text implements MethodDescriptor.Marshaller<String> {
        MARSHALLER;

        @Override
        public InputStream stream(String value) {
            return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
            try {
                return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(ServerServiceDefinition.builder("test.Echo")
                        .addMethod(
                                method("Say", MethodDescriptor.MethodType.UNARY), ServerCalls.asyncUnaryCall(this::say))
                        .addMethod(
                                method("Count", MethodDescriptor.MethodType.SERVER_STREAMING),
                                ServerCalls.asyncServerStreamingCall(this::count))
                        .build())
                .build()
                .start();
    }

    private static MethodDescriptor<String, String> method(String name, MethodDescriptor.MethodType type) {
        return MethodDescriptor.<String, String>newBuilder(Text.MARSHALLER, Text.MARSHALLER)
                .setType(type)
                .setFullMethodName("test.Echo/" + name)
                .build();
    }

    private void say(String text, StreamObserver<String> out) {
        calls.incrementAndGet();
        if (failing.getAndDecrement() > 0) {
            out.onError(Status.UNAVAILABLE.withDescription("not now").asException());
        } else if (text.equals("bad")) {
            out.onError(Status.INVALID_ARGUMENT.withDescription("no good").asException());
        } else {
            out.onNext("hello " + text);
            out.onCompleted();
        }
    }

    private void count(String text, StreamObserver<String> out) {
        out.onNext("one");
        Thread.ofVirtual().start(() -> {
            try {
                more.await();
                out.onNext("two");
                out.onError(Status.ABORTED.withDescription("enough").asException());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private void serve(String kind, @Nullable RetryConfig retry, List<LimitConfig> limits, FilterConfig... filters) {
        RuleConfig rule = new RuleConfig(
                "",
                List.of(MatchConfig.ANY),
                List.of(filters),
                List.of(new BackendConfig("up", 1, List.of())),
                0,
                0,
                retry,
                null);
        RouteConfig route = new RouteConfig(kind, "default", "route", 0, List.of(), List.of(rule));
        proxy.serveRoutes(
                limits,
                List.of(route),
                new UpstreamConfig(
                        "up",
                        UpstreamConfig.Protocol.H2C,
                        List.of(new UpstreamConfig.Endpoint("127.0.0.1", server.getPort()))));
    }

    private static String frame(int flag, String message) {
        byte[] bytes = message.getBytes(StandardCharsets.ISO_8859_1);
        byte[] all = ByteBuffer.allocate(5 + bytes.length)
                .put((byte) flag)
                .putInt(bytes.length)
                .put(bytes)
                .array();
        return new String(all, StandardCharsets.ISO_8859_1);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static String request(String method, String type, String body, String... headers) {
        return "POST /test.Echo/" + method
                + " HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nX-Grpc-Web: 1\r\nContent-Type: "
                + type + "\r\nContent-Length: " + body.length() + "\r\n"
                + String.join(
                        "",
                        java.util.Arrays.stream(headers)
                                .map(each -> each + "\r\n")
                                .toList()) + "\r\n" + body;
    }

    /** The body of a chunked answer. */
    private static String body(String answer) {
        StringBuilder body = new StringBuilder();
        int at = answer.indexOf("\r\n\r\n") + 4;
        if (!answer.toLowerCase(Locale.ROOT).contains("transfer-encoding: chunked")) {
            return answer.substring(at);
        }
        while (true) {
            int end = answer.indexOf("\r\n", at);
            int size = Integer.parseInt(answer.substring(at, end), 16);
            if (size == 0) {
                return body.toString();
            }
            body.append(answer, end + 2, end + 2 + size);
            at = end + 2 + size + 2;
        }
    }

    @Test
    void trailersComeInTheBody() throws Exception {
        serve("GRPCRoute", null, List.of());
        String answer = proxy.exchange(request("Say", "application/grpc-web+proto", frame(0, "you")));
        assertThat(answer).startsWith("HTTP/1.1 200").contains("content-type: application/grpc-web+proto\r\n");
        assertThat(body(answer)).isEqualTo(frame(0, "hello you") + frame(0x80, "grpc-status:0\r\n"));
        assertThat(proxy.plane.metrics.translated.labelValues("grpc-web").get()).isEqualTo(1);
    }

    @Test
    void textIsBase64BothWaysHoweverItIsPadded() throws Exception {
        serve("GRPCRoute", null, List.of());
        String whole = frame(0, "you");
        // Each flush of a client may be padded.
        String body = base64(whole.substring(0, 1)) + base64(whole.substring(1));
        String answer = proxy.exchange(request("Say", "application/grpc-web-text", body));
        assertThat(answer).contains("content-type: application/grpc-web-text+proto\r\n");
        StringBuilder decoded = new StringBuilder();
        for (String each : body(answer).split("(?<==)(?!=)")) {
            decoded.append(new String(Base64.getDecoder().decode(each), StandardCharsets.ISO_8859_1));
        }
        assertThat(decoded).hasToString(frame(0, "hello you") + frame(0x80, "grpc-status:0\r\n"));
    }

    @Test
    void aStatusWithoutMessagesComesInTheBodyToo() throws Exception {
        serve("GRPCRoute", null, List.of());
        String answer = proxy.exchange(request("Say", "application/grpc-web", frame(0, "bad")));
        assertThat(answer).startsWith("HTTP/1.1 200").doesNotContain("grpc-status: ");
        assertThat(body(answer))
                .startsWith(
                        frame(0x80, "grpc-status:3\r\ngrpc-message:no good\r\n").substring(0, 1))
                .endsWith("grpc-status:3\r\ngrpc-message:no good\r\n");
    }

    @Test
    void messagesOfAStreamComeAsTheyAreSent() throws Exception {
        serve("GRPCRoute", null, List.of());
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Stream stream = peer.open()
                    .send(
                            Http2Peer.head("POST", "/test.Echo/Count", "content-type", "application/grpc-web+proto"),
                            false)
                    .send(frame(0, "you"), true);
            assertThat(((io.netty.handler.codec.http2.Http2HeadersFrame) stream.next()).isEndStream())
                    .isFalse();
            var first = (io.netty.handler.codec.http2.Http2DataFrame) stream.next();
            assertThat(first.content().toString(StandardCharsets.ISO_8859_1)).isEqualTo(frame(0, "one"));
            first.release();
            more.countDown();
            Http2Peer.Answer rest = stream.answerAfterHead();
            assertThat(rest.body())
                    .isEqualTo(frame(0, "two") + frame(0x80, "grpc-status:10\r\ngrpc-message:enough\r\n"));
            assertThat(rest.trailers()).isNull();
        }
    }

    @Test
    void pagesOfOtherOriginsMayAskWhereThatIsAllowed() throws Exception {
        serve(
                "GRPCRoute",
                null,
                List.of(),
                new FilterConfig.Cors(
                        List.of("https://app.example"), false, List.of("*"), List.of("*"), List.of(), 60));
        String preflight =
                proxy.exchange("OPTIONS /test.Echo/Say HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
                        + "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n"
                        + "Access-Control-Request-Headers: content-type,x-grpc-web\r\n\r\n");
        assertThat(preflight)
                .startsWith("HTTP/1.1 200")
                .contains("access-control-allow-origin: https://app.example")
                .contains("access-control-allow-headers: *");
        assertThat(proxy.exchange(
                        request("Say", "application/grpc-web", frame(0, "you"), "Origin: https://app.example")))
                .contains("access-control-allow-origin: https://app.example");
    }

    @Test
    void whatTheGatewayAnswersItselfIsGrpcWebToo() throws Exception {
        LimitConfig limit = new LimitConfig(
                "default/limit/a",
                List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                LimitConfig.Algorithm.TOKEN_BUCKET,
                1,
                3_600_000_000_000L,
                1,
                List.of(),
                "",
                false);
        serve("GRPCRoute", null, List.of(limit));
        String call = request("Say", "application/grpc-web", frame(0, "you"));
        assertThat(proxy.exchange(call)).contains("hello you");
        String refused = proxy.exchange(call);
        assertThat(refused).startsWith("HTTP/1.1 200").contains("content-type: application/grpc-web+proto");
        assertThat(body(refused)).contains("grpc-status:8\r\n");
    }

    @Test
    void whatIsNoBase64IsRefused() throws Exception {
        serve("GRPCRoute", null, List.of());
        assertThat(body(proxy.exchange(request("Say", "application/grpc-web-text", "AA!A"))))
                .isNotEmpty();
        assertThat(body(proxy.exchange(request("Say", "application/grpc-web-text", "AAAAA"))))
                .isNotEmpty();
        assertThat(calls.get()).isZero();
        assertThat(proxy.plane.metrics.refused.labelValues("malformed").get()).isEqualTo(2);
    }

    @Test
    void otherRoutesPassItOn() throws Exception {
        serve("HTTPRoute", null, List.of());
        String answer = proxy.exchange(request("Say", "application/grpc-web+proto", frame(0, "you")));
        assertThat(answer).doesNotContain("hello").contains("415");
    }

    // ---- retries

    @Test
    void aCallIsTriedAgainByItsStatus() throws Exception {
        serve("GRPCRoute", new RetryConfig(List.of(), 2, 1, List.of(14)), List.of());
        failing.set(2);
        assertThat(proxy.exchange(request("Say", "application/grpc-web", frame(0, "you"))))
                .contains("hello you");
        assertThat(calls.get()).isEqualTo(3);
        assertThat(proxy.exchange(request("Say", "application/grpc-web", frame(0, "bad"))))
                .contains("grpc-status:3");
        assertThat(calls.get()).isEqualTo(4);
        failing.set(9);
        assertThat(proxy.exchange(request("Say", "application/grpc-web", frame(0, "you"))))
                .contains("not now");
        assertThat(calls.get()).isEqualTo(7);
    }

    @Test
    void withoutThatItIsNot() throws Exception {
        serve("GRPCRoute", new RetryConfig(List.of(503), 2, 1), List.of());
        failing.set(1);
        assertThat(proxy.exchange(request("Say", "application/grpc-web", frame(0, "you"))))
                .contains("not now");
        assertThat(calls.get()).isEqualTo(1);
    }

    /** A rule that names statuses means these: a connection that ends is UNAVAILABLE. */
    @Test
    void whatFailsIsTriedAgainAsTheStatusThatItIs() throws Exception {
        try (Backend ending = new Backend((_, _) -> null)) {
            for (int status : new int[] {5, 4, 14}) {
                int before = ending.seen.size();
                RuleConfig rule = new RuleConfig(
                        "",
                        List.of(MatchConfig.ANY),
                        List.of(),
                        List.of(new BackendConfig("up", 1, List.of())),
                        0,
                        0,
                        new RetryConfig(List.of(), 2, 0, List.of(status)),
                        null);
                proxy.serve(List.of(rule), ProxyFixture.upstream("up", ending.port()));
                assertThat(proxy.exchange(request("Say", "application/grpc", frame(0, "you"))))
                        .contains("grpc-status: 14");
                assertThat(ending.seen.size() - before).isEqualTo(status == 14 ? 3 : 1);
            }
        }
    }
}
