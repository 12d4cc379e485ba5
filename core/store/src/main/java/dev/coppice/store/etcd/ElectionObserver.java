package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.LeaderResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Tells who leads an election, and again whenever that changes (etcd: Election.Observe). */
final class ElectionObserver implements WatchObserver {

    /** Where it tells. */
    interface Sink {
        void send(LeaderResponse response) throws Exception;
    }

    private final MemberKeyspace keyspace;
    private final ByteString name;
    private @Nullable Sink sink;
    private ByteString lastKey = ByteString.EMPTY;
    private long lastRevision;

    ElectionObserver(MemberKeyspace keyspace, Gate gate, Caller caller, ByteString name) {
        this.keyspace = keyspace;
        this.name = name;
        ByteString prefix = prefix();
        gate.read(caller, prefix, KeyMethods.prefixEnd(prefix));
    }

    private ByteString prefix() {
        return name.concat(ByteString.copyFromUtf8("/"));
    }

    void start(Sink target, Consumer<Runnable> onEnd) {
        sink = target;
        Watch watch = keyspace.watch(
                WatchCreateRequest.newBuilder()
                        .setKey(prefix())
                        .setRangeEnd(KeyMethods.prefixEnd(prefix()))
                        .build(),
                this);
        onEnd.accept(watch::close);
    }

    @Override
    public void response(WatchResponse response) throws Exception {
        LeaderResponse leader = LockMethods.leader(keyspace, name);
        if (leader == null) {
            return;
        }
        boolean same = leader.getKv().getKey().equals(lastKey) && leader.getKv().getModRevision() == lastRevision;
        Sink target = sink;
        if (!same && target != null) {
            lastKey = leader.getKv().getKey();
            lastRevision = leader.getKv().getModRevision();
            target.send(leader);
        }
    }
}
