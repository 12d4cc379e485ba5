package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority.ClientCertificates;
import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Connections between nodes: who is accepted by whom. */
class GrpcConnectionTest {

    private static final MethodDescriptor<String, String> ECHO = MethodDescriptor.<String, String>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("test.Echo/Echo")
            .setRequestMarshaller(new Text())
            .setResponseMarshaller(new Text())
            .build();

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

    @TempDir
    Path directory;

    private final Kernel kernel = Kernel.start();
    private final AtomicReference<X509Certificate> client = new AtomicReference<>();

    @AfterEach
    void close() {
        kernel.close();
    }

    private int serve(TlsSource tls) throws Exception {
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("peer", new InetSocketAddress("127.0.0.1", 0), tls, 1 << 20, 100),
                List.of(ServerServiceDefinition.builder("test.Echo")
                        .addMethod(ECHO, ServerCalls.asyncUnaryCall((request, answers) -> {
                            answers.onNext(request);
                            answers.onCompleted();
                        }))
                        .build()),
                List.of(new Remember()));
        var unused = kernel.root().start(ChildSpec.service("peer", () -> listener));
        return listener.address().orElseThrow().getPort();
    }

    private final class Remember implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
            try {
                client.set(
                        session != null && session.getPeerCertificates()[0] instanceof X509Certificate shown
                                ? shown
                                : null);
            } catch (SSLPeerUnverifiedException e) {
                client.set(null);
            }
            return next.startCall(call, headers);
        }
    }

    private static String echo(GrpcConnection connection) {
        return ClientCalls.blockingUnaryCall(
                connection.channel(), ECHO, CallOptions.DEFAULT.withDeadlineAfter(5, TimeUnit.SECONDS), "hello");
    }

    private CertificateAuthority authority(String name) throws IOException {
        return CertificateAuthority.open(kernel, directory.resolve(name));
    }

    @Test
    void nodesOfOneAuthorityKnowEachOther() throws Exception {
        TlsSource tls = authority("a").peer(List.of("node"));
        int port = serve(tls);
        try (GrpcConnection connection = GrpcConnection.peer(tls, "localhost", port, 1 << 20)) {
            assertThat(echo(connection)).isEqualTo("hello");
        }
        X509Certificate shown = client.get();
        assertThat(shown).isNotNull();
        assertThat(PeerTls.isPeer(shown)).isTrue();
    }

    @Test
    void refusesANodeOfAnotherAuthority() throws Exception {
        int port = serve(authority("a").peer(List.of("node")));
        try (GrpcConnection connection =
                GrpcConnection.peer(authority("b").peer(List.of("node")), "127.0.0.1", port, 1 << 20)) {
            assertThatThrownBy(() -> echo(connection)).isInstanceOf(StatusRuntimeException.class);
        }
    }

    @Test
    void refusesAListenerThatIsNoNode() throws Exception {
        CertificateAuthority authority = authority("a");
        int port = serve(authority.server(List.of("127.0.0.1"), ClientCertificates.OPTIONAL));
        try (GrpcConnection connection =
                GrpcConnection.peer(authority.peer(List.of("node")), "127.0.0.1", port, 1 << 20)) {
            assertThatThrownBy(() -> echo(connection)).isInstanceOf(StatusRuntimeException.class);
        }
    }

    @Test
    void findsANodeByTheFingerprintOfItsAuthority() throws Exception {
        CertificateAuthority authority = authority("a");
        int port = serve(authority.peer(List.of("node")));
        byte[] right = PeerTls.fingerprint(authority.root());
        try (GrpcConnection connection = GrpcConnection.pinned(right, "127.0.0.1", port, 1 << 20)) {
            assertThat(echo(connection)).isEqualTo("hello");
            assertThat(client.get()).isNull();
        }
        byte[] wrong = PeerTls.fingerprint(authority("b").root());
        try (GrpcConnection connection = GrpcConnection.pinned(wrong, "127.0.0.1", port, 1 << 20)) {
            assertThatThrownBy(() -> echo(connection)).isInstanceOf(StatusRuntimeException.class);
        }
    }
}
