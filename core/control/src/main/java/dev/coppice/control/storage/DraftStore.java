package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.store.api.RequestOp;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The node's objects with changes over them that only it has: what is written is kept in memory and thrown away with it, what
 * was not written is read from the store. Its caches show both. What is to be done beside a write (the journal) is not. Safe for use by
 * many threads.
 */
public final class DraftStore extends ObjectStore implements Caches {
    private final Map<String, Optional<Stored>> drafted = new HashMap<>();
    private final Map<String, DraftCache> caches = new HashMap<>();
    private long revision;

    /**
     * A draft without changes.
     *
     * @param revision its changes get greater ones
     */
    public DraftStore(ObjectStore store, long revision) {
        super(store);
        this.revision = revision;
    }

    // ---- caches

    /** The draft's cache of a type that the node serves. */
    public synchronized ResourceCache over(String prefix, boolean namespaced, Supplier<ResourceCache> base) {
        return caches.computeIfAbsent(prefix, p -> new DraftCache(p, namespaced, tree -> tree, base));
    }

    /** The draft's cache of a type; of one that the node serves too, it is the one there is. */
    @Override
    public synchronized ResourceCache cache(String prefix, boolean namespaced, UnaryOperator<ObjectNode> decode) {
        return caches.computeIfAbsent(prefix, p -> new DraftCache(p, namespaced, decode, null));
    }

    /** Does nothing: what a draft changes of a type leaves its objects where they are. */
    @Override
    public void remove(ResourceCache cache) {}

    // ---- objects

    @Override
    public synchronized @Nullable Stored get(String key, long at) {
        Optional<Stored> own = at == 0 ? drafted.get(key) : null;
        return own == null ? super.get(key, at) : own.orElse(null);
    }

    @Override
    public synchronized Written put(
            String key,
            long expected,
            byte[] value,
            boolean seal,
            @Nullable Duration ttl,
            Supplier<List<RequestOp>> beside) {
        return write(key, expected, value);
    }

    @Override
    public synchronized Written delete(String key, long expected, boolean seal, Supplier<List<RequestOp>> beside) {
        return write(key, expected, null);
    }

    private Written write(String key, long expected, byte @Nullable [] value) {
        Stored current = get(key, 0);
        if ((current == null ? 0 : current.revision()) != expected) {
            return new Written.Refused(current);
        }
        revision++;
        Stored next = value == null ? null : new Stored(key, revision, value);
        drafted.put(key, Optional.ofNullable(next));
        caches.values().stream()
                .filter(cache -> key.startsWith(cache.prefix()))
                .forEach(cache -> cache.drafted(key, next));
        return new Written.Done(revision);
    }

    @Override
    public boolean reseal(List<Raw> values) {
        throw new UnsupportedOperationException("a draft seals nothing");
    }
}
