package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class GrpcListenerTest {
    private final Kernel kernel = Kernel.start();
    private final AtomicReference<String> peer = new AtomicReference<>("");
    private final AtomicReference<Boolean> virtual = new AtomicReference<>(false);
    private final CountDownLatch watching = new CountDownLatch(1);

    @TempDir
    Path directory;

    @AfterEach
    void close() {
        kernel.close();
    }

    private static final MethodDescriptor<String, String> ECHO = method("echo", MethodType.UNARY);
    private static final MethodDescriptor<String, String> WATCH = method("watch", MethodType.SERVER_STREAMING);

    private static MethodDescriptor<String, String> method(String name, MethodType type) {
        return MethodDescriptor.newBuilder(new Text(), new Text())
                .setFullMethodName(MethodDescriptor.generateFullMethodName("test.Sample", name))
                .setType(type)
                .build();
    }

    private static final class Text implements MethodDescriptor.Marshaller<String> {
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

    private ServerServiceDefinition service() {
        return ServerServiceDefinition.builder("test.Sample")
                .addMethod(ECHO, ServerCalls.asyncUnaryCall((String request, StreamObserver<String> answer) -> {
                    virtual.set(Thread.currentThread().isVirtual());
                    answer.onNext(request);
                    answer.onCompleted();
                }))
                .addMethod(
                        WATCH, ServerCalls.asyncServerStreamingCall((String request, StreamObserver<String> answer) -> {
                            answer.onNext("first");
                            watching.countDown();
                        }))
                .build();
    }

    private final ServerInterceptor showPeer = new ServerInterceptor() {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
            try {
                peer.set(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) + " "
                        + (session == null
                                ? "plain"
                                : session.getPeerPrincipal().getName()));
            } catch (javax.net.ssl.SSLPeerUnverifiedException e) {
                peer.set("unverified");
            }
            return next.startCall(call, headers);
        }
    };

    private GrpcListener listener(@Nullable TlsSource tls) throws Exception {
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("etcd", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), tls, 1_000, 10),
                List.of(service()),
                List.of(showPeer));
        listener.routes().mount("/health", e -> e.send("application/json", "{\"health\":\"true\"}"));
        listener.start(r -> {});
        return listener;
    }

    private static String echo(ManagedChannel channel, String text) {
        return ClientCalls.blockingUnaryCall(
                channel, ECHO, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), text);
    }

    @Test
    void grpcAndHttp1ShareAPlainPort() throws Exception {
        GrpcListener listener = listener(null);
        int port = listener.address().orElseThrow().getPort();
        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
        try (HttpClient http = HttpClient.newHttpClient()) {
            assertThat(echo(channel, "hello")).isEqualTo("hello");
            assertThat(virtual.get()).isTrue();
            assertThat(peer.get()).startsWith("/127.0.0.1:").endsWith(" plain");
            for (int i = 0; i < 3; i++) {
                assertThat(http.send(
                                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/health"))
                                                .build(),
                                        HttpResponse.BodyHandlers.ofString())
                                .body())
                        .contains("true");
            }
            assertThatThrownBy(() -> echo(channel, "x".repeat(2_000)))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("RESOURCE_EXHAUSTED");
        } finally {
            channel.shutdownNow();
            listener.stop();
        }
    }

    @Test
    void grpcAndHttp1ShareATlsPortWithClientCertificates() throws Exception {
        CertificateAuthority authority = CertificateAuthority.open(kernel, directory);
        GrpcListener listener =
                listener(authority.server(List.of("127.0.0.1"), CertificateAuthority.ClientCertificates.OPTIONAL));
        int port = listener.address().orElseThrow().getPort();
        var pair = authority.client("root", List.of(), Duration.ofDays(1));
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", port)
                .sslContext(GrpcSslContexts.forClient()
                        .trustManager(authority.root())
                        .keyManager(
                                Pem.privateKey(pair.keyPem()),
                                Pem.certificates(pair.certificatePem()).getFirst())
                        .build())
                .build();
        try (HttpClient http =
                HttpClient.newBuilder().sslContext(Trust.of(authority, null)).build()) {
            assertThat(echo(channel, "hello")).isEqualTo("hello");
            assertThat(peer.get()).endsWith(" CN=root");
            HttpResponse<String> health = http.send(
                    HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + "/health"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(health.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
            assertThat(health.body()).contains("true");
        } finally {
            channel.shutdownNow();
            listener.stop();
        }
    }

    @Test
    void aWatchDoesNotHoldUpStopAndARestartKeepsThePort() throws Exception {
        GrpcListener listener = listener(null);
        int port = listener.address().orElseThrow().getPort();
        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
        try {
            Iterator<String> answers =
                    ClientCalls.blockingServerStreamingCall(channel, WATCH, CallOptions.DEFAULT, "x");
            assertThat(answers.next()).isEqualTo("first");
            assertThat(watching.await(10, TimeUnit.SECONDS)).isTrue();
            listener.stop();
            assertThatThrownBy(answers::hasNext).isInstanceOf(StatusRuntimeException.class);
            listener.start(r -> {});
            assertThat(listener.address().orElseThrow().getPort()).isEqualTo(port);
            assertThat(ClientCalls.blockingUnaryCall(channel, ECHO, CallOptions.DEFAULT.withWaitForReady(), "again"))
                    .isEqualTo("again");
        } finally {
            channel.shutdownNow();
            listener.stop();
        }
    }

    @Test
    void aSocketThatDiesIsReportedAndAStopIsNot() throws Exception {
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions(
                        "dying", new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), null, 100_000, 100),
                List.of(service()),
                List.of());
        AtomicInteger failures = new AtomicInteger();
        CountDownLatch failed = new CountDownLatch(1);
        listener.start(reason -> {
            failures.incrementAndGet();
            failed.countDown();
        });
        Objects.requireNonNull(listener.listening).close().await();
        assertThat(failed.await(10, TimeUnit.SECONDS)).isTrue();
        listener.stop();
        listener.start(reason -> failures.incrementAndGet());
        listener.stop();
        assertThat(failures).hasValue(1);
    }
}
