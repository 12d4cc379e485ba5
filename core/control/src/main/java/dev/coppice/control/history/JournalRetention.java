package dev.coppice.control.history;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.control.request.Json;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.Keyspace;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Ends entries of the journal that are too old, and the oldest when all together are too large. Every node counts what is
 * written; the one that leads ends entries. Safe for use by many threads.
 */
public final class JournalRetention {
    /** Entries of one step; three keys each, and at most 128 operations in a transaction. */
    private static final int PAGE = 40;
    /** Read at once when sizes are summed. */
    private static final int SCAN = 1_000;
    /** When too large, so much is left, so that it is not at once too large again. */
    private static final double LEFT = 0.9;

    private final Kernel kernel;
    private final Keyspace keyspace;
    private final Journal journal;
    private final Limits limits;
    private final AtomicLong bytes = new AtomicLong(-1);
    private final AtomicLong count = new AtomicLong();
    private final Counter ended;
    private volatile long countedFrom = Long.MAX_VALUE;

    /**
     * How much is kept.
     *
     * @param age no entry is older
     * @param bytes no more than this, keys included, as it is stored
     */
    public record Limits(Duration age, long bytes) {
        public static final Limits DEFAULT = new Limits(Duration.ofDays(30), 256L << 20);

        private static final long MOST_DAYS = 3650;
        private static final long MOST_BYTES = 1L << 40;

        /** Adds what is wrong with them, by the names of the options of {@code coppice up}. */
        public void check(List<String> problems) {
            if (age.toDays() < 1 || age.toDays() > MOST_DAYS) {
                problems.add(
                        "--journal-max-age: " + age.toDays() + " is no number of days to keep changes: expected 1 to "
                                + MOST_DAYS + ", such as " + DEFAULT.age.toDays());
            }
            if (bytes < 1 << 20 || bytes > MOST_BYTES) {
                problems.add("--journal-max-size: " + (bytes >> 20)
                        + " is no number of megabytes for the journal: expected 1 to " + (MOST_BYTES >> 20)
                        + ", such as "
                        + (DEFAULT.bytes >> 20));
            }
        }
    }

    public JournalRetention(Kernel kernel, Journal journal, Limits limits) {
        this.kernel = kernel;
        this.keyspace = journal.keyspace();
        this.journal = journal;
        this.limits = limits;
        GaugeWithCallback.builder()
                .name("coppice_journal_bytes")
                .help("Size of the journal, keys included; on the node that leads.")
                .callback(c -> c.call(Math.max(0, bytes.get())))
                .register(kernel.metrics());
        GaugeWithCallback.builder()
                .name("coppice_journal_entries")
                .help("Entries in the journal; on the node that leads.")
                .callback(c -> c.call(Math.max(0, count.get())))
                .register(kernel.metrics());
        this.ended = Counter.builder()
                .name("coppice_journal_ended_total")
                .help("Entries that the journal forgot, by the limit that ended them.")
                .labelNames("limit")
                .register(kernel.metrics());
    }

    /** Told of everything that is written below {@link Journal#PREFIX}; quick. */
    public void written(String key, long revision, int valueBytes) {
        if (revision > countedFrom && key.startsWith(Journal.TIMES)) {
            bytes.addAndGet(size(key.length(), valueBytes));
            count.incrementAndGet();
        }
    }

    /** With the pointer, which holds the storage key instead of the value; about. */
    private static long size(int keyBytes, int valueBytes) {
        return 2L * keyBytes + valueBytes + 64;
    }

