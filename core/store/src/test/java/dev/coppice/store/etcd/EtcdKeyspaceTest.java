package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.coordination.Coordination;
import dev.coppice.store.coordination.Grant;
import dev.coppice.store.coordination.Session;
import dev.coppice.store.coordination.SessionOptions;
import dev.coppice.store.remote.EtcdOptions;
import dev.coppice.store.remote.EtcdStore;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Arrays;
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
final class EtcdKeyspaceTest {
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
                Kernel kernel = Kernel.start()) {
            Supervisor sessions = kernel.root().startSupervisor("sessions", SupervisorOptions.DEFAULT);
            Keyspace remote = remote(kernel, 1, served.port());
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

    /** That of members on this machine, all of its keys. */
    private static Keyspace remote(Kernel kernel, int... ports) throws StartException {
        EtcdOptions options = new EtcdOptions(
                Arrays.stream(ports)
                        .mapToObj(port -> new EtcdOptions.Endpoint("127.0.0.1", port))
                        .toList(),
                null,
                null,
                ByteString.EMPTY);
        return EtcdStore.connect(kernel, kernel.root(), options, "etcd").keyspace();
    }

    /** A member that is connected and never answers. */
    private static int startFrozen(Kernel kernel) throws StartException {
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("frozen", new InetSocketAddress("127.0.0.1", 0), null, 2 << 20, 1000),
                List.of(
                        new LeaseGrpc.LeaseImplBase() {
                            @Override
                            public StreamObserver<LeaseKeepAliveRequest> leaseKeepAlive(
                                    StreamObserver<LeaseKeepAliveResponse> answers) {
                                return new StreamObserver<>() {
                                    @Override
                                    public void onNext(LeaseKeepAliveRequest request) {}

                                    @Override
                                    public void onError(Throwable error) {}

                                    @Override
                                    public void onCompleted() {}
                                };
                            }
                        }.bindService()),
                List.of());
        var _ = kernel.root().start(ChildSpec.service("frozen", () -> listener));
        return listener.address().orElseThrow().getPort();
    }

    @Test
    void aFrozenMemberIsLeftBeforeALeaseEnds() throws Exception {
        try (EtcdServed served = new EtcdServed(directory);
                Kernel kernel = Kernel.start()) {
            long lease = served.store
                    .keyspace("etcd")
                    .grant(LeaseGrantRequest.newBuilder().setTTL(30).build())
                    .getID();
            int frozen = startFrozen(kernel);
            Keyspace remote = remote(kernel, frozen, served.port());
            assertThat(remote.keepAlive(LeaseKeepAliveRequest.newBuilder()
                                    .setID(lease)
                                    .build())
                            .getTTL())
                    .isEqualTo(30);
        }
    }

    @Test
    void withoutAPrefixNothingIsWrittenToShowHowFarAWatchIs() throws Exception {
        try (EtcdServed served = new EtcdServed(directory);
                Kernel kernel = Kernel.start()) {
            Keyspace remote = remote(kernel, served.port());
            BlockingQueue<String> told = new LinkedBlockingQueue<>();
            ByteString everything = ByteString.copyFrom(new byte[1]);
            Watch watch = remote.watch(
                    WatchCreateRequest.newBuilder()
                            .setKey(everything)
                            .setRangeEnd(everything)
                            .setStartRevision(1)
                            .build(),
                    observer(told));
            long last = remote.put(PutRequest.newBuilder()
                            .setKey(ByteString.copyFromUtf8("/mark"))
                            .setValue(ByteString.copyFromUtf8("mine"))
                            .build())
                    .getHeader()
                    .getRevision();
            assertThat(remote.newestRevision()).isEqualTo(last);
            assertThat(next(told)).as("a key like any other").isEqualTo("mine");
            assertThat(remote.revision()).isEqualTo(last);
            watch.close();
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
