package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.GrpcConnection;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.client.RemoteKeyspace;
import dev.coppice.store.coordination.Coordination;
import dev.coppice.store.coordination.Grant;
import dev.coppice.store.coordination.Session;
import dev.coppice.store.coordination.SessionOptions;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A keyspace over the network behaves as the one that is served. */
@Timeout(60)
final class RemoteKeyspaceTest {
    private static final ByteString KEY = ByteString.copyFromUtf8("key");

    @TempDir
    Path directory;

    private static PutRequest put(String value) {
        return PutRequest.newBuilder()
                .setKey(KEY)
                .setValue(ByteString.copyFromUtf8(value))
                .build();
    }

    private static String next(BlockingQueue<String> told) throws InterruptedException {
        return String.valueOf(told.poll(20, TimeUnit.SECONDS));
    }

    @Test
    void readsWritesWatchesAndLocksFromAfar() throws Exception {
        try (EtcdServed served = new EtcdServed(directory);
                Kernel kernel = Kernel.start();
                GrpcConnection nobody = GrpcConnection.client(null, "127.0.0.1", 1, 4 << 20);
                GrpcConnection connection = GrpcConnection.client(
                        null, "127.0.0.1", Integer.parseInt(served.endpoint.split(":")[1]), 4 << 20)) {
            Supervisor sessions = kernel.root().startSupervisor("sessions", SupervisorOptions.DEFAULT);
            Keyspace remote = new RemoteKeyspace(
                    List.of(nobody.channel(), connection.channel()),
                    kernel.root().executor("watches"));
            assertThatThrownBy(() -> remote.put(put("0")))
                    .as("the first member is away; the second one is asked from then on")
                    .isInstanceOfSatisfying(
                            StoreException.class, e -> assertThat(e.code()).isEqualTo(Status.Code.UNAVAILABLE));
            long first = remote.put(put("1")).getHeader().getRevision();
            BlockingQueue<String> told = new LinkedBlockingQueue<>();
            Watch watch = remote.watch(
                    WatchCreateRequest.newBuilder()
                            .setKey(KEY)
                            .setStartRevision(first)
                            .build(),
                    observer(told));
            assertThat(next(told)).isEqualTo("1");
            var _ = served.store.keyspace("etcd").put(put("2"));
            assertThat(next(told)).isEqualTo("2");
            watch.close();
            assertThat(next(told)).isEqualTo("closed null");
            var _ = remote.compact(CompactionRequest.newBuilder()
                    .setRevision(remote.newestRevision())
                    .build());
            Watch old = remote.watch(
                    WatchCreateRequest.newBuilder()
                            .setKey(KEY)
                            .setStartRevision(first)
                            .build(),
                    observer(told));
            assertThat(next(told)).contains("closed").contains("has been compacted");
            old.close();
            long lease = remote.grant(LeaseGrantRequest.newBuilder().setTTL(30).build())
                    .getID();
            assertThat(remote.keepAlive(LeaseKeepAliveRequest.newBuilder()
                                    .setID(lease)
                                    .build())
                            .getTTL())
                    .isEqualTo(30);
            assertThat(remote.keepAlive(
                                    LeaseKeepAliveRequest.newBuilder().setID(7).build())
                            .getTTL())
                    .isZero();

            try (Session far = new Coordination(kernel, sessions, remote).open(SessionOptions.DEFAULT);
                    Session near = new Coordination(kernel, sessions, served.store.keyspace("etcd"))
                            .open(SessionOptions.DEFAULT)) {
                Grant held = far.lock("one").acquire();
                assertThat(near.lock("one").tryAcquire()).isEmpty();
                held.close();
                try (Grant next = near.lock("one").tryAcquire().orElseThrow()) {
                    assertThat(next.token()).isGreaterThan(held.token());
                    assertThat(far.lock("one").tryAcquire()).isEmpty();
                }
            }
        }
    }

    private static WatchObserver observer(BlockingQueue<String> told) {
        return new WatchObserver() {
            @Override
            public void response(WatchResponse response) {
                response.getEventsList()
                        .forEach(each -> told.add(each.getKv().getValue().toStringUtf8()));
            }

            @Override
            public void closed(@Nullable Throwable error) {
                told.add("closed " + (error == null ? null : error.getMessage()));
            }
        };
    }
}
