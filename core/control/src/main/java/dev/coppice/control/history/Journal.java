package dev.coppice.control.history;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.control.Trigger;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Target;
import dev.coppice.control.history.Entry.Operation;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.Sealer;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.Keyspace;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.ResponseOp;
import dev.coppice.store.api.TxnRequest;
import io.prometheus.metrics.core.metrics.Counter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Who changed what, when, and because of what. Every change of an object brings its entry with it, in the same transaction of
 * the store: there is none without the other, on whichever node, and the revision of an entry is that of the change. Compaction
 * does not touch entries; {@link JournalRetention} ends them. Safe for use by many threads.
 *
 * <pre>
 *   /coppice.dev/journal/time/ID                 the entry; the newest has the smallest ID
 *   /coppice.dev/journal/object/STORAGE-KEY//ID  that there is an entry of this object
 *   /coppice.dev/journal/sealed/ID               what changed in a secret, sealed
 *   /coppice.dev/journal/horizon                 from when on the journal is complete
 * </pre>
 */
public final class Journal {
    /** Below it lies all of the journal. */
    public static final String PREFIX = "/coppice.dev/journal/";

    static final String TIMES = PREFIX + "time/";
    /** Where the differences of secrets are, sealed as secrets are. */
    public static final String SEALED = PREFIX + "sealed/";

    static final String OBJECTS = PREFIX + "object";
    static final String HORIZON = PREFIX + "horizon";

    private static final long LAST_MILLIS = 0xffff_ffff_ffffL;
    private static final int SEQUENCES = 1 << 24;
    /** Entries of one object that are looked at, the newest. */
    private static final int MOST_OF_ONE = 20_000;
    /** Operations of one transaction that reads. */
    private static final int AT_ONCE = 100;

    private final Kernel kernel;
    private final Keyspace keyspace;
    private final Sealer sealer;
    private final String node;
    private final AtomicLong sequence = new AtomicLong();
    private final Counter entries;
    private final Counter omitted;

    /** A journal among the objects of a keyspace. */
    public Journal(Kernel kernel, Keyspace keyspace, Sealer sealer) {
        this.kernel = kernel;
        this.keyspace = keyspace;
        this.sealer = sealer;
        this.node = "%08x".formatted(kernel.secureRandom().nextInt());
        this.entries = Counter.builder()
                .name("coppice_journal_changes_total")
                .help("Changes that this node wrote to the journal with the object.")
                .labelNames("operation")
                .register(kernel.metrics());
        this.omitted = Counter.builder()
                .name("coppice_journal_differences_omitted_total")
                .help("Changes that were too large for the journal: it has who and when of them, but not what.")
                .register(kernel.metrics());
    }

    /** From when on the journal has every change. */
    public record Horizon(long timeMillis, long revision) {}

    // ---- writing

    /** Whether changes of these objects are kept: not those that end by themselves, and not those that only say "still here". */
    public static boolean keeps(Definition d) {
        return d.timeToLive() == null
                && !(d.plural().equals("leases") && d.group().equals("coordination.k8s.io"));
    }

    /**
     * What a change is made of.
     *
     * @param before as it was stored; null when it is created
     * @param after as it is to be stored; null when it is deleted
     * @param verb what was asked for
     * @param manager the field manager
     */
    public record Draft(
            Target target,
            @Nullable ObjectNode before,
            @Nullable ObjectNode after,
            String verb,
            String manager) {
        private Operation operation() {
            return before == null ? Operation.CREATED : after == null ? Operation.DELETED : Operation.UPDATED;
        }
    }

