package dev.coppice.store.etcd;

import com.google.protobuf.Message;
import dev.coppice.kernel.Clock;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Counts calls by the names that etcd's dashboards and alerts ask for: those of the Prometheus interceptor of Go's gRPC, and the
 * bytes of messages. Safe for use by many threads.
 *
 * @see <a href="https://github.com/etcd-io/etcd/tree/main/contrib/mixin">etcd's mixin</a>
 */
final class EtcdCallMetrics implements ServerInterceptor {

    private static final double NANOS_PER_SECOND = 1e9;

    private final Clock clock;
    private final Counter started = Counter.builder()
            .name("grpc_server_started_total")
            .help("RPCs started on the server.")
            .labelNames("grpc_type", "grpc_service", "grpc_method")
            .build();
    private final Counter handled = Counter.builder()
            .name("grpc_server_handled_total")
            .help("RPCs completed on the server, regardless of success or failure.")
            .labelNames("grpc_type", "grpc_service", "grpc_method", "grpc_code")
            .build();
    private final Histogram seconds = Histogram.builder()
            .name("grpc_server_handling_seconds")
            .help("Response latency of RPCs that had been handled by the server.")
            .labelNames("grpc_type", "grpc_service", "grpc_method")
            .classicOnly()
            .build();
    private final Counter received = Counter.builder()
            .name("etcd_network_client_grpc_received_bytes_total")
            .help("Bytes received from gRPC clients.")
            .build();
    private final Counter sent = Counter.builder()
            .name("etcd_network_client_grpc_sent_bytes_total")
            .help("Bytes sent to gRPC clients.")
            .build();
    private final Map<String, OfMethod> methods = new ConcurrentHashMap<>();

    EtcdCallMetrics(Clock clock) {
        this.clock = clock;
    }

    /** What is counted of one method. */
    private record OfMethod(
            String type, String service, String method, CounterDataPoint started, DistributionDataPoint seconds) {}

    List<MetricSnapshot> collect() {
        return List.of(started.collect(), handled.collect(), seconds.collect(), received.collect(), sent.collect());
    }

    private OfMethod of(MethodDescriptor<?, ?> method) {
        return methods.computeIfAbsent(method.getFullMethodName(), name -> {
            String type = switch (method.getType()) {
                case UNARY -> "unary";
                case CLIENT_STREAMING -> "client_stream";
                case SERVER_STREAMING -> "server_stream";
                case BIDI_STREAMING, UNKNOWN -> "bidi_stream";
            };
            String service = String.valueOf(method.getServiceName());
            String bare = String.valueOf(method.getBareMethodName());
            return new OfMethod(
                    type,
                    service,
                    bare,
                    started.labelValues(type, service, bare),
                    seconds.labelValues(type, service, bare));
        });
    }

    /** A code as Go writes it: {@code PermissionDenied}. */
    static String goName(Status.Code code) {
        if (code == Status.Code.OK) {
            return "OK";
        }
        StringBuilder name = new StringBuilder();
        for (String part : code.name().split("_", -1)) {
            name.append(part.charAt(0)).append(part.substring(1).toLowerCase(Locale.ROOT));
        }
        return code == Status.Code.CANCELLED ? "Canceled" : name.toString();
    }

    private static int size(Object message) {
        return switch (message) {
            case Message known -> known.getSerializedSize();
            case WatchMessage encoded -> encoded.bytes();
            default -> 0;
        };
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        OfMethod method = of(call.getMethodDescriptor());
        long begin = clock.nanoTime();
        AtomicBoolean ended = new AtomicBoolean();
        method.started().inc();
        ServerCall.Listener<Q> listener = next.startCall(
                new SimpleForwardingServerCall<Q, A>(call) {
                    @Override
                    public void sendMessage(A message) {
                        sent.inc(size(message));
                        super.sendMessage(message);
                    }

                    @Override
                    public void close(Status status, Metadata trailers) {
                        if (ended.compareAndSet(false, true)) {
                            end(method, begin, status.getCode());
                        }
                        super.close(status, trailers);
                    }
                },
                headers);
        return new SimpleForwardingServerCallListener<>(listener) {
            @Override
            public void onMessage(Q message) {
                received.inc(size(message));
                super.onMessage(message);
            }

            @Override
            public void onCancel() {
                if (ended.compareAndSet(false, true)) {
                    end(method, begin, Status.Code.CANCELLED);
                }
                super.onCancel();
            }
        };
    }

    private void end(OfMethod method, long begin, Status.Code code) {
        handled.labelValues(method.type(), method.service(), method.method(), goName(code))
                .inc();
        method.seconds().observe((clock.nanoTime() - begin) / NANOS_PER_SECOND);
    }
}
