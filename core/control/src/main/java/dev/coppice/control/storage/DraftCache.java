package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The objects of a type as a draft has them: those of the node, with what the draft changed over them. It is read only; nobody
 * watches it. Safe for use by many threads.
 */
final class DraftCache extends ResourceCache {
    private final @Nullable Supplier<ResourceCache> base;
    /** What the draft wrote, by key without the prefix; null: what it deleted. */
    private final Map<String, @Nullable CachedObject> drafted = new HashMap<>();

    private final boolean namespaced;
    private long changes;

    /** A cache over another; null: over nothing. */
    DraftCache(
            String prefix,
            boolean namespaced,
            UnaryOperator<ObjectNode> decode,
            @Nullable Supplier<ResourceCache> base) {
        super(prefix, namespaced, decode);
        this.namespaced = namespaced;
        this.base = base;
    }

    /** The draft wrote ({@code stored} not null) or deleted an object. */
    synchronized void drafted(String key, ObjectStore.@Nullable Stored stored) {
        drafted.put(key.substring(prefix().length()), stored == null ? null : decoded(stored));
        changes++;
    }

    @Override
    public synchronized @Nullable CachedObject get(String namespace, String name) {
        String key = namespaced ? namespace + "/" + name : name;
        if (drafted.containsKey(key)) {
            return drafted.get(key);
        }
        return base == null ? null : base.get().get(namespace, name);
    }

    @Override
    public synchronized List<CachedObject> list(String namespace) {
        List<CachedObject> below = base == null ? new ArrayList<>() : base.get().list(namespace);
        if (drafted.isEmpty()) {
            return below;
        }
        Map<String, CachedObject> all = new TreeMap<>();
        below.forEach(each -> all.put(each.key(), each));
        drafted.forEach((key, object) -> {
            if (object == null) {
                all.remove(key);
            } else if (!namespaced || namespace.isEmpty() || object.namespace().equals(namespace)) {
                all.put(key, object);
            }
        });
        return new ArrayList<>(all.values());
    }

    /** Grows with every change, of the node's objects and of the draft's. */
    @Override
    public synchronized long lastChange() {
        return changes + (base == null ? 0 : base.get().lastChange());
    }

    @Override
    public synchronized Snapshot snapshot(String namespace, long reached, String start) {
        List<CachedObject> from = list(namespace);
        from.removeIf(each -> each.key().compareTo(start) < 0);
        return new Snapshot(from, reached);
    }

    @Override
    public synchronized int size() {
        return list("").size();
    }

    @Override
    public Subscription subscribeWithInitial(String namespace, long freshRevision) {
        throw new UnsupportedOperationException("nobody watches a draft");
    }

    @Override
    public Subscription subscribe(long revision) {
        throw new UnsupportedOperationException("nobody watches a draft");
    }
}
