package dev.coppice.control.storage;

import com.google.protobuf.ByteString;
import dev.coppice.control.ApiException;
import dev.coppice.control.request.Statuses;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Objects as bytes under string keys, each with the revision that wrote it last. Safe for use by many threads. */
public class ObjectStore {
    private static final int PAGE = 2_000;
    private static final int GUARD_ATTEMPTS = 10;
    private final Keyspace keyspace;
    private final Sealer sealer;
    private final dev.coppice.kernel.Clock clock;
    private volatile Lease eventLease = new Lease(0, 0);

    private record Lease(long id, long untilMillis) {}

    public ObjectStore(Keyspace keyspace, Sealer sealer, dev.coppice.kernel.Clock clock) {
        this.keyspace = keyspace;
        this.sealer = sealer;
        this.clock = clock;
    }

    /** The same store for one that looks at it otherwise. */
    ObjectStore(ObjectStore other) {
        this(other.keyspace, other.sealer, other.clock);
    }

    /**
     * A stored value.
     *
     * @param value opened, if it was sealed
     */
    public record Stored(String key, long revision, byte[] value) {}

    /**
     * A page of values in key order.
     *
     * @param revision the revision they were read at
     * @param remaining how many follow
     */
    public record Page(List<Stored> values, long revision, long remaining) {}

    /** What a conditional write did: the new revision, or what stood there instead (null: nothing). */
    public sealed interface Written {
        record Done(long revision) implements Written {}

        record Refused(@Nullable Stored current) implements Written {}
    }

    public Keyspace keyspace() {
        return keyspace;
    }

    /** The revision of the newest write that was acknowledged before this call, on whichever node. */
    public long revision() {
        return answered(keyspace::newestRevision);
    }

    /** Asks the store; what it refuses becomes an answer of the API. */
    public static <T> T answered(Supplier<T> call) {
        try {
            return call.get();
        } catch (StoreException e) {
            throw translate(e);
        }
    }

    private static ApiException translate(StoreException e) {
        if (e.compacted()) {
            return Statuses.expired(
                    "The resourceVersion for the provided list is too old; list again without it to get a new one.");
        }
        return switch (e.code()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED ->
                Statuses.of(503, "ServiceUnavailable", "the resource store does not answer: " + e.getMessage());
            case RESOURCE_EXHAUSTED ->
                Statuses.of(507, "InsufficientStorage", "the resource store is full: " + e.getMessage());
            case OUT_OF_RANGE -> Statuses.tooLargeVersion(0, 0);
            default -> Statuses.internal(String.valueOf(e.getMessage()));
        };
    }

    private Stored opened(KeyValue kv) {
        String key = kv.getKey().toStringUtf8();
        return new Stored(
                key, kv.getModRevision(), sealer.open(key, kv.getValue().toByteArray()));
    }

    /** What the watch over everything saw first: a new key, before anything that is sealed with it. */
    void seen(String key, long revision, byte[] value) {
        if (key.equals(sealer.guard().storageKey())) {
            sealer.guard().seen(revision, value);
        }
    }

    public Stored opened(String key, long revision, byte[] value) {
        return new Stored(key, revision, sealer.open(key, value));
    }

    public @Nullable Stored get(String key) {
        return get(key, 0);
    }

