package dev.coppice.acceptance.fault;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.HashKVRequest;
import dev.coppice.store.api.HashKVResponse;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LockGrpc;
import dev.coppice.store.api.MaintenanceGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.WatchGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ForwardingClientCall;
import io.grpc.ForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A connection to etcd's API of one node. It retries nothing, but connects again soon after the node is there again. Safe for
 * use by many threads.
 */
final class EtcdClient implements AutoCloseable {
    static final Duration TIMEOUT = Duration.ofMillis(2500);
    static final ByteString ZERO = ByteString.copyFrom(new byte[] {0});

    /** The least time from one attempt to connect to the next. */
    private static final long RECONNECT_NANOS = Duration.ofMillis(200).toNanos();

    private final ManagedChannel connections;
    private final Channel channel;
    private final AtomicLong reconnected = new AtomicLong(System.nanoTime());

    EtcdClient(String address) {
        this.connections = NettyChannelBuilder.forAddress(address, Network.CLIENT_PORT)
                .usePlaintext()
                .maxInboundMessageSize(64 << 20)
                .build();
        this.channel = ClientInterceptors.intercept(connections, new Reconnecting());
    }

    /**
     * After each connection that failed gRPC waits longer for the next one, up to two minutes. A node that was away for some
     * seconds, and is slow to start, would serve for most of a minute before anybody asked it for anything.
     */
    private final class Reconnecting implements ClientInterceptor {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
                @Override
                public void start(Listener<A> listener, Metadata headers) {
                    super.start(
                            new ForwardingClientCallListener.SimpleForwardingClientCallListener<>(listener) {
                                @Override
                                public void onClose(Status status, Metadata trailers) {
                                    if (status.getCode() == Status.Code.UNAVAILABLE) {
                                        reconnect();
                                    }
                                    super.onClose(status, trailers);
                                }
                            },
                            headers);
                }
            };
        }
    }

    private void reconnect() {
        long now = System.nanoTime();
        long before = reconnected.get();
        if (now - before > RECONNECT_NANOS && reconnected.compareAndSet(before, now)) {
            connections.resetConnectBackoff();
        }
    }

    static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    KVGrpc.KVBlockingStub kv() {
        return kv(TIMEOUT);
    }

    KVGrpc.KVBlockingStub kv(Duration timeout) {
        return KVGrpc.newBlockingStub(channel).withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    LeaseGrpc.LeaseBlockingStub leases() {
        return LeaseGrpc.newBlockingStub(channel).withDeadlineAfter(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    }

    LeaseGrpc.LeaseStub leaseStreams() {
        return LeaseGrpc.newStub(channel);
    }

    LockGrpc.LockBlockingStub locks(Duration timeout) {
        return LockGrpc.newBlockingStub(channel).withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    MaintenanceGrpc.MaintenanceBlockingStub maintenance(Duration timeout) {
        return MaintenanceGrpc.newBlockingStub(channel).withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    WatchGrpc.WatchStub watches() {
        return WatchGrpc.newStub(channel);
    }

    Channel channel() {
        return channel;
    }

    long put(String key, String value) {
        return kv().put(PutRequest.newBuilder()
                        .setKey(bytes(key))
                        .setValue(bytes(value))
                        .build())
                .getHeader()
                .getRevision();
    }

    /** Of the store, by a linearizable read. */
    long revision() {
        return get("\0").getHeader().getRevision();
    }

    RangeResponse get(String key) {
        return kv().range(RangeRequest.newBuilder().setKey(bytes(key)).build());
    }

    HashKVResponse hash(long revision) {
        return maintenance(Duration.ofSeconds(20))
                .hashKV(HashKVRequest.newBuilder().setRevision(revision).build());
    }

    @Override
    public void close() {
        connections.shutdownNow();
    }
}
