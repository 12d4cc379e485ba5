package dev.coppice.store.raft;

import com.alipay.sofa.jraft.rpc.RpcUtils;
import com.google.protobuf.Message;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.GrpcConnection;
import dev.coppice.serving.TlsSource;
import io.grpc.CallOptions;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Reaches the other members by gRPC with TLS from both sides: one connection to each, on it a stream for each of the methods
 * that are called often, and a call for everything else. Where a member listens is asked for whenever a
 * connection is made. Safe for use by many threads.
 */
public final class GrpcPeerTransport implements PeerTransport {

    /** How often at most a broken connection is tried again, whatever gRPC's own patience. */
    private static final long RETRY_NANOS = Duration.ofMillis(100).toNanos();

    private final Kernel kernel;
    private final TlsSource tls;
    private final PeerAddresses addresses;
    private final Map<String, Peer> peers = new ConcurrentHashMap<>();
    private final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();
    private final List<Consumer<String>> refused = new CopyOnWriteArrayList<>();
    private final Metrics metrics;
    private volatile boolean closed;

    /** Names of metrics that have another one in etcd. */
    public static final String SENT_BYTES = "coppice_store_peer_sent_bytes";

    public static final String RECEIVED_BYTES = "coppice_store_peer_received_bytes";
    public static final String ROUND_TRIP_SECONDS = "coppice_store_peer_round_trip_seconds";

    /** What is counted; made once per kernel, however often a transport is opened. */
    public static final class Metrics {
        private final Counter calls;
        private final Counter failures;
        private final Counter connections;
        private final Counter sent;
        private final Counter received;
        private final Histogram roundTrips;
        private final List<Map<String, Peer>> shown = new CopyOnWriteArrayList<>();

        public Metrics(Kernel kernel) {
            calls = Counter.builder()
                    .name("coppice_store_peer_calls")
                    .help("Requests sent to other members.")
                    .labelNames("method")
                    .register(kernel.metrics());
            failures = Counter.builder()
                    .name("coppice_store_peer_failures")
                    .help("Requests to another member that were not answered.")
                    .labelNames("peer")
                    .register(kernel.metrics());
            connections = Counter.builder()
                    .name("coppice_store_peer_connections")
                    .help("Connections made to another member.")
                    .labelNames("peer")
                    .register(kernel.metrics());
            sent = Counter.builder()
                    .name(SENT_BYTES)
                    .help("Bytes of requests sent to another member.")
                    .labelNames("peer")
                    .register(kernel.metrics());
            received = Counter.builder()
                    .name(RECEIVED_BYTES)
                    .help("Bytes of entries, and of answers, received from another member.")
                    .labelNames("peer")
                    .register(kernel.metrics());
            roundTrips = Histogram.builder()
                    .name(ROUND_TRIP_SECONDS)
                    .help("Seconds from a heartbeat to its answer.")
                    .labelNames("peer")
                    .classicOnly()
                    .classicExponentialUpperBounds(0.0001, 2, 16)
                    .register(kernel.metrics());
            GaugeWithCallback.builder()
                    .name("coppice_store_peer_connected")
                    .help("Whether there is a connection to another member.")
                    .labelNames("peer")
                    .callback(callback -> {
                        Map<String, Boolean> ready = new HashMap<>();
                        shown.forEach(peers ->
                                peers.forEach((name, peer) -> ready.merge(name, peer.ready(), Boolean::logicalAnd)));
                        ready.forEach((name, all) -> callback.call(all ? 1 : 0, name));
                    })
                    .register(kernel.metrics());
        }

        /** Counts what a member has sent. */
        public void received(String from, int bytes) {
            received.labelValues(from).inc(bytes);
        }
    }

    /**
     * A transport.
     *
     * @param tls this node's certificates, and the authority of the cluster
     * @param addresses where a member listens, by its name in the Raft library; an unresolved host name is looked up with
     *     each connection; null when it is not known
     */
    public GrpcPeerTransport(Kernel kernel, Metrics metrics, TlsSource tls, PeerAddresses addresses) {
        this.kernel = kernel;
        this.metrics = metrics;
        this.tls = tls;
        this.addresses = addresses;
        metrics.shown.add(peers);
    }

    /** The connection to one member. */
    private final class Peer {
        private final String name;
        private final InetSocketAddress address;
        private final GrpcConnection connection;
        private final AtomicLong retriedNanos = new AtomicLong(kernel.clock().nanoTime());
        private final Map<StreamedMethod<?, ?>, CallStream<?, ?>> streams = new HashMap<>();

        Peer(String name, InetSocketAddress address) {
            this.name = name;
            this.address = address;
            this.connection =
                    GrpcConnection.peer(tls, address.getHostString(), address.getPort(), PeerMethods.MAX_MESSAGE_BYTES);
            watch(channel().getState(true));
        }

        ManagedChannel channel() {
            return connection.channel();
        }

        boolean ready() {
            return channel().getState(false) == ConnectivityState.READY;
        }

        /** A connection that breaks is made again at once: only so is it known soon whether the other side is there. */
        private void watch(ConnectivityState seen) {
            channel().notifyWhenStateChanged(seen, () -> {
                ConnectivityState now = channel().getState(true);
                if (now == ConnectivityState.SHUTDOWN) {
                    return;
                }
                watch(now);
                if (now == ConnectivityState.TRANSIENT_FAILURE) {
                    refused.forEach(listener -> listener.accept(name));
                }
                if (now == ConnectivityState.READY) {
                    metrics.connections.labelValues(name).inc();
                    listeners.forEach(listener -> listener.accept(name));
                }
            });
        }

