package dev.coppice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import dev.coppice.probe.ProbeResult.Outcome;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server of grpc-java. */
class GrpcProbeTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private final Kernel kernel = Kernel.start();
    private final Prober prober = new Prober(kernel, ProberOptions.DEFAULT);
    private Server server;

    /** Messages as they are on the wire. */
    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @BeforeEach
    void start() throws Exception {
        var check = MethodDescriptor.newBuilder(new Bytes(), new Bytes())
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName("grpc.health.v1.Health/Check")
                .build();
        var service = ServerServiceDefinition.builder("grpc.health.v1.Health")
                .addMethod(check, ServerCalls.asyncUnaryCall((request, observer) -> {
                    var name = request.length < 2
                            ? ""
                            : new String(request, 2, request.length - 2, StandardCharsets.UTF_8);
                    switch (name) {
                        case "" -> observer.onNext(new byte[] {8, 1});
                        case "down" -> observer.onNext(new byte[] {8, 2});
                        case "strange" -> observer.onNext(new byte[0]);
                        case "silent" -> {
                            return;
                        }
                        default -> {
                            observer.onError(Status.NOT_FOUND
                                    .withDescription("unknown service")
                                    .asRuntimeException());
                            return;
                        }
                    }
                    observer.onCompleted();
                }))
                .build();
        server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                .addService(service)
                .build()
                .start();
    }

    @AfterEach
    void stop() {
        server.shutdownNow();
        kernel.close();
    }

    private ProbeResult check(String service, Duration timeout) throws Exception {
        return prober.probe(ProbeSpec.Grpc.check("127.0.0.1", server.getPort(), service), timeout);
    }

    @Test
    void judgesTheServingStatus() throws Exception {
        var fine = check("", TIMEOUT);
        assertThat(fine.reason()).isEmpty();
        assertThat(fine.grpc()).isEqualTo(new ProbeResult.GrpcFacts(0, "SERVING"));
        assertThat(check("down", TIMEOUT).reason()).isEqualTo("\"down\" is NOT_SERVING");
        assertThat(check("strange", TIMEOUT).reason()).isEqualTo("\"strange\" is UNKNOWN");
        var none = check("none", TIMEOUT);
        assertThat(none.reason()).isEqualTo("the health service answers NOT_FOUND: unknown service");
        assertThat(none.grpc()).isEqualTo(new ProbeResult.GrpcFacts(5, "SERVICE_UNKNOWN"));
    }

    @Test
    void endsASilentServerAtItsDeadline() throws Exception {
        var result = check("silent", Duration.ofMillis(400));
        assertThat(result.success()).isFalse();
        assertThat(result.outcome()).isIn(Outcome.TIMED_OUT, Outcome.UNEXPECTED);
    }
}
