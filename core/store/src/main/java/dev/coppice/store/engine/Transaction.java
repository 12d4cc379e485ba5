package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.RequestOp.RequestCase;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.ResponseOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the operations of one command, all at one revision, reading its own writes (etcd: apply.go). Also carries out
 * transactions that only read, on a view. Used by one thread, for one command.
 */
final class Transaction {

    /** What it needs to know of leases; asked by the applying thread. */
    interface Leases {
        boolean exists(long id);
    }

    private final Source source;
    private final @Nullable Batch batch;
    private final int space;
    private final long begin;
    private final long compacted;
    private final Leases leases;
    private final List<Event> events = new ArrayList<>();
    private int sub;
    private long addedBytes;
    private long addedKeys;

    /**
     * @param begin the revision before the command
     * @param batch where changes go; null for a transaction that only reads
     */
    Transaction(Source source, @Nullable Batch batch, int space, long begin, long compacted, Leases leases) {
        this.source = source;
        this.batch = batch;
        this.space = space;
        this.begin = begin;
        this.compacted = compacted;
        this.leases = leases;
    }

    /** The revision that its changes have, or the one before it while there are none. */
    long revision() {
        return sub == 0 ? begin : begin + 1;
    }

    List<Event> events() {
        return events;
    }

    long addedBytes() {
        return addedBytes;
    }

    /** Keys that are there now and were not before, less those that went. */
    long addedKeys() {
        return addedKeys;
    }

    private ResponseHeader revisionHeader() {
        return ResponseHeader.newBuilder().setRevision(revision()).build();
    }

    private Batch batch() {
        return Objects.requireNonNull(batch, "a transaction that only reads cannot write");
    }

    // ---- operations

    PutResponse.Builder put(PutRequest request) {
        checkPut(request);
        byte[] liveKey = Codec.live(space, request.getKey());
        Version previous = source.live(liveKey);
        KeyValue previousPair = previous != null && (request.getPrevKv() || request.getIgnoreValue())
                ? source.pair(space, previous)
                : null;
        long revision = begin + 1;
        long lease = request.getIgnoreLease() && previous != null ? previous.lease() : request.getLease();
        Version version = new Version(
                revision,
                sub,
                previous == null ? revision : previous.create(),
                previous == null ? 1 : previous.version() + 1,
                lease);
        KeyValue pair = KeyValue.newBuilder()
                .setKey(request.getKey())
                .setValue(
                        request.getIgnoreValue() && previousPair != null ? previousPair.getValue() : request.getValue())
                .setCreateRevision(version.create())
                .setModRevision(revision)
                .setVersion(version.version())
                .setLease(lease)
                .build();
        if (previous == null) {
            addedKeys++;
        }
        write(request.getKey(), version, new Change(false, pair));
        batch().put(Database.Family.LIVE, liveKey, version.encode());
        moveLease(request.getKey(), previous == null ? 0 : previous.lease(), lease);
        PutResponse.Builder response = PutResponse.newBuilder();
        if (request.getPrevKv() && previousPair != null) {
            response.setPrevKv(previousPair);
        }
        return response.setHeader(revisionHeader());
    }

    DeleteRangeResponse.Builder delete(DeleteRangeRequest request) {
        List<Ranges.Entry> doomed = new ArrayList<>();
        Ranges.scan(source, space, request.getKey(), request.getRangeEnd(), begin, true, (key, version) -> {
            doomed.add(new Ranges.Entry(key, Version.decode(version)));
            return true;
        });
        DeleteRangeResponse.Builder response = DeleteRangeResponse.newBuilder().setDeleted(doomed.size());
        for (Ranges.Entry entry : doomed) {
            if (request.getPrevKv()) {
                KeyValue pair = source.pair(space, entry.version());
                if (pair != null) {
                    response.addPrevKvs(pair);
                }
            }
            delete(entry);
        }
        return response.setHeader(revisionHeader());
    }

    private void delete(Ranges.Entry entry) {
        long revision = begin + 1;
        Version version = new Version(revision, sub, 0, 0, 0);
        KeyValue pair = KeyValue.newBuilder()
                .setKey(entry.key())
                .setModRevision(revision)
                .build();
        addedKeys--;
        write(entry.key(), version, new Change(true, pair));
        batch().delete(Database.Family.LIVE, Codec.live(space, entry.key()));
        moveLease(entry.key(), entry.version().lease(), 0);
    }

    private void write(ByteString key, Version version, Change change) {
        batch().put(Database.Family.REVISIONS, Codec.revision(space, version.mod(), version.sub()), change.encode());
        batch().put(Database.Family.HISTORY, Codec.history(space, key, version.mod()), version.encode());
        addedBytes += Change.size(key, change.pair().getValue());
        events.add(Event.newBuilder()
                .setType(change.deletion() ? Event.EventType.DELETE : Event.EventType.PUT)
                .setKv(change.pair())
                .build());
        sub++;
    }

    private void moveLease(ByteString key, long from, long to) {
        if (from == to) {
            return;
        }
        if (from != 0) {
            batch().delete(Database.Family.LEASES, Codec.leaseKey(space, from, key));
        }
        if (to != 0) {
            batch().put(Database.Family.LEASES, Codec.leaseKey(space, to, key), new byte[0]);
        }
    }

