package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.Trigger;
import dev.coppice.kernel.Kernel;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A local copy of all objects of a type, as a {@link Reflector} fills it, with indexes and observers. Reads never wait.
 * What an observer does has to be short: the next change waits for it. Safe for use by many threads.
 *
 * @param <V> what an object is kept as: its tree, or a record made of it
 */
public final class ObjectCache<V> implements Reflector.Sink {

    private static final System.Logger LOG = System.getLogger(ObjectCache.class.getName());

    /** Makes what is kept of an object. */
    @FunctionalInterface
    interface Reader<V> {
        V read(ObjectNode tree) throws Exception;
    }

    private record Entry<V>(String resourceVersion, V value) {}

    private record Index<V>(Function<V, ? extends Collection<String>> values, Map<String, Set<Key>> keys) {}

    private final Reader<V> reader;
    private final BiConsumer<ObjectNode, Exception> unreadable;
    private final RuntimeMetrics metrics;
    private final ResourceType type;
    private final String label;
    private final ConcurrentHashMap<Key, Entry<V>> entries = new ConcurrentHashMap<>();
    private final Map<String, Index<V>> indexes = new ConcurrentHashMap<>();
    private final List<BiConsumer<Optional<V>, Optional<V>>> observers = new CopyOnWriteArrayList<>();
    private final Object turn = new Object();
    private @Nullable Reflector reflector;

    ObjectCache(Kernel kernel, ResourceType type, Reader<V> reader, BiConsumer<ObjectNode, Exception> unreadable) {
        this.reader = reader;
        this.unreadable = unreadable;
        this.metrics = RuntimeMetrics.of(kernel.metrics());
        this.type = type;
        this.label = Reflector.label(type);
    }

    void filledBy(Reflector reflector) {
        this.reflector = reflector;
    }

    public Optional<V> get(Key key) {
        Entry<V> entry = entries.get(key);
        return entry == null ? Optional.empty() : Optional.of(entry.value());
    }

    public List<V> list() {
        List<V> all = new ArrayList<>(entries.size());
        entries.values().forEach(entry -> all.add(entry.value()));
        return all;
    }

    public List<V> list(String namespace) {
        List<V> all = new ArrayList<>();
        entries.forEach((key, entry) -> {
            if (key.namespace().equals(namespace)) {
                all.add(entry.value());
            }
        });
        return all;
    }

    public int size() {
        return entries.size();
    }

    /** Whether a first list arrived. */
    public boolean synced() {
        return reflector != null && reflector.synced();
    }

    /** Waits for the first list (real time); false when it takes longer. */
    public boolean awaitSynced(Duration limit) throws InterruptedException {
        return reflector != null && reflector.awaitSynced(limit);
    }

    /** Waits for the first list. */
    public void awaitSynced() throws InterruptedException {
        if (reflector != null) {
            reflector.awaitSynced();
        }
    }

    /** Keeps an index: under which values an object can be found. Does nothing when there is one of that name. */
    public void indexBy(String name, Function<V, ? extends Collection<String>> values) {
        synchronized (turn) {
            Index<V> index = new Index<>(values, new ConcurrentHashMap<>());
            if (indexes.putIfAbsent(name, index) == null) {
                entries.forEach((key, entry) -> index(index, key, null, entry.value()));
            }
        }
    }

    /** The objects with this value in an index made by {@link #indexBy}. */
    public List<V> find(String index, String value) {
        Index<V> found = indexes.get(index);
        if (found == null) {
            throw new IllegalArgumentException("there is no index " + index + "; make it with indexBy first");
        }
        List<V> all = new ArrayList<>();
        for (Key key : found.keys().getOrDefault(value, Set.of())) {
            get(key).ifPresent(all::add);
        }
        return all;
    }

    /**
     * Calls the observer with the old and the new state (either empty) of every change, in order, beginning with all
     * there are now as new ones.
     */
    public AutoCloseable observe(BiConsumer<Optional<V>, Optional<V>> observer) {
        synchronized (turn) {
            entries.forEach((key, entry) -> Trigger.run(
                    List.of(new Trigger.Change(type, key.namespace(), key.name(), entry.resourceVersion())),
                    () -> call(observer, Optional.empty(), Optional.of(entry.value()))));
            observers.add(observer);
        }
        return () -> observers.remove(observer);
    }

    @Override
    public void replace(List<ObjectNode> objects) {
        synchronized (turn) {
            Set<Key> gone = new HashSet<>(entries.keySet());
            for (ObjectNode object : objects) {
                gone.remove(key(object));
                Trigger.run(List.of(Reflector.trigger(type, object)), () -> put(object));
            }
            gone.forEach(this::remove);
            metrics.objects.labelValues(label).set(entries.size());
        }
    }

    @Override
    public void changed(EventType event, ObjectNode object) {
        synchronized (turn) {
            switch (event) {
                case ADDED, MODIFIED -> put(object);
                case DELETED -> remove(key(object));
                case BOOKMARK -> {}
            }
            metrics.objects.labelValues(label).set(entries.size());
        }
    }

    /** The namespace and name of an object. */
    public static Key key(ObjectNode object) {
        return new Key(
                object.path("metadata").path("namespace").asText(""),
                object.path("metadata").path("name").asText());
    }

    private void put(ObjectNode object) {
        Key key = key(object);
        String resourceVersion = object.path("metadata").path("resourceVersion").asText("");
        Entry<V> before = entries.get(key);
        if (before != null
                && !resourceVersion.isEmpty()
                && before.resourceVersion().equals(resourceVersion)) {
            return;
        }
        V value;
        try {
            value = reader.read(object);
        } catch (Exception e) {
            metrics.unreadable.labelValues(label).inc();
            LOG.log(Level.DEBUG, () -> label + " " + key + " cannot be read: " + e.getMessage());
            unreadable.accept(object, e);
            return; // what was known of it before stays: an object that cannot be read is not one that was deleted
        }
        entries.put(key, new Entry<>(resourceVersion, value));
        V old = before == null ? null : before.value();
        indexes.values().forEach(index -> index(index, key, old, value));
        tell(Optional.ofNullable(old), Optional.of(value));
    }

    private void remove(Key key) {
        Entry<V> before = entries.remove(key);
        if (before != null) {
            indexes.values().forEach(index -> index(index, key, before.value(), null));
            tell(Optional.of(before.value()), Optional.empty());
        }
    }

    private void index(Index<V> index, Key key, @Nullable V before, @Nullable V after) {
        Collection<String> old = before == null ? List.of() : index.values().apply(before);
        Collection<String> now = after == null ? List.of() : index.values().apply(after);
        for (String value : old) {
            if (!now.contains(value)) {
                index.keys().computeIfPresent(value, (_, keys) -> {
                    keys.remove(key);
                    return keys.isEmpty() ? null : keys;
                });
            }
        }
        for (String value : now) {
            index.keys().compute(value, (_, keys) -> {
                Set<Key> set = keys == null ? ConcurrentHashMap.newKeySet() : keys;
                set.add(key);
                return set;
            });
        }
    }

    private void tell(Optional<V> before, Optional<V> after) {
        for (BiConsumer<Optional<V>, Optional<V>> observer : observers) {
            call(observer, before, after);
        }
    }

    private void call(BiConsumer<Optional<V>, Optional<V>> observer, Optional<V> before, Optional<V> after) {
        try {
            observer.accept(before, after);
        } catch (RuntimeException e) {
            metrics.observerFailures.labelValues(label).inc();
            LOG.log(Level.WARNING, "an observer of " + label + " failed", e);
        }
    }
}
