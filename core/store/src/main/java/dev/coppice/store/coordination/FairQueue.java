package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A queue in a keyspace, as etcd's clients make it: whoever stands puts a key bound to its lease, and has its turn when few
 * enough of the keys that were made before are left. The order is that of the revisions that made the keys, which is why
 * that revision is a fencing token: of two grants of one lock the later has the greater. Safe for use by many threads.
 */
public final class FairQueue {
    private final Keyspace keyspace;

    public FairQueue(Keyspace keyspace) {
        this.keyspace = keyspace;
    }

    /**
     * A place in a queue.
     *
     * @param key what stands for it
     * @param revision that made the key: the fencing token
     * @param value of the key
     * @param header of the answer that told so
     */
    public record Place(ByteString key, long revision, long lease, ByteString value, ResponseHeader header) {}

    /**
     * Whom one waits for: its turn comes when fewer than {@code permits} keys with the prefix were made before its own.
     *
     * @param permits 1 for all but semaphores
     */
    public record Turn(ByteString prefix, int permits) {
        public static Turn exclusive(ByteString name) {
            return new Turn(ContenderKey.below(name), 1);
        }
    }

    /** Every key with this prefix, as a range ends. */
    public static ByteString prefixEnd(ByteString prefix) {
        byte[] end = prefix.toByteArray();
        for (int i = end.length - 1; i >= 0; i--) {
            if (end[i] != (byte) 0xff) {
                end[i]++;
                return ByteString.copyFrom(end, 0, i + 1);
            }
        }
        return ByteString.copyFrom(new byte[] {0});
    }

    /** A condition of transactions: the key is there, and is the one that a revision made; revision 0: it is not there. */
    public static Compare createdAt(ByteString key, long revision) {
        return Compare.newBuilder()
                .setKey(key)
                .setTarget(Compare.CompareTarget.CREATE)
                .setResult(Compare.CompareResult.EQUAL)
                .setCreateRevision(revision)
                .build();
    }

    private static RequestOp.Builder keyOnly(ByteString key) {
        return RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder().setKey(key).setKeysOnly(true));
    }

    /** Takes a place at the end, or finds the one that the key has already. */
    public Place stand(ByteString key, ByteString value, long lease) {
        TxnResponse answer = keyspace.txn(TxnRequest.newBuilder()
                .addCompare(createdAt(key, 0))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(key)
                                .setValue(value)
                                .setLease(lease)))
                .addFailure(RequestOp.newBuilder()
                        .setRequestRange(RangeRequest.newBuilder().setKey(key)))
                .build());
        if (answer.getSucceeded()) {
            return new Place(key, answer.getHeader().getRevision(), lease, value, answer.getHeader());
        }
        KeyValue mine = answer.getResponses(0).getResponseRange().getKvs(0);
        return new Place(key, mine.getCreateRevision(), lease, mine.getValue(), answer.getHeader());
    }

    /**
     * Gives a place up; nothing when it is another's by now.
     *
     * @return whether it was still there
     */
    public boolean leave(Place place) {
        return keyspace.txn(TxnRequest.newBuilder()
                        .addCompare(createdAt(place.key(), place.revision()))
                        .addSuccess(RequestOp.newBuilder()
                                .setRequestDeleteRange(
                                        DeleteRangeRequest.newBuilder().setKey(place.key())))
                        .build())
                .getSucceeded();
    }

    /** How a place is at one revision: its turn, or the keys that were made before, the newest first. */
    private record Look(ResponseHeader header, List<KeyValue> before, boolean turn) {}

    private Look look(Place place, Turn turn) {
        TxnResponse answer = keyspace.txn(TxnRequest.newBuilder()
                .addSuccess(keyOnly(place.key()))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestRange(RangeRequest.newBuilder()
                                .setKey(turn.prefix())
                                .setRangeEnd(prefixEnd(turn.prefix()))
                                .setMaxCreateRevision(place.revision() - 1)
                                .setSortTarget(RangeRequest.SortTarget.CREATE)
                                .setSortOrder(RangeRequest.SortOrder.DESCEND)
                                .setKeysOnly(true)
                                .setLimit(turn.permits())))
                .build());
        List<KeyValue> own = answer.getResponses(0).getResponseRange().getKvsList();
        if (own.isEmpty() || own.getFirst().getCreateRevision() != place.revision()) {
            throw new SessionExpiredException("the key " + place.key().toStringUtf8()
                    + " is gone: its lease has ended, or it was deleted, by hand or to resolve a deadlock");
        }
        List<KeyValue> before = answer.getResponses(1).getResponseRange().getKvsList();
        return new Look(answer.getHeader(), before, before.size() < turn.permits());
    }

    /** Whether it is its turn now. */
    public Optional<ResponseHeader> turnNow(Place place, Turn turn) {
        Look look = look(place, turn);
        return look.turn() ? Optional.of(look.header()) : Optional.empty();
    }

    /**
     * Waits for its turn. The place stays when this ends without it: the caller decides whether to {@link #leave}.
     *
     * @return the header of the answer that told that it is its turn; empty when patience ended before
     * @throws SessionExpiredException when the place is gone
     */
    public Optional<ResponseHeader> awaitTurn(Place place, Turn turn, Patience patience) throws InterruptedException {
        while (true) {
            Look look = look(place, turn);
            if (look.turn()) {
                return Optional.of(look.header());
            }
            if (patience.over()) {
                return Optional.empty();
            }
            List<WatchCreateRequest> changes = new ArrayList<>();
            long from = look.header().getRevision() + 1;
            changes.add(deletion(place.key(), ByteString.EMPTY, from));
            changes.add(
                    turn.permits() == 1
                            // Only the next one is woken by each that leaves.
                            ? deletion(look.before().getFirst().getKey(), ByteString.EMPTY, from)
                            : deletion(turn.prefix(), prefixEnd(turn.prefix()), from));
            awaitChange(changes, patience);
        }
    }

    private static WatchCreateRequest deletion(ByteString key, ByteString end, long from) {
        return WatchCreateRequest.newBuilder()
                .setKey(key)
                .setRangeEnd(end)
                .setStartRevision(from)
                .addFilters(WatchCreateRequest.FilterType.NOPUT)
                .build();
    }

    /** Waits until one of the watches tells of an event, or patience ends. */
    void awaitChange(List<WatchCreateRequest> requests, Patience patience) throws InterruptedException {
        Bell bell = new Bell();
        List<Watch> watches = new ArrayList<>();
        patience.onEnd(bell::ring);
        try {
            for (WatchCreateRequest request : requests) {
                watches.add(keyspace.watch(request, bell));
            }
            bell.await();
        } finally {
            patience.onEnd(null);
            watches.forEach(Watch::close);
        }
    }

    /** Rings when a watch tells of something. */
    private static final class Bell implements WatchObserver {
        private final Semaphore rung = new Semaphore(0);
        private volatile @Nullable Throwable error;

        void ring() {
            rung.release();
        }

        /** A watch that ends for a passing reason counts as a change: the caller looks again. */
        void await() throws InterruptedException {
            rung.acquire();
            if (error instanceof StoreException broken && !broken.compacted()) {
                throw broken;
            }
        }

        @Override
        public void response(WatchResponse response) {
            if (response.getEventsList().stream().anyMatch(each -> each.getType() != Event.EventType.UNRECOGNIZED)) {
                ring();
            }
        }

        @Override
        public void closed(@Nullable Throwable reason) {
            error = reason;
            ring();
        }
    }
}