    RangeResponse.Builder range(RangeRequest request) {
        return Ranges.range(source, space, request, revision(), compacted).setHeader(revisionHeader());
    }

    TxnResponse.Builder txn(TxnRequest request) {
        Path path = choose(request);
        if (!Requests.readOnly(request)) {
            check(request, path, RequestCase.REQUEST_PUT);
        }
        check(request, path, RequestCase.REQUEST_RANGE);
        TxnResponse.Builder response = run(request, path);
        return response.setHeader(revisionHeader());
    }

    // ---- which way it goes, decided before anything is changed

    /** The branches taken: of this transaction, and of those nested in it, in order. */
    private record Path(boolean succeeded, List<Path> nested) {
        List<RequestOp> operations(TxnRequest request) {
            return succeeded ? request.getSuccessList() : request.getFailureList();
        }
    }

    private Path choose(TxnRequest request) {
        boolean succeeded = true;
        for (Compare compare : request.getCompareList()) {
            if (!holds(compare)) {
                succeeded = false;
                break;
            }
        }
        List<Path> nested = new ArrayList<>();
        for (RequestOp operation : succeeded ? request.getSuccessList() : request.getFailureList()) {
            if (operation.hasRequestTxn()) {
                nested.add(choose(operation.getRequestTxn()));
            }
        }
        return new Path(succeeded, nested);
    }

    /** Looks at one kind of operation: which error is told of several is etcd's order, puts first. */
    private void check(TxnRequest request, Path path, RequestCase kind) {
        int nested = 0;
        for (RequestOp operation : path.operations(request)) {
            if (operation.hasRequestTxn()) {
                check(operation.getRequestTxn(), path.nested().get(nested++), kind);
            } else if (operation.getRequestCase() == kind) {
                switch (kind) {
                    case REQUEST_RANGE -> checkRange(operation.getRequestRange());
                    case REQUEST_PUT -> checkPut(operation.getRequestPut());
                    case REQUEST_DELETE_RANGE, REQUEST_TXN, REQUEST_NOT_SET -> {}
                }
            }
        }
    }

    private void checkRange(RangeRequest request) {
        if (request.getRevision() > begin) {
            throw Errors.futureRevision();
        }
        if (request.getRevision() > 0 && request.getRevision() < compacted) {
            throw Errors.compacted();
        }
    }

    private void checkPut(PutRequest request) {
        if ((request.getIgnoreValue() || request.getIgnoreLease())
                && source.live(Codec.live(space, request.getKey())) == null) {
            throw Errors.keyNotFound();
        }
        if (request.getLease() != 0 && !leases.exists(request.getLease())) {
            throw Errors.leaseNotFound();
        }
    }

    private TxnResponse.Builder run(TxnRequest request, Path path) {
        TxnResponse.Builder response = TxnResponse.newBuilder().setSucceeded(path.succeeded());
        int nested = 0;
        for (RequestOp operation : path.operations(request)) {
            ResponseOp.Builder answer = ResponseOp.newBuilder();
            switch (operation.getRequestCase()) {
                case REQUEST_RANGE -> answer.setResponseRange(range(operation.getRequestRange()));
                case REQUEST_PUT -> answer.setResponsePut(put(operation.getRequestPut()));
                case REQUEST_DELETE_RANGE -> answer.setResponseDeleteRange(delete(operation.getRequestDeleteRange()));
                case REQUEST_TXN ->
                    answer.setResponseTxn(
                            run(operation.getRequestTxn(), path.nested().get(nested++))
                                    .setHeader(ResponseHeader.getDefaultInstance()));
                case REQUEST_NOT_SET -> throw Errors.keyNotFound();
            }
            response.addResponses(answer);
        }
        return response;
    }

    // ---- compares

    private boolean holds(Compare compare) {
        boolean[] result = {true};
        boolean[] any = {false};
        Ranges.scan(source, space, compare.getKey(), compare.getRangeEnd(), begin, true, (key, encoded) -> {
            any[0] = true;
            result[0] = holds(compare, Version.decode(encoded));
            return result[0];
        });
        if (any[0]) {
            return result[0];
        }
        return compare.getTarget() != Compare.CompareTarget.VALUE && holds(compare, new Version(0, 0, 0, 0, 0));
    }

    private boolean holds(Compare compare, Version version) {
        int order = switch (compare.getTarget()) {
            case VERSION -> Long.compare(version.version(), compare.getVersion());
            case CREATE -> Long.compare(version.create(), compare.getCreateRevision());
            case MOD -> Long.compare(version.mod(), compare.getModRevision());
            case LEASE -> Long.compare(version.lease(), compare.getLease());
            case VALUE -> compareValue(compare, version);
            case UNRECOGNIZED -> 0;
        };
        return switch (compare.getResult()) {
            case EQUAL -> order == 0;
            case NOT_EQUAL -> order != 0;
            case GREATER -> order > 0;
            case LESS -> order < 0;
            case UNRECOGNIZED -> true;
        };
    }

    private int compareValue(Compare compare, Version version) {
        KeyValue pair = source.pair(space, version);
        ByteString value = pair == null ? ByteString.EMPTY : pair.getValue();
        return ByteString.unsignedLexicographicalComparator().compare(value, compare.getValue());
    }
}
