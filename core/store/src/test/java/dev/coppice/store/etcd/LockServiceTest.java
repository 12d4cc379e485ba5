package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import dev.coppice.store.Keyspace;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LockGrpc;
import dev.coppice.store.api.LockRequest;
import dev.coppice.store.api.LockResponse;
import dev.coppice.store.api.RangeRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What etcd's Lock service does with waits that end otherwise. */
@Timeout(60)
final class LockServiceTest {
    private static final ByteString NAME = ByteString.copyFromUtf8("served");

    @TempDir
    Path directory;

    private static long lease(Keyspace keyspace) {
        return keyspace.grant(LeaseGrantRequest.newBuilder().setTTL(60).build()).getID();
    }

    private static LockRequest request(long lease) {
        return LockRequest.newBuilder().setName(NAME).setLease(lease).build();
    }

    private static int contenders(Keyspace keyspace) {
        return keyspace.range(RangeRequest.newBuilder()
                        .setKey(NAME)
                        .setRangeEnd(KeyMethods.prefixEnd(NAME))
                        .build())
                .getKvsCount();
    }

    private static void await(Keyspace keyspace, int number) {
        while (contenders(keyspace) != number) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aWaitWhoseLeaseEndsOrWhoseCallerGoesIsNeverGranted() throws Exception {
        try (EtcdServed served = new EtcdServed(directory)) {
            Keyspace keyspace = served.store.keyspace("etcd");
            ManagedChannel channel = NettyChannelBuilder.forTarget(served.endpoint)
                    .usePlaintext()
                    .build();
            try {
                LockGrpc.LockFutureStub lock = LockGrpc.newFutureStub(channel);
                LockResponse held = lock.lock(request(lease(keyspace))).get(20, TimeUnit.SECONDS);
                long ending = lease(keyspace);
                ListenableFuture<LockResponse> expiring = lock.lock(request(ending));
                await(keyspace, 2);
                var _ = keyspace.revoke(
                        LeaseRevokeRequest.newBuilder().setID(ending).build());
                assertThatThrownBy(() -> expiring.get(20, TimeUnit.SECONDS))
                        .hasMessageContaining("mutex: session is expired");
                ListenableFuture<LockResponse> going = lock.lock(request(lease(keyspace)));
                await(keyspace, 2);
                assertThat(going.cancel(true)).isTrue();
                await(keyspace, 1);
                assertThat(held.getKey().toStringUtf8()).startsWith("served/");
            } finally {
                channel.shutdownNow();
            }
        }
    }
}
