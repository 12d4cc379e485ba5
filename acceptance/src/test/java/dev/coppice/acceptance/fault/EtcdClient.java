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
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A connection to etcd's API of one node. It retries nothing. Safe for use by many threads. */
final class EtcdClient implements AutoCloseable {
    static final Duration TIMEOUT = Duration.ofMillis(2500);
    static final ByteString ZERO = ByteString.copyFrom(new byte[] {0});

    private final ManagedChannel channel;

    EtcdClient(String address) {
        this.channel = NettyChannelBuilder.forAddress(address, Network.CLIENT_PORT)
                .usePlaintext()
                .maxInboundMessageSize(64 << 20)
                .build();
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

    ManagedChannel channel() {
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
        channel.shutdownNow();
    }
}
