package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreException;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.RangeRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A store in this process, with sessions on it. */
final class StoreHeld implements AutoCloseable {
    final Kernel kernel;
    final Store store;
    final Keyspace keyspace;
    final Coordination coordination;
    final Supervisor sessions;

    StoreHeld(Path directory, Clock clock) throws StartException {
        kernel = Kernel.start(clock, 1);
        store = Store.start(kernel, kernel.root(), StoreOptions.of(directory));
        keyspace = store.keyspace("etcd");
        sessions = kernel.root().startSupervisor("sessions", SupervisorOptions.DEFAULT);
        coordination = new Coordination(kernel, sessions, keyspace);
    }

    Session session() {
        return coordination.open(SessionOptions.DEFAULT.withTtl(Duration.ofSeconds(60)));
    }

    List<KeyValue> below(String prefix) {
        ByteString start = ByteString.copyFromUtf8(prefix);
        return keyspace.range(RangeRequest.newBuilder()
                        .setKey(start)
                        .setRangeEnd(FairQueue.prefixEnd(start))
                        .setSortTarget(RangeRequest.SortTarget.CREATE)
                        .build())
                .getKvsList();
    }

    void revoke(Session session) {
        var _ = keyspace.revoke(
                LeaseRevokeRequest.newBuilder().setID(session.lease()).build());
    }

    void delete(ByteString key) {
        var _ = keyspace.delete(DeleteRangeRequest.newBuilder().setKey(key).build());
    }

    /** Waits until so many contend. */
    void awaitContenders(String name, int number) throws InterruptedException {
        while (true) {
            List<KeyValue> now = below(name + "/");
            if (now.size() >= number) {
                return;
            }
            kernel.timers().sleep(Duration.ofMillis(1));
        }
    }

    /** Kills the member, and waits until the next one leads. */
    void restartMember() throws InterruptedException {
        long before = store.log().term();
        kernel.find("/store/member").orElseThrow().kill();
        while (term() <= before) {
            kernel.timers().sleep(Duration.ofMillis(1));
        }
    }

    private long term() {
        try {
            return store.log().term();
        } catch (StoreException e) {
            return 0;
        }
    }

    @Override
    public void close() {
        kernel.close();
    }
}
