package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import java.time.Duration;
import java.util.List;

/**
 * A barrier at which a number of sessions wait for each other before they begin, and again before they go on: keys
 * {@code NAME/waiters/LEASE}, and {@code NAME/ready} once all are there, as in etcd's recipes. A party whose session ends is
 * not waited for when leaving. Safe for use by many threads.
 */
public final class DistributedDoubleBarrier {
    private final Session session;
    private final ByteString waiters;
    private final ByteString ready;
    private final ByteString below;
    private final int parties;
    private final ByteString value;

    DistributedDoubleBarrier(Session session, ByteString name, int parties) {
        if (parties < 1 || parties > LockNote.MOST_PERMITS) {
            throw new IllegalArgumentException("parties " + parties + " of barrier \"" + name.toStringUtf8()
                    + "\": expected 1 to " + LockNote.MOST_PERMITS);
        }
        this.session = session;
        this.waiters = name.concat(ByteString.copyFromUtf8("/waiters"));
        this.ready = name.concat(ByteString.copyFromUtf8("/ready"));
        this.below = ContenderKey.below(name);
        this.parties = parties;
        this.value =
                new LockNote(LockNote.Kind.BARRIER, parties, session.owner().orElse(null)).bytes();
    }

    private ByteString own() {
        return ContenderKey.of(waiters, session.lease());
    }

    /** Waits until all parties have come; false, and gone again, when that took too long. */
    public boolean enter(Duration atMost) throws InterruptedException {
        FairQueue.Place place = session.queue().stand(own(), value, session.lease());
        boolean entered = false;
        try (Patience patience = Patience.of(session.kernel().timers(), atMost)) {
            while (!entered) {
                TxnResponse now = look();
                if (isReady(now) || count(now) >= parties && open()) {
                    entered = true;
                } else if (patience.over()) {
                    break;
                } else {
                    awaitChange(now, patience);
                }
            }
            return entered;
        } finally {
            if (!entered) {
                boolean _ = session.queue().leave(place);
            }
        }
    }

    /** Waits until all parties have left; false when that took too long, but gone it is. */
    public boolean leave(Duration atMost) throws InterruptedException {
        var _ = session.keyspace()
                .delete(DeleteRangeRequest.newBuilder().setKey(own()).build());
        try (Patience patience = Patience.of(session.kernel().timers(), atMost)) {
            while (true) {
                TxnResponse now = look();
                if (count(now) == 0) {
                    var _ = session.keyspace()
                            .delete(DeleteRangeRequest.newBuilder()
                                    .setKey(ready)
                                    .build());
                    return true;
                }
                if (patience.over()) {
                    return false;
                }
                awaitChange(now, patience);
            }
        }
    }

    private boolean open() {
        var _ = session.keyspace()
                .put(PutRequest.newBuilder()
                        .setKey(ready)
                        .setLease(session.lease())
                        .build());
        return true;
    }

    private TxnResponse look() {
        ByteString prefix = ContenderKey.below(waiters);
        return session.keyspace()
                .txn(TxnRequest.newBuilder()
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestRange(RangeRequest.newBuilder()
                                        .setKey(prefix)
                                        .setRangeEnd(FairQueue.prefixEnd(prefix))
                                        .setCountOnly(true)))
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestRange(RangeRequest.newBuilder().setKey(ready)))
                        .build());
    }

    private static long count(TxnResponse look) {
        return look.getResponses(0).getResponseRange().getCount();
    }

    private static boolean isReady(TxnResponse look) {
        return look.getResponses(1).getResponseRange().getKvsCount() > 0;
    }

    private void awaitChange(TxnResponse seen, Patience patience) throws InterruptedException {
        session.queue()
                .awaitChange(
                        List.of(WatchCreateRequest.newBuilder()
                                .setKey(below)
                                .setRangeEnd(FairQueue.prefixEnd(below))
                                .setStartRevision(seen.getHeader().getRevision() + 1)
                                .build()),
                        patience);
    }
}