    /** What has to be written together with a change. */
    public List<RequestOp> operations(Draft draft, long previous, Caller caller) {
        Definition d = draft.target().definition();
        if (!keeps(d)) {
            return List.of();
        }
        long now = kernel.clock().currentTimeMillis();
        String id = id(now);
        ObjectNode before = draft.before();
        ObjectNode after = draft.after();
        ObjectNode present = after == null ? before : after;
        Entry.Subject subject = new Entry.Subject(
                draft.target().key(),
                d.group(),
                d.version(),
                d.plural(),
                d.kind(),
                draft.target().namespace(),
                draft.target().name(),
                present == null ? "" : Json.text(present, "metadata", "uid"),
                d.sealed());
        Entry entry = new Entry(
                id,
                0,
                previous,
                now,
                draft.operation(),
                draft.verb(),
                subject,
                draft.target().subresource(),
                new Entry.Author(caller.identity().name(), caller.agent(), draft.manager(), caller.requestId()),
                Trigger.current(),
                List.of(),
                difference(before, after));
        JournalCoding.Encoded encoded = JournalCoding.encode(entry);
        if (encoded.omitted()) {
            omitted.inc();
        }
        List<RequestOp> operations = new ArrayList<>(3);
        operations.add(put(TIMES + id, ByteString.copyFrom(encoded.bytes())));
        operations.add(put(pointers(subject.storageKey()) + id, ByteString.EMPTY));
        byte[] secret = encoded.secret();
        if (secret != null) {
            operations.add(put(SEALED + id, ByteString.copyFrom(sealer.seal(SEALED + id, secret))));
        }
        return operations;
    }

    /** Counts a change that the store took. */
    public void wrote(Draft draft) {
        if (keeps(draft.target().definition())) {
            entries.labelValues(draft.operation().name().toLowerCase(Locale.ROOT))
                    .inc();
        }
    }

    /** A new object is not kept: it is found by going back from what it became. */
    private static Difference difference(@Nullable ObjectNode before, @Nullable ObjectNode after) {
        if (before == null) {
            return Difference.NONE;
        }
        return Difference.between(plain(before), after == null ? Json.object() : plain(after));
    }

    /** An object without what says only how it came about. */
    static ObjectNode plain(ObjectNode object) {
        ObjectNode copy = Json.object();
        object.properties().forEach(field -> copy.set(field.getKey(), field.getValue()));
        if (object.get("metadata") instanceof ObjectNode metadata) {
            ObjectNode left = Json.object();
            metadata.properties().forEach(field -> {
                if (!field.getKey().equals("managedFields") && !field.getKey().equals("resourceVersion")) {
                    left.set(field.getKey(), field.getValue());
                }
            });
            copy.set("metadata", left);
        }
        return copy;
    }