    /** Says from when on the journal is complete, where nobody said yet. */
    public void begin() {
        TxnRequest first = TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(ByteString.copyFromUtf8(Journal.HORIZON))
                        .setTarget(Compare.CompareTarget.MOD)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setModRevision(0))
                .addSuccess(horizon(kernel.clock().currentTimeMillis(), keyspace.revision()))
                .build();
        var _ = ObjectStore.answered(() -> keyspace.txn(first));
    }

    private static RequestOp horizon(long time, long revision) {
        byte[] value = Json.bytes(Json.object().put("time", time).put("revision", revision));
        return Journal.put(Journal.HORIZON, ByteString.copyFrom(value));
    }

    /** The next {@link #trim} counts all there is; for a node that did not lead before. */
    public void recount() {
        bytes.set(-1);
    }

    /** Ends what is over the limits. */
    public void trim() {
        if (bytes.get() < 0) {
            count();
        }
        long oldest = kernel.clock().currentTimeMillis() - limits.age().toMillis();
        end(Journal.TIMES + Journal.idOf(oldest) + ".", "age");
        if (bytes.get() > limits.bytes()) {
            String last = place((long) (limits.bytes() * LEFT));
            if (last != null) {
                end(last, "size");
            }
        }
    }

    private void count() {
        countedFrom = Long.MAX_VALUE;
        bytes.set(0);
        count.set(0);
        long revision = keyspace.revision();
        countedFrom = revision;
        Place unused = walk(Long.MAX_VALUE, revision);
        bytes.addAndGet(unused.bytes());
        count.addAndGet(unused.entries());
    }

    /** How far a walk from the newest entry came. */
    private record Place(long bytes, long entries, @Nullable String next) {}

    /** The key from which on entries do not fit into so many bytes. */
    private @Nullable String place(long room) {
        return walk(room, 0).next();
    }

    private Place walk(long room, long revision) {
        long sum = 0;
        long entries = 0;
        String start = Journal.TIMES;
        while (true) {
            RangeResponse page = range(start, revision, SCAN);
            for (KeyValue each : page.getKvsList()) {
                sum += size(each.getKey().size(), each.getValue().size());
                if (sum > room) {
                    return new Place(sum, entries, each.getKey().toStringUtf8());
                }
                entries++;
            }
            if (!page.getMore()) {
                return new Place(sum, entries, null);
            }
            start = page.getKvs(page.getKvsCount() - 1).getKey().toStringUtf8() + "\0";
        }
    }

    private RangeResponse range(String start, long revision, int limit) {
        return ObjectStore.answered(() -> keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(start))
                .setRangeEnd(Journal.end(Journal.TIMES))
                .setRevision(revision)
                .setLimit(limit)
                .build()));
    }

    /** Ends all from a key on. The horizon is moved before, so that it is right whenever this stops. */
    private void end(String from, String limit) {
        boolean moved = false;
        while (true) {
            RangeResponse page = range(from, 0, PAGE);
            if (page.getKvsCount() == 0) {
                return;
            }
            TxnRequest.Builder step = TxnRequest.newBuilder();
            long size = 0;
            if (!moved) {
                moveHorizon(page.getKvs(0));
                moved = true;
            }
            for (KeyValue each : page.getKvsList()) {
                String key = each.getKey().toStringUtf8();
                ObjectNode entry = Json.parse(each.getValue().toByteArray());
                String storageKey = entry.path("key").asText();
                step.addSuccess(delete(key))
                        .addSuccess(delete(Journal.pointers(storageKey) + key.substring(Journal.TIMES.length())));
                if (entry.has("s")) {
                    step.addSuccess(delete(Journal.SEALED + key.substring(Journal.TIMES.length())));
                }
                size += size(each.getKey().size(), each.getValue().size());
            }
            var _ = ObjectStore.answered(() -> keyspace.txn(step.build()));
            bytes.addAndGet(-size);
            count.addAndGet(-page.getKvsCount());
            ended.labelValues(limit).inc(page.getKvsCount());
        }
    }

    private void moveHorizon(KeyValue newest) {
        Journal.Horizon known = journal.horizon();
        long time = Json.parse(newest.getValue().toByteArray()).path("t").asLong() + 1;
        // Of entries of other nodes, whose clocks differ, an older one may have a newer revision; by no more than these
        // do.
        long revision = newest.getModRevision();
        TxnRequest put = TxnRequest.newBuilder()
                .addSuccess(horizon(Math.max(time, known.timeMillis()), Math.max(revision, known.revision())))
                .build();
        var _ = ObjectStore.answered(() -> keyspace.txn(put));
    }

    private static RequestOp delete(String key) {
        return RequestOp.newBuilder()
                .setRequestDeleteRange(
                        DeleteRangeRequest.newBuilder().setKey(ByteString.copyFrom(key, StandardCharsets.UTF_8)))
                .build();
    }
}