        boolean reachable() {
            ConnectivityState state = channel().getState(true);
            if (state != ConnectivityState.TRANSIENT_FAILURE) {
                return state != ConnectivityState.SHUTDOWN;
            }
            long now = kernel.clock().nanoTime();
            long before = retriedNanos.get();
            if (now - before >= RETRY_NANOS && retriedNanos.compareAndSet(before, now)) {
                channel().resetConnectBackoff();
            }
            return false;
        }

        @SuppressWarnings("unchecked") // A stream is kept by its method.
        synchronized <Q extends Message, A extends Message> CallStream<Q, A> stream(StreamedMethod<Q, A> method) {
            CallStream<Q, A> current = (CallStream<Q, A>) streams.get(method);
            if (current == null || current.broken()) {
                current = new CallStream<>(kernel, method, RpcUtils::runInThread);
                current.start(ClientCalls.asyncBidiStreamingCall(
                        channel().newCall(method.stream(), CallOptions.DEFAULT), current.answers()));
                streams.put(method, current);
            }
            return current;
        }

        void close() {
            connection.close();
        }
    }

    private Peer peer(String name) {
        InetSocketAddress address = addresses.of(name);
        if (closed || address == null) {
            throw Status.UNAVAILABLE
                    .withDescription(closed ? "this member stops" : "it is not known where " + name + " listens")
                    .asRuntimeException();
        }
        Peer known = peers.get(name);
        if (known != null && known.address.equals(address)) {
            return known;
        }
        Peer[] moved = new Peer[1];
        Peer current = peers.compute(name, (_, old) -> {
            if (old != null && old.address.equals(address)) {
                return old;
            }
            moved[0] = old;
            return new Peer(name, address);
        });
        if (moved[0] != null) {
            moved[0].close();
        }
        return current;
    }

    @Override
    public <Q extends Message, A extends Message> void call(
            String to, MethodDescriptor<Q, A> method, Q request, long timeoutMillis, Answer<A> answer) {
        metrics.calls.labelValues(String.valueOf(method.getBareMethodName())).inc();
        metrics.sent.labelValues(to).inc(request.getSerializedSize());
        Answer<A> counted = counted(to, answer, () -> {});
        try {
            ClientCalls.asyncUnaryCall(
                    peer(to).channel()
                            .newCall(
                                    method,
                                    CallOptions.DEFAULT.withDeadlineAfter(timeoutMillis, TimeUnit.MILLISECONDS)),
                    request,
                    new Once<>(counted));
        } catch (RuntimeException e) {
            counted.failed(e);
        }
    }

    @Override
    public <Q extends Message, A extends Message> void call(
            String to, StreamedMethod<Q, A> method, Q request, long timeoutMillis, Answer<A> answer) {
        metrics.calls.labelValues(method.name()).inc();
        metrics.sent.labelValues(to).inc(request.getSerializedSize());
        long begin = kernel.clock().nanoTime();
        Answer<A> counted = counted(to, answer, () -> {
            if (method == (Object) PeerMethods.HEARTBEAT) {
                metrics.roundTrips.labelValues(to).observe((kernel.clock().nanoTime() - begin) / 1e9);
            }
        });
        try {
            peer(to).stream(method).send(request, timeoutMillis, counted);
        } catch (RuntimeException e) {
            counted.failed(e);
        }
    }

    private <A extends Message> Answer<A> counted(String to, Answer<A> answer, Runnable answered) {
        return new Answer<>() {
            @Override
            public void answered(A message) {
                answered.run();
                metrics.received(to, message.getSerializedSize());
                answer.answered(message);
            }

            @Override
            public void failed(Throwable error) {
                metrics.failures.labelValues(to).inc();
                answer.failed(error);
            }
        };
    }

    /** The answer of a call, as gRPC tells it. */
    private static final class Once<A> implements StreamObserver<A> {
        private final Answer<A> answer;
        private final AtomicBoolean told = new AtomicBoolean();

        Once(Answer<A> answer) {
            this.answer = answer;
        }

        @Override
        public void onNext(A message) {
            if (told.compareAndSet(false, true)) {
                answer.answered(message);
            }
        }

        @Override
        public void onError(Throwable error) {
            if (told.compareAndSet(false, true)) {
                answer.failed(error);
            }
        }

        @Override
        public void onCompleted() {
            onError(Status.INTERNAL
                    .withDescription("the call ended without an answer")
                    .asRuntimeException());
        }
    }

    @Override
    public boolean reachable(String to) {
        try {
            return peer(to).reachable();
        } catch (RuntimeException e) {
            return false;
        }
    }

    @Override
    public void disconnect(String to) {
        Peer known = peers.remove(to);
        if (known != null) {
            known.close();
        }
    }

    @Override
    public void onConnected(Consumer<String> listener) {
        listeners.add(listener);
    }

    @Override
    public void onRefused(Consumer<String> listener) {
        refused.add(listener);
    }

    @Override
    public void close() {
        closed = true;
        metrics.shown.removeIf(each -> each == peers);
        List.copyOf(peers.keySet()).forEach(this::disconnect);
    }
}
