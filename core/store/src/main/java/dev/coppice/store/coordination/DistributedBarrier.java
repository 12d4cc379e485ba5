package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.WatchCreateRequest;
import java.time.Duration;
import java.util.List;

/**
 * A barrier: closed while a key of its name is there, as in etcd's recipes; those who wait go on when it opens. It opens, too,
 * when the session that closed it ends. Safe for use by many threads.
 */
public final class DistributedBarrier {
    private final Session session;
    private final ByteString key;

    DistributedBarrier(Session session, ByteString key) {
        this.session = session;
        this.key = key;
    }

    /**
     * Closes it.
     *
     * @throws IllegalStateException when another one has closed it
     */
    public void close() {
        FairQueue.Place place = session.queue().stand(key, ByteString.EMPTY, session.lease());
        long lease = session
                .keyspace()
                .range(RangeRequest.newBuilder().setKey(key).build())
                .getKvsList()
                .stream()
                .findFirst()
                .map(kv -> kv.getLease())
                .orElse(session.lease());
        if (lease != session.lease()) {
            throw new IllegalStateException(
                    "the barrier " + key.toStringUtf8() + " is closed by another session, lease "
                            + Long.toHexString(lease) + ", since revision " + place.revision());
        }
    }

    /** Opens it, whoever closed it. */
    public void open() {
        var _ = session.keyspace()
                .delete(DeleteRangeRequest.newBuilder().setKey(key).build());
    }

    /** Waits until it is open; false when that took too long. */
    public boolean await(Duration atMost) throws InterruptedException {
        try (Patience patience = Patience.of(session.kernel().timers(), atMost)) {
            while (true) {
                RangeResponse now = session.keyspace()
                        .range(RangeRequest.newBuilder().setKey(key).build());
                if (now.getKvsCount() == 0) {
                    return true;
                }
                if (patience.over()) {
                    return false;
                }
                session.queue()
                        .awaitChange(
                                List.of(WatchCreateRequest.newBuilder()
                                        .setKey(key)
                                        .setStartRevision(now.getHeader().getRevision() + 1)
                                        .build()),
                                patience);
            }
        }
    }
}
