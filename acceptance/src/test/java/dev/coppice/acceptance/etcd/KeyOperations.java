package dev.coppice.acceptance.etcd;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.WatchCreateRequest;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/** Random requests about few keys, so that they meet: every option that etcd's requests have. */
final class KeyOperations {

    private static final List<ByteString> KEYS = List.of(
            bytes(0),
            bytes('a'),
            bytes('a', 0),
            bytes('a', 0, 'z'),
            bytes('a', 'b'),
            bytes('a', 0xff),
            bytes('b'),
            bytes('b', 'a'),
            bytes('b', 'b'),
            bytes('c'),
            bytes('k', '/', '1'),
            bytes('k', '/', '2'),
            bytes('k', '0'),
            bytes(0xff),
            bytes(0xff, 0xff));

    private static final int UNKNOWN_ORDER = 7;

    private final Random random;
    private long revision = 1;
    private long compacted;
    private boolean asUsers;
    private final TreeSet<Long> puts = new TreeSet<>();

    KeyOperations(Random random) {
        this.random = random;
    }

    /** Tells how far the servers are: requests are about revisions around it. */
    void at(long newest) {
        revision = Math.max(revision, newest);
    }

    static ByteString bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return ByteString.copyFrom(bytes);
    }

    static String shown(Message request) {
        return request.getDescriptorForType().getName() + " { "
                + TextFormat.printer().emittingSingleLine(true).printToString(request) + "}";
    }

    private boolean now(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    ByteString key() {
        return now(60) ? ByteString.EMPTY : KEYS.get(random.nextInt(KEYS.size()));
    }

    private ByteString value() {
        return switch (random.nextInt(6)) {
            case 0 -> ByteString.EMPTY;
            case 1 -> bytes(0xff, 0);
            default -> ByteString.copyFromUtf8("v" + random.nextInt(4));
        };
    }

    ByteString rangeEnd() {
        return switch (random.nextInt(5)) {
            case 0, 1 -> ByteString.EMPTY;
            case 2 -> bytes(0);
            default -> KEYS.get(random.nextInt(KEYS.size()));
        };
    }

    /**
     * Leaves out from now on where etcd's permissions are not what they should be: whether a user may use a range that ends
     * before it begins depends on how the tree of permissions happened to grow; nested transactions are not looked at, and of a
     * watch of everything from a key on, only that key.
     */
    void asUsers() {
        asUsers = true;
    }

    /** Tells that a revision has put a key, and done nothing else. */
    void put(long at) {
        puts.add(at);
    }

    private ByteString rangeEnd(ByteString key) {
        ByteString end = rangeEnd();
        boolean empty = !end.isEmpty()
                && !end.equals(bytes(0))
                && ByteString.unsignedLexicographicalComparator().compare(key, end) >= 0;
        return asUsers && empty ? ByteString.EMPTY : end;
    }

    long lease() {
        return now(3) ? 11 + random.nextInt(6) : now(100) ? -1 : 0;
    }

    private long revisionNear() {
        return switch (random.nextInt(8)) {
            case 0 -> revision + 1 + random.nextInt(3);
            case 1 -> Math.max(0, compacted - 1);
            case 2 -> now(10) ? -random.nextInt(3) : compacted;
            default -> Math.max(1, revision - random.nextInt(12));
        };
    }

    RangeRequest range() {
        ByteString key = key();
        RangeRequest.Builder request = RangeRequest.newBuilder().setKey(key).setRangeEnd(rangeEnd(key));
        if (now(3)) {
            request.setRevision(revisionNear());
        }
        if (now(3)) {
            request.setLimit(random.nextInt(6) - 1);
        }
        if (now(3)) {
            request.setSortOrderValue(random.nextInt(3)).setSortTargetValue(random.nextInt(5));
        }
        if (now(60)) {
            request.setSortOrderValue(UNKNOWN_ORDER);
        }
        request.setCountOnly(now(8)).setKeysOnly(now(6)).setSerializable(now(6));
        if (now(6)) {
            request.setMinModRevision(revisionNear());
        }
        if (now(6)) {
            request.setMaxModRevision(revisionNear());
        }
        if (now(6)) {
            request.setMinCreateRevision(revisionNear());
        }
        if (now(6)) {
            request.setMaxCreateRevision(revisionNear());
        }
        return request.build();
    }

    /** With an order that both know: 3.5 refuses the whole transaction where 3.4 sorts by none. */
    private RangeRequest rangePart() {
        RangeRequest request = range();
        return request.getSortOrderValue() == UNKNOWN_ORDER
                ? request.toBuilder().clearSortOrder().build()
                : request;
    }

    PutRequest put() {
        PutRequest.Builder request = PutRequest.newBuilder().setKey(key()).setPrevKv(now(3));
        request.setIgnoreValue(now(8)).setIgnoreLease(now(8));
        if (!request.getIgnoreValue() || now(12)) {
            request.setValue(value());
        }
        if (!request.getIgnoreLease() || now(12)) {
            request.setLease(lease());
        }
        return request.build();
    }

    DeleteRangeRequest delete() {
        ByteString key = key();
        return DeleteRangeRequest.newBuilder()
                .setKey(key)
                .setRangeEnd(now(2) ? ByteString.EMPTY : rangeEnd(key))
                .setPrevKv(now(2))
                .build();
    }

    /** etcd takes a range to the end for an empty one when it looks for keys that are put and deleted at once. */
    private DeleteRangeRequest deletePart() {
        DeleteRangeRequest request = delete();
        return request.getRangeEnd().equals(bytes(0))
                ? request.toBuilder().setRangeEnd(bytes(0xff, 0xff, 0xff)).build()
                : request;
    }

    private Compare compare() {
        Compare.Builder compare = Compare.newBuilder()
                .setKey(key())
                .setResultValue(random.nextInt(now(50) ? 6 : 4))
                .setTargetValue(random.nextInt(now(50) ? 7 : 5));
        if (now(4)) {
            compare.setRangeEnd(rangeEnd(compare.getKey()));
        }
        // Now and then of another kind than the target says: then etcd compares with zero, or with nothing.
        switch (now(8) ? random.nextInt(5) : compare.getTargetValue()) {
            case 0 -> compare.setVersion(random.nextInt(4));
            case 1 -> compare.setCreateRevision(now(2) ? 0 : revisionNear());
            case 2 -> compare.setModRevision(now(2) ? 0 : revisionNear());
            case 3 -> compare.setValue(value());
            default -> compare.setLease(lease());
        }
        return compare.build();
    }

    private RequestOp part(int depth) {
        RequestOp.Builder part = RequestOp.newBuilder();
        switch (random.nextInt(depth > 0 ? 9 : 8)) {
            case 0, 1, 2 -> part.setRequestPut(put());
            case 3 -> part.setRequestDeleteRange(deletePart());
            case 4, 5, 6 -> part.setRequestRange(rangePart());
            case 7 -> {
                if (!now(20)) {
                    part.setRequestPut(put());
                }
            }
            default -> part.setRequestTxn(txn(depth - 1));
        }
        return part.build();
    }

    TxnRequest txn(int depth) {
        TxnRequest.Builder request = TxnRequest.newBuilder();
        for (int i = random.nextInt(3); i > 0; i--) {
            request.addCompare(compare());
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            request.addSuccess(part(depth));
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            request.addFailure(part(depth));
        }
        return request.build();
    }

    private TxnRequest longTxn() {
        TxnRequest.Builder request = TxnRequest.newBuilder();
        for (int i = 120 + random.nextInt(15); i > 0; i--) {
            request.addSuccess(RequestOp.newBuilder()
                    .setRequestRange(
                            RangeRequest.newBuilder().setKey(bytes('a')).setCountOnly(true)));
        }
        if (now(2) && !asUsers) {
            request.setSuccess(0, RequestOp.newBuilder().setRequestTxn(txn(0)));
        }
        return request.build();
    }

    /** Not up to a deletion: 3.4 forgets that, too, and a watch from there does not see it (etcd's issues 18089 and 19179). */
    CompactionRequest compaction() {
        long target = now(3) ? revisionNear() : Math.max(1, revision - random.nextInt(6));
        if (target > compacted && target <= revision) {
            Long put = puts.floor(target);
            target = put == null ? compacted : put;
            compacted = Math.max(compacted, target);
        }
        return CompactionRequest.newBuilder()
                .setRevision(target)
                .setPhysical(now(2))
                .build();
    }

    private ByteString watchEnd(ByteString key) {
        ByteString end = rangeEnd(key);
        return asUsers && end.equals(bytes(0)) ? ByteString.EMPTY : end;
    }

    WatchCreateRequest watch() {
        ByteString key = key();
        WatchCreateRequest.Builder request = WatchCreateRequest.newBuilder()
                .setKey(key)
                .setRangeEnd(watchEnd(key))
                .setPrevKv(now(2))
                .setFragment(now(4))
                .setProgressNotify(now(4));
        if (now(2)) {
            request.setStartRevision(revisionNear());
        }
        for (int i = now(4) ? 1 + random.nextInt(2) : 0; i > 0; i--) {
            request.addFiltersValue(random.nextInt(now(20) ? 4 : 2));
        }
        if (now(5)) {
            request.setWatchId(1 + random.nextInt(9));
        }
        return request.build();
    }

    /** Beyond the 1.5 MiB that a request may have, but not beyond what gRPC takes. */
    private PutRequest tooLarge() {
        return put().toBuilder()
                .setIgnoreValue(false)
                .setIgnoreLease(false)
                .setKey(bytes('a'))
                .setValue(ByteString.copyFrom(new byte[(1 << 20) + (1 << 19) + random.nextInt(1 << 18)]))
                .build();
    }

    private Operation put(String user) {
        if (now(100)) {
            PutRequest request = tooLarge();
            return Operation.of(
                    "PutRequest of " + request.getValue().size() + " bytes",
                    side -> side.kv(user).put(request));
        }
        PutRequest request = put();
        return Operation.of(shown(request), side -> side.kv(user).put(request));
    }

    /** Something about keys that asks who sends it. */
    Operation nextAsAnybody(String user) {
        Operation next = next(user);
        while (next.text().startsWith("Compaction")) {
            next = next(user);
        }
        return next;
    }

    /** Something about keys, as a user. */
    Operation next(String user) {
        return switch (random.nextInt(20)) {
            case 0, 1, 2, 3, 4 -> put(user);
            case 5, 6 -> {
                DeleteRangeRequest request = delete();
                yield Operation.of(shown(request), side -> side.kv(user).deleteRange(request));
            }
            case 7, 8, 9, 10, 11 -> {
                TxnRequest request = now(40) ? longTxn() : txn(asUsers ? 0 : 2);
                yield Operation.of(shown(request), side -> side.kv(user).txn(request));
            }
            case 12 -> {
                if (!now(3)) {
                    yield next(user);
                }
                CompactionRequest request = compaction();
                yield Operation.settled(shown(request), side -> side.kv(user).compact(request));
            }
            default -> {
                RangeRequest request = range();
                yield Operation.of(shown(request), side -> side.kv(user).range(request));
            }
        };
    }
}