    static RequestOp put(String key, ByteString value) {
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(key))
                        .setValue(value))
                .build();
    }

    /** Ordered by time, the newest first; those of one millisecond and node also. */
    private String id(long millis) {
        long number = SEQUENCES - 1 - sequence.getAndIncrement() % SEQUENCES;
        return "%s-%06x-%s".formatted(idOf(millis), number, node);
    }

    /** How the ids of a time begin. */
    static String idOf(long millis) {
        return "%012x".formatted(LAST_MILLIS - Math.clamp(millis, 0, LAST_MILLIS));
    }

    static String pointers(String storageKey) {
        return OBJECTS + storageKey + "//";
    }

    // ---- reading

    /**
     * A part of the journal.
     *
     * @param next the id at which the next part begins; empty at the end
     */
    public record Page(List<Entry> entries, String next) {}

    /**
     * Entries of all objects, the newest first.
     *
     * @param start an id to begin at; empty for the newest
     * @param sinceMillis not those older than this
     * @param revision as of this revision; 0 for now
     */
    public Page all(String start, long sinceMillis, long revision, int limit) {
        // All ids of that very millisecond begin with the same digits; "." follows "-".
        RangeResponse found = ObjectStore.answered(() -> keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(TIMES + start))
                .setRangeEnd(ByteString.copyFromUtf8(TIMES + idOf(sinceMillis) + "."))
                .setRevision(revision)
                .setLimit(limit + 1L)
                .build()));
        List<Entry> entries = new ArrayList<>();
        for (KeyValue each : found.getKvsList().subList(0, Math.min(limit, found.getKvsCount()))) {
            entries.add(decoded(each));
        }
        return new Page(entries, found.getKvsCount() > limit ? id(found.getKvs(limit), TIMES) : "");
    }

    /**
     * Entries of one object, or of those that had its name before, the newest first.
     *
     * @param below only those of smaller revisions
     * @param asOf as of this revision; 0 for now
     */
    public List<Entry> of(String storageKey, long below, long asOf, int limit) {
        String prefix = pointers(storageKey);
        RangeResponse found = ObjectStore.answered(() -> keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(prefix))
                .setRangeEnd(end(prefix))
                .setKeysOnly(true)
                .setRevision(asOf)
                .setMaxModRevision(below - 1)
                .setLimit(MOST_OF_ONE)
                .build()));
        // By revision, not by time: the clocks of nodes differ.
        List<String> ids = found.getKvsList().stream()
                .sorted(Comparator.comparingLong(KeyValue::getModRevision).reversed())
                .limit(limit)
                .map(each -> id(each, prefix))
                .toList();
        return entries(ids);
    }

    /** The change of an object that gave it this revision; null when the journal does not have it. */
    public @Nullable Entry at(String storageKey, long revision) {
        List<Entry> found = of(storageKey, revision + 1, 0, 1);
        return found.isEmpty() || found.getFirst().revision() != revision ? null : found.getFirst();
    }

    private List<Entry> entries(List<String> ids) {
        List<Entry> entries = new ArrayList<>();
        for (int from = 0; from < ids.size(); from += AT_ONCE) {
            TxnRequest.Builder reads = TxnRequest.newBuilder();
            for (String id : ids.subList(from, Math.min(ids.size(), from + AT_ONCE))) {
                reads.addSuccess(RequestOp.newBuilder()
                        .setRequestRange(RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(TIMES + id))));
            }
            for (ResponseOp each :
                    ObjectStore.answered(() -> keyspace.txn(reads.build())).getResponsesList()) {
                // Retention may have ended one since.
                each.getResponseRange().getKvsList().forEach(kv -> entries.add(decoded(kv)));
            }
        }
        return entries;
    }

    private Entry decoded(KeyValue kv) {
        String id = id(kv, TIMES);
        return JournalCoding.decode(id, kv.getModRevision(), kv.getValue().toByteArray(), () -> secret(id));
    }

    /** Null when retention ended it since, or its key is gone; who, when and what stay known. */
    private byte @Nullable [] secret(String id) {
        String key = SEALED + id;
        RangeResponse found = ObjectStore.answered(() -> keyspace.range(
                RangeRequest.newBuilder().setKey(ByteString.copyFromUtf8(key)).build()));
        try {
            return found.getKvsCount() == 0
                    ? null
                    : sealer.open(key, found.getKvs(0).getValue().toByteArray());
        } catch (IllegalStateException e) {
            return null;
        }
    }

    private static String id(KeyValue kv, String prefix) {
        return kv.getKey().toStringUtf8().substring(prefix.length());
    }

    static ByteString end(String prefix) {
        return ByteString.copyFromUtf8(
                prefix.substring(0, prefix.length() - 1) + (char) (prefix.charAt(prefix.length() - 1) + 1));
    }

    /** From when on the journal has every change. */
    public Horizon horizon() {
        RangeResponse found = ObjectStore.answered(() -> keyspace.range(RangeRequest.newBuilder()
                .setKey(ByteString.copyFromUtf8(HORIZON))
                .build()));
        if (found.getKvsCount() == 0) {
            return new Horizon(
                    kernel.clock().currentTimeMillis(), found.getHeader().getRevision());
        }
        ObjectNode tree = Json.parse(found.getKvs(0).getValue().toByteArray());
        return new Horizon(tree.path("time").asLong(), tree.path("revision").asLong());
    }

    Keyspace keyspace() {
        return keyspace;
    }
}
