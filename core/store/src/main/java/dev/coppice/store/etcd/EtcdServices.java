package dev.coppice.store.etcd;

import com.google.protobuf.Message;
import dev.coppice.serving.Routes;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.AuthGrpc;
import dev.coppice.store.api.ClusterGrpc;
import dev.coppice.store.api.ElectionGrpc;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.LeaderRequest;
import dev.coppice.store.api.LeaderResponse;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.LockGrpc;
import dev.coppice.store.api.MaintenanceGrpc;
import dev.coppice.store.api.SnapshotRequest;
import dev.coppice.store.api.SnapshotResponse;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.engine.Errors;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * A keyspace of a store, served as etcd v3.5: the gRPC services KV, Watch, Lease, Cluster, Maintenance, Auth, Lock and
 * Election, and beside them the JSON gateway {@code /v3}, {@code /health}, {@code /version} and {@code /metrics}. Handlers
 * other than {@link #direct} block: the listener has to run them on virtual threads. Safe for use by many threads.
 */
public final class EtcdServices {

    private static final System.Logger LOG = System.getLogger(EtcdServices.class.getName());

    /** How much of a stream of watches may wait in the connection before more is held back. */
    private static final int WATCH_BYTES_AHEAD = 256 << 10;

    private static final Context.Key<Credentials> CREDENTIALS = Context.key("coppice-etcd-credentials");
    private final MemberKeyspace keyspace;
    private final AtomicReference<EtcdPolicy> policy;
    private final Gate gate;
    private final DirectCalls direct;
    private final List<Method<?, ?>> methods = new ArrayList<>();
    private final LeaderlessStreams leaderless;
    private final EtcdCallMetrics calls;

    /**
     * @param store an opened store
     * @param keyspace which of its keyspaces to serve
     * @throws IllegalArgumentException when the keys of the policy's tokens cannot be used
     */
    public EtcdServices(Store store, String keyspace, EtcdPolicy policy) {
        this.keyspace = store.memberKeyspace(keyspace);
        this.policy = new AtomicReference<>(policy);
        this.gate = new Gate(this.keyspace, policy);
        this.direct = new DirectCalls(this.keyspace, gate);
        this.calls = new EtcdCallMetrics(store.kernel().clock());
        this.leaderless = new LeaderlessStreams(store::led);
        store.everySecond(leaderless::check);
        methods.addAll(KeyMethods.of(this.keyspace, gate));
        methods.addAll(AuthMethods.of(this.keyspace, gate));
        methods.addAll(MemberMethods.of(this.keyspace, gate, this.policy::get));
        methods.addAll(LockMethods.of(this.keyspace, gate));
    }

    /** Sets where clients reach this member, once the listener knows its port. */
    public void announce(List<String> clientUrls) {
        policy.updateAndGet(known -> known.withClientUrls(clientUrls));
    }

    /** Mounts the JSON gateway and what else etcd serves over HTTP/1.1. */
    public void mount(Routes routes) {
        new Gateway(keyspace, gate, methods, this::snapshot, calls).mount(routes);
    }

    // ---- gRPC

    /** What the calls need to know their sender. */
    public List<ServerInterceptor> interceptors() {
        return List.of(calls, new CredentialsInterceptor());
    }

    private final class CredentialsInterceptor implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            if (Credentials.needsLeader(headers) && !keyspace.store().led()) {
                call.close(Errors.noLeader().status(), new Metadata());
                return new ServerCall.Listener<>() {};
            }
            return direct.methods().contains(call.getMethodDescriptor().getFullMethodName())
                    ? next.startCall(call, headers)
                    : Contexts.interceptCall(
                            Context.current().withValue(CREDENTIALS, Credentials.of(call, headers)),
                            call,
                            headers,
                            next);
        }
    }

    private Caller caller(Caller.Access access) {
        return caller(credentials(), access);
    }

    private static Credentials credentials() {
        Credentials credentials = CREDENTIALS.get();
        return credentials == null ? Credentials.NONE : credentials;
    }

    private Caller caller(Credentials shown, Caller.Access access) {
        Caller caller = gate.identify(shown.certificates(), access == Caller.Access.OPEN ? null : shown.token());
        gate.require(caller, access);
        return caller;
    }

    /** The full names of methods whose handlers never wait: a listener may call them on its I/O threads. */
    public Set<String> direct() {
        return direct.methods();
    }

    /** The services, to be given to a listener together with {@link #interceptors}. */
    public List<ServerServiceDefinition> services() {
        return List.of(
                service(KVGrpc.getServiceDescriptor()).build(),
                service(LeaseGrpc.getServiceDescriptor())
                        .addMethod(
                                LeaseGrpc.getLeaseKeepAliveMethod(),
                                ServerCalls.asyncBidiStreamingCall(this::keepAlive))
                        .build(),
                ServerServiceDefinition.builder(WatchMessage.SERVICE)
                        .addMethod(WatchMessage.METHOD, ServerCalls.asyncBidiStreamingCall(this::watch))
                        .build(),
                service(ClusterGrpc.getServiceDescriptor()).build(),
                service(MaintenanceGrpc.getServiceDescriptor())
                        .addMethod(
                                MaintenanceGrpc.getSnapshotMethod(),
                                ServerCalls.asyncServerStreamingCall(this::snapshot))
                        .build(),
                service(AuthGrpc.getServiceDescriptor()).build(),
                service(LockGrpc.getServiceDescriptor()).build(),
                service(ElectionGrpc.getServiceDescriptor())
                        .addMethod(ElectionGrpc.getObserveMethod(), ServerCalls.asyncServerStreamingCall(this::observe))
                        .build());
    }

    private ServerServiceDefinition.Builder service(ServiceDescriptor descriptor) {
        ServerServiceDefinition.Builder builder = ServerServiceDefinition.builder(descriptor);
        for (Method<?, ?> method : methods) {
            if (descriptor.getMethods().contains(method.grpc())) {
                add(builder, method);
            }
        }
        return builder;
    }

    private <Q extends Message, A extends Message> void add(
            ServerServiceDefinition.Builder builder, Method<Q, A> method) {
        if (direct.methods().contains(method.grpc().getFullMethodName())) {
            builder.addMethod(method.grpc(), direct.handler(method));
            return;
        }
        builder.addMethod(
                method.grpc(),
                ServerCalls.asyncUnaryCall((request, observer) ->
                        answer(observer, () -> method.body().call(caller(method.access()), request))));
    }

    private static <A> void answer(StreamObserver<A> observer, Supplier<A> body) {
        A answer;
        try {
            answer = body.get();
        } catch (RuntimeException e) {
            observer.onError(status(e).asRuntimeException());
            return;
        }
        observer.onNext(answer);
        observer.onCompleted();
    }

    static Status status(Throwable error) {
        if (error instanceof StoreException known) {
            return known.status();
        }
        LOG.log(System.Logger.Level.ERROR, "a request to the store failed", error);
        return Status.INTERNAL.withDescription("etcdserver: " + error);
    }

    // ---- streams

    private StreamObserver<WatchRequest> watch(StreamObserver<WatchMessage> responses) {
        ServerCallStreamObserver<WatchMessage> calls = (ServerCallStreamObserver<WatchMessage>) responses;
        calls.setOnReadyThreshold(WATCH_BYTES_AHEAD);
        OutboundFlow<WatchMessage> out = new OutboundFlow<>(calls);
        // Who it is, is asked with every watch: a token may end, and with it the right to see more.
        Credentials shown = credentials();
        try {
            Caller unused = caller(shown.withoutToken(), Caller.Access.CHECKED);
        } catch (StoreException e) {
            responses.onError(e.status().asRuntimeException());
            return new Ignored<>();
        }
        WatchStream stream = new WatchStream(
                keyspace, gate, () -> caller(shown, Caller.Access.CHECKED), new WatchMessage.Sender(out));
        Runnable forget = shown.needsLeader()
                ? leaderless.add(() -> {
                    out.fail(Errors.noLeader().status());
                    stream.close();
                })
                : () -> {};
        out.onEnd(() -> {
            forget.run();
            stream.close();
        });
        return new StreamObserver<>() {
            @Override
            public void onNext(WatchRequest request) {
                try {
                    stream.request(request);
                } catch (RuntimeException e) {
                    out.fail(status(e));
                    stream.close();
                }
            }

            @Override
            public void onError(Throwable error) {
                forget.run();
                stream.close();
            }

            @Override
            public void onCompleted() {
                forget.run();
                stream.close();
                out.complete();
            }
        };
    }

    private StreamObserver<LeaseKeepAliveRequest> keepAlive(StreamObserver<LeaseKeepAliveResponse> responses) {
        OutboundFlow<LeaseKeepAliveResponse> out =
                new OutboundFlow<>((ServerCallStreamObserver<LeaseKeepAliveResponse>) responses);
        return new StreamObserver<>() {
            @Override
            public void onNext(LeaseKeepAliveRequest request) {
                try {
                    Caller unused = caller(Caller.Access.KNOWN);
                    out.sendNow(keyspace.keepAlive(request));
                } catch (RuntimeException e) {
                    out.fail(status(e));
                }
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onCompleted() {
                out.complete();
            }
        };
    }

    private void snapshot(SnapshotRequest request, StreamObserver<SnapshotResponse> responses) {
        OutboundFlow<SnapshotResponse> out = new OutboundFlow<>((ServerCallStreamObserver<SnapshotResponse>) responses);
        try {
            Caller unused = caller(Caller.Access.ADMINISTRATOR);
            snapshot(out::send);
            out.complete();
        } catch (Exception e) {
            out.fail(status(e));
        }
    }

    private void snapshot(SnapshotStream.Sink sink) throws Exception {
        new SnapshotStream(keyspace, policy.get()).write(sink);
    }

    private void observe(LeaderRequest request, StreamObserver<LeaderResponse> responses) {
        OutboundFlow<LeaderResponse> out = new OutboundFlow<>((ServerCallStreamObserver<LeaderResponse>) responses);
        try {
            Caller caller = caller(Caller.Access.KNOWN);
            new ElectionObserver(keyspace, gate, caller, request.getName()).start(out::send, out::onEnd);
        } catch (RuntimeException e) {
            out.fail(status(e));
        }
    }

    /** Takes the requests of a stream that was refused. */
    private static final class Ignored<T> implements StreamObserver<T> {
        @Override
        public void onNext(T value) {}

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {}
    }
}