    /** A value as of a revision (0: now); 410 when that is compacted. */
    public @Nullable Stored get(String key, long revision) {
        RangeResponse r = answered(() -> keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setRevision(revision)
                .build()));
        return r.getKvsCount() == 0 ? null : opened(r.getKvs(0));
    }

    /** Everything below a prefix, from {@code start} (a key, or empty) on, at a revision (0: now), at most {@code limit}. */
    public Page page(String prefix, String start, long revision, int limit) {
        ByteString from = ByteString.copyFromUtf8(start.isEmpty() ? prefix : start);
        RangeResponse r = answered(() -> keyspace.range(RangeRequest.newBuilder()
                .setKey(from)
                .setRangeEnd(after(prefix))
                .setRevision(revision)
                .setLimit(limit)
                .build()));
        List<Stored> values = new ArrayList<>(r.getKvsCount());
        for (KeyValue kv : r.getKvsList()) {
            values.add(opened(kv));
        }
        return new Page(
                values,
                revision > 0 ? revision : r.getHeader().getRevision(),
                Math.max(0, r.getCount() - r.getKvsCount()));
    }

    /** Everything below a prefix at one revision, read by pages. */
    public Page all(String prefix, long revision) {
        List<Stored> values = new ArrayList<>();
        String start = "";
        long at = revision;
        while (true) {
            Page page = page(prefix, start, at, PAGE);
            at = page.revision();
            values.addAll(page.values());
            if (page.remaining() == 0 || page.values().isEmpty()) {
                return new Page(values, at, 0);
            }
            start = page.values().getLast().key() + "\0";
        }
    }

    private static ByteString after(String prefix) {
        byte[] bytes = prefix.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        bytes[bytes.length - 1]++;
        return ByteString.copyFrom(bytes);
    }

    /** Writes {@code value} if the key's revision is {@code expected} (0: if there is no such key). */
    public Written put(String key, long expected, byte[] value, boolean seal, @Nullable Duration ttl) {
        return put(key, expected, value, seal, ttl, List::of);
    }

    /** The same, and does what {@code beside} says in the same transaction; it is asked again for each attempt. */
    public Written put(
            String key,
            long expected,
            byte[] value,
            boolean seal,
            @Nullable Duration ttl,
            Supplier<List<RequestOp>> beside) {
        PutRequest.Builder put = PutRequest.newBuilder().setKey(ByteString.copyFromUtf8(key));
        if (ttl != null) {
            put.setLease(lease(ttl));
        }
        if (seal) {
            return sealed(key, expected, value, put, beside);
        }
        put.setValue(ByteString.copyFrom(value));
        return conditional(
                key, expected, RequestOp.newBuilder().setRequestPut(put).build(), beside.get());
    }

    /** Seals and writes, with the key that all nodes agree on at that moment. */
    private Written sealed(
            String key,
            long expected,
            byte[] value,
            PutRequest.@Nullable Builder put,
            Supplier<List<RequestOp>> beside) {
        Sealer.Guard guard = sealer.guard();
        for (int attempt = 0; attempt < GUARD_ATTEMPTS; attempt++) {
            Sealer.Sealed sealed = sealer.sealed(key, value);
            RequestOp operation = put == null
                    ? deletion(key)
                    : RequestOp.newBuilder()
                            .setRequestPut(put.setValue(ByteString.copyFrom(sealed.value())))
                            .build();
            // After the guard's revision was read: what is sealed with a newer key is refused, and made again.
            List<RequestOp> more = beside.get();
            if (guard.storageKey().isEmpty()) {
                return conditional(key, expected, operation, more);
            }
            TxnRequest.Builder txn = transaction(key, expected, operation)
                    .addAllSuccess(more)
                    .addCompare(unchanged(guard.storageKey(), sealed.revision()))
                    .addFailure(RequestOp.newBuilder()
                            .setRequestRange(
                                    RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(guard.storageKey()))));
            TxnResponse r = answered(() -> keyspace.txn(txn.build()));
            if (r.getSucceeded()) {
                return new Written.Done(r.getHeader().getRevision());
            }
            RangeResponse agreed = r.getResponses(1).getResponseRange();
            long now = agreed.getKvsCount() == 0 ? 0 : agreed.getKvs(0).getModRevision();
            if (now == sealed.revision()) {
                RangeResponse found = r.getResponses(0).getResponseRange();
                return new Written.Refused(found.getKvsCount() == 0 ? null : opened(found.getKvs(0)));
            }
            guard.refresh();
        }
        throw Statuses.of(503, "ServiceUnavailable", "the encryption keys are being changed; try again");
    }

    /**
     * A value as it is stored.
     *
     * @param revision that wrote it
     * @param lease that it ends with; 0 for none
     */
    public record Raw(String key, long revision, byte[] value, long lease) {}

    /** A page of values as they are stored; whether more follow. */
    public record RawPage(List<Raw> values, boolean more) {}

    /** Values below a prefix as they are now stored, from {@code start} (a key, or empty) on. */
    public RawPage raw(String prefix, String start, int limit) {
        RangeResponse r = answered(() -> keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(start.isEmpty() ? prefix : start))
                .setRangeEnd(after(prefix))
                .setLimit(limit)
                .build()));
        List<Raw> values = new ArrayList<>(r.getKvsCount());
        for (KeyValue kv : r.getKvsList()) {
            values.add(new Raw(
                    kv.getKey().toStringUtf8(),
                    kv.getModRevision(),
                    kv.getValue().toByteArray(),
                    kv.getLease()));
        }
        return new RawPage(values, r.getMore());
    }

    /**
     * Seals values again with the newest key, in one transaction; whether they were written, which none is when one of them was
     * changed meanwhile.
     *
     * @throws IllegalStateException when one cannot be opened
     */
    public boolean reseal(List<Raw> values) {
        TxnRequest.Builder txn = TxnRequest.newBuilder();
        long revision = 0;
        for (Raw value : values) {
            Sealer.Sealed sealed = sealer.sealed(value.key(), sealer.open(value.key(), value.value()));
            if (!txn.getSuccessList().isEmpty() && sealed.revision() != revision) {
                return false;
            }
            revision = sealed.revision();
            txn.addCompare(unchanged(value.key(), value.revision()))
                    .addSuccess(RequestOp.newBuilder()
                            .setRequestPut(PutRequest.newBuilder()
                                    .setKey(ByteString.copyFromUtf8(value.key()))
                                    .setValue(ByteString.copyFrom(sealed.value()))
                                    .setLease(value.lease())));
        }
        txn.addCompare(unchanged(sealer.guard().storageKey(), revision));
        return answered(() -> keyspace.txn(txn.build())).getSucceeded();
    }

    /**
     * Deletes the key if its revision is {@code expected}, and does what {@code beside} says in the same transaction.
     *
     * @param seal whether {@code beside} brings something that is sealed
     */
    public Written delete(String key, long expected, boolean seal, Supplier<List<RequestOp>> beside) {
        return seal
                ? sealed(key, expected, new byte[0], null, beside)
                : conditional(key, expected, deletion(key), beside.get());
    }

    private static RequestOp deletion(String key) {
        return RequestOp.newBuilder()
                .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)))
                .build();
    }

    private static Compare unchanged(String key, long revision) {
        return Compare.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setResult(Compare.CompareResult.EQUAL)
                .setTarget(Compare.CompareTarget.MOD)
                .setModRevision(revision)
                .build();
    }

    private static TxnRequest.Builder transaction(String key, long expected, RequestOp operation) {
        return TxnRequest.newBuilder()
                .addCompare(unchanged(key, expected))
                .addSuccess(operation)
                .addFailure(RequestOp.newBuilder()
                        .setRequestRange(RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key))));
    }

    private Written conditional(String key, long expected, RequestOp operation, List<RequestOp> beside) {
        TxnRequest txn =
                transaction(key, expected, operation).addAllSuccess(beside).build();
        TxnResponse r = answered(() -> keyspace.txn(txn));
        if (r.getSucceeded()) {
            return new Written.Done(r.getHeader().getRevision());
        }
        RangeResponse found = r.getResponses(0).getResponseRange();
        return new Written.Refused(found.getKvsCount() == 0 ? null : opened(found.getKvs(0)));
    }

    /** A lease shared by what is written within the same minutes, so that leases stay few. */
    private long lease(Duration ttl) {
        long now = clock.currentTimeMillis();
        Lease lease = eventLease;
        if (now < lease.untilMillis) {
            return lease.id;
        }
        long seconds = ttl.toSeconds() + 300;
        long id = answered(() -> keyspace.grant(
                        LeaseGrantRequest.newBuilder().setTTL(seconds).build()))
                .getID();
        eventLease = new Lease(id, now + 300_000);
        return id;
    }
}
