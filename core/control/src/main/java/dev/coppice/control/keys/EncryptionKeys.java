package dev.coppice.control.keys;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.Sealer;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.Keyspace;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The keys that encrypt at rest, and their exchange. {@link #rotate} makes a new one known to all nodes: from that write on, the
 * store takes nothing that was encrypted with another (see {@link Sealer.Guard}). Then one node writes everything again
 * ({@link Phase#REWRITING}), waits until the history that was encrypted with older keys is compacted ({@link Phase#WAITING}), and
 * forgets those. Each step stands in the store first, and is done again by whoever leads next. Safe for use by many threads.
 */
public final class EncryptionKeys implements Sealer.Guard {
    private static final Logger LOG = System.getLogger(EncryptionKeys.class.getName());
    private static final int PAGE = 200;
    private static final int BATCH = 50;
    private static final int BATCH_BYTES = 256 << 10;

    private final Kernel kernel;
    private final Keyspace keyspace;
    private final KeyRing ring;
    private final Sealer sealer;
    private final ObjectStore store;
    private final Supplier<List<String>> prefixes;
    private final Counter rewritten;
    private final Gauge left;
    private final Gauge phase;

    /** How far an exchange is. */
    public enum Phase {
        /** There is one key. */
        DONE,
        /** What other keys encrypted is written again. */
        REWRITING,
        /** Older revisions still need the older keys. */
        WAITING
    }

    /** @param prefixes where encrypted values are */
    public EncryptionKeys(
            Kernel kernel,
            Keyspace keyspace,
            ObjectStore store,
            Sealer sealer,
            Path directory,
            Supplier<List<String>> prefixes) {
        this.kernel = kernel;
        this.keyspace = keyspace;
        this.store = store;
        this.sealer = sealer;
        this.prefixes = prefixes;
        this.ring =
                new KeyRing(keyspace, new KeyWrap(kernel.secureRandom(), directory.resolve("ca.pem")), "encryption");
        this.rewritten = Counter.builder()
                .name("coppice_control_encryption_rewritten_total")
                .help("Values that this node encrypted again with a new key.")
                .register(kernel.metrics());
        this.left = Gauge.builder()
                .name("coppice_control_encryption_to_rewrite")
                .help("Values that are encrypted with an older key, as the node that writes them again last counted.")
                .register(kernel.metrics());
        this.phase = Gauge.builder()
                .name("coppice_control_encryption_phase")
                .help("How far the exchange of the encryption key is: 0 done, 1 rewriting, 2 waiting for compaction.")
                .register(kernel.metrics());
        sealer.guard(this);
    }

    @Override
    public String storageKey() {
        return ring.storageKey();
    }

    /** Takes over what the store knows. */
    @Override
    public void refresh() {
        take(read());
    }

    @Override
    public void seen(long revision, byte[] value) {
        try {
            take(ring.decode(revision, value));
        } catch (GeneralSecurityException e) {
            LOG.log(Level.ERROR, "the encryption keys of revision " + revision + " cannot be unwrapped", e);
        }
    }

    private KeyRing.State read() {
        try {
            return ring.read();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "the encryption keys cannot be unwrapped: " + e.getMessage()
                            + ": does this node have the certificate authority (pki/ca.pem) of the others?",
                    e);
        }
    }

    private void take(KeyRing.State state) {
        if (state.revision() > 0) {
            phase.set(phase(state).ordinal());
            try {
                sealer.use(state.revision(), state.current(), state.keys());
            } catch (IOException e) {
                throw new UncheckedIOException("the file of encryption keys cannot be written", e);
            }
        }
    }

    private static Phase phase(KeyRing.State state) {
        String text = state.notes().path("phase").asText("");
        return text.isEmpty() ? Phase.DONE : Phase.valueOf(text);
    }

    /**
     * Begins an exchange: a new key encrypts from now on.
     *
     * @return how far it is
     * @throws ApiException 409, when one is under way
     */
    public ObjectNode rotate() {
        KeyRing.State state = read();
        if (phase(state) != Phase.DONE) {
            throw Statuses.of(
                    409,
                    "Conflict",
                    "an exchange of the encryption key is under way (phase " + phase(state)
                            + "); wait until it is done: `coppice keys status`");
        }
        Map<String, byte[]> keys = new LinkedHashMap<>(sealer.keys());
        keys.putAll(state.keys());
        String fresh = fresh(keys);
        byte[] key = new byte[32];
        kernel.secureRandom().nextBytes(key);
        keys.put(fresh, key);
        ObjectNode notes = Json.object()
                .put("phase", Phase.REWRITING.name())
                .put("begun", kernel.clock().now().toString());
        replace(state, fresh, keys, notes);
        LOG.log(Level.INFO, "the encryption key {0} takes the place of {1}", fresh, sealer.current());
        refresh();
        return status();
    }

    private static String fresh(Map<String, byte[]> keys) {
        int highest = keys.keySet().stream()
                .filter(k -> k.matches("key\\d{1,8}"))
                .mapToInt(k -> Integer.parseInt(k.substring(3)))
                .max()
                .orElse(0);
        return "key" + (highest + 1);
    }

    private void replace(KeyRing.State before, String current, Map<String, byte[]> keys, ObjectNode notes) {
        try {
            if (!ring.replace(before, current, keys, notes)) {
                throw Statuses.of(409, "Conflict", "the encryption keys were changed by another node; try again");
            }
        } catch (GeneralSecurityException e) {
            throw Statuses.internal("the encryption keys cannot be wrapped: " + e.getMessage());
        }
    }

    /** How far it is, for people and programs. */
    public ObjectNode status() {
        KeyRing.State state = read();
        ObjectNode status = Json.object()
                .put("current", state.revision() == 0 ? sealer.current() : state.current())
                .put("phase", phase(state).name().toLowerCase(java.util.Locale.ROOT));
        status.set(
                "keys",
                Json.array(
                        state.revision() == 0
                                ? sealer.keys().keySet()
                                : state.keys().keySet()));
        state.notes().properties().forEach(note -> status.putIfAbsent(note.getKey(), note.getValue()));
        if (phase(state) == Phase.REWRITING) {
            status.put("left", count(state.current()));
        }
        return status;
    }

    private int count(String current) {
        int found = 0;
        for (String prefix : prefixes.get()) {
            String start = "";
            ObjectStore.RawPage page = store.raw(prefix, start, PAGE);
            while (!page.values().isEmpty()) {
                for (ObjectStore.Raw each : page.values()) {
                    found += current.equals(Sealer.keyOf(each.value())) ? 0 : 1;
                }
                start = page.values().getLast().key() + "\0";
                page = page.more() ? store.raw(prefix, start, PAGE) : new ObjectStore.RawPage(List.of(), false);
            }
        }
        return found;
    }

    // ---- on the node that leads

    /** Does what is next; on one node at a time. */
    public void step() throws InterruptedException {
        KeyRing.State state = read();
        take(state);
        switch (phase(state)) {
            case DONE -> left.set(0);
            case REWRITING -> {
                int still = count(state.current());
                left.set(still);
                if (still == 0) {
                    next(state, Phase.WAITING, state.keys());
                } else {
                    rewrite(state.current());
                }
            }
            case WAITING -> {
                if (count(state.current()) > 0) {
                    // A node of an earlier version, which does not look at what nodes agree on, wrote with an older
                    // key.
                    next(state, Phase.REWRITING, state.keys());
                } else if (keyspace.compactedRevision()
                        >= state.notes().path("until").asLong(Long.MAX_VALUE)) {
                    String current = state.current();
                    next(state, Phase.DONE, Map.of(current, state.currentKey()));
                }
            }
        }
    }

    private void next(KeyRing.State state, Phase next, Map<String, byte[]> keys) {
        ObjectNode notes = state.notes().deepCopy().put("phase", next.name());
        if (next == Phase.WAITING) {
            notes.put("until", keyspace.newestRevision());
        } else if (next == Phase.DONE) {
            notes.remove("until");
            notes.put("ended", kernel.clock().now().toString());
        }
        replace(state, state.current(), keys, notes);
        LOG.log(Level.INFO, "the exchange of the encryption key: {0}", next);
        refresh();
    }

    /** What somebody else writes meanwhile is encrypted with the new key already. */
    private void rewrite(String current) throws InterruptedException {
        for (String prefix : prefixes.get()) {
            ObjectStore.RawPage page = store.raw(prefix, "", PAGE);
            while (!page.values().isEmpty()) {
                List<ObjectStore.Raw> batch = new ArrayList<>();
                int bytes = 0;
                for (ObjectStore.Raw each : page.values()) {
                    if (current.equals(Sealer.keyOf(each.value()))) {
                        continue;
                    }
                    batch.add(each);
                    bytes += each.value().length;
                    if (batch.size() == BATCH || bytes > BATCH_BYTES) {
                        write(batch);
                        batch.clear();
                        bytes = 0;
                    }
                }
                write(batch);
                String start = page.values().getLast().key() + "\0";
                page = page.more() ? store.raw(prefix, start, PAGE) : new ObjectStore.RawPage(List.of(), false);
            }
        }
    }

    /** All at once, or one after the other when one of them was changed or cannot be read. */
    private void write(List<ObjectStore.Raw> batch) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (batch.isEmpty() || resealed(batch, batch.size() == 1)) {
            return;
        }
        for (ObjectStore.Raw each : batch) {
            boolean _ = resealed(List.of(each), true);
        }
    }

    private boolean resealed(List<ObjectStore.Raw> values, boolean tell) {
        try {
            boolean written = store.reseal(values);
            if (written) {
                rewritten.inc(values.size());
                left.dec(values.size());
            }
            return written;
        } catch (IllegalStateException e) {
            if (tell) {
                LOG.log(
                        Level.ERROR,
                        values.getFirst().key() + " cannot be encrypted again, and the older keys stay: "
                                + e.getMessage());
            }
            return false;
        }
    }
}
