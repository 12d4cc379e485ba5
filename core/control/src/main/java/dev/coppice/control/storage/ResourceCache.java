package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * All objects of one stored type, kept fresh by the feed, with a bounded history of changes for watchers that come late.
 * Safe for use by many threads.
 */
public class ResourceCache {
    private static final int HISTORY = 2_000;
    private static final long HISTORY_BYTES = 16 << 20;
    private static final int MAX_SUBSCRIPTIONS = 20_000;

    private final String prefix;
    private final AtomicLong slow = new AtomicLong();
    private final boolean namespaced;
    private final UnaryOperator<ObjectNode> decode;
    private final TreeMap<String, CachedObject> objects = new TreeMap<>();
    private final ArrayDeque<Change> history = new ArrayDeque<>();
    private final Set<Subscription> subscriptions = new CopyOnWriteArraySet<>();
    /** Changes up to and including this revision are no longer (or never were) in the history. */
    private long forgotten;

    private long lastChange;
    private long historyBytes;
    private boolean closed;
    /** What came while the objects are being read; null when they are not. */
    private @Nullable List<Arrival> arrivals = new ArrayList<>();

    /** A change that came from the feed; a value of null is a deletion. */
    private record Arrival(String key, long revision, ObjectStore.@Nullable Stored stored) {}

    /**
     * The objects at one moment.
     *
     * @param revision at least that of the last change among them
     */
    public record Snapshot(List<CachedObject> objects, long revision) {}

    /**
     * A cache.
     *
     * @param decode makes the served form of the stored version (defaults); applied once per change
     */
    public ResourceCache(String prefix, boolean namespaced, UnaryOperator<ObjectNode> decode) {
        this.prefix = prefix;
        this.namespaced = namespaced;
        this.decode = decode;
    }

    public String prefix() {
        return prefix;
    }

    /** A stored value of the past as the cache would hold it. */
    public CachedObject decoded(ObjectStore.Stored stored) {
        return cached(stored.key().substring(prefix.length()), stored);
    }

    private CachedObject cached(String rest, ObjectStore.Stored stored) {
        int slash = namespaced ? rest.indexOf('/') : -1;
        ObjectNode tree = decode.apply(Json.parse(stored.value()));
        return CachedObject.of(slash < 0 ? "" : rest.substring(0, slash), rest, stored.revision(), tree);
    }

    /** From now on changes are kept for {@link #load}. */
    synchronized void expectLoad() {
        if (arrivals == null) {
            arrivals = new ArrayList<>();
        }
    }

    /**
     * Fills the cache, then applies what came in the meantime. Watches that are open missed what the page replaces: they
     * are ended, and have to list again.
     */
    void load(ObjectStore.Page page) {
        TreeMap<String, CachedObject> fresh = new TreeMap<>();
        for (ObjectStore.Stored stored : page.values()) {
            String rest = stored.key().substring(prefix.length());
            fresh.put(rest, cached(rest, stored));
        }
        synchronized (this) {
            subscriptions.forEach(Subscription::overflow);
            subscriptions.clear();
            objects.clear();
            objects.putAll(fresh);
            history.clear();
            historyBytes = 0;
            forgotten = page.revision();
            lastChange = page.revision();
            List<Arrival> waiting = Objects.requireNonNullElse(arrivals, List.of());
            arrivals = null;
            waiting.stream().filter(a -> a.revision() > page.revision()).forEach(a -> {
                change(a.key(), a.revision(), a.stored());
            });
        }
    }

    /** Takes over a put ({@code stored} not null) or a deletion. What is known already is ignored. */
    synchronized void apply(String key, long revision, ObjectStore.@Nullable Stored stored) {
        if (closed) {
            return;
        }
        if (arrivals != null) {
            arrivals.add(new Arrival(key, revision, stored));
        } else {
            change(key, revision, stored);
        }
    }

    private void change(String key, long revision, ObjectStore.@Nullable Stored stored) {
        String rest = key.substring(prefix.length());
        CachedObject before = objects.get(rest);
        // Several objects can go at one revision, when a lease ends; a feed that starts again tells some of it twice.
        if (revision < lastChange || before != null && before.revision() >= revision) {
            return;
        }
        Change change;
        if (stored == null) {
            if (before == null) {
                return;
            }
            objects.remove(rest);
            change = new Change(
                    revision, before, null, CachedObject.of(before.namespace(), before.key(), revision, before.tree()));
        } else {
            CachedObject after = cached(before == null ? rest : before.key(), stored);
            objects.put(rest, after);
            change = new Change(revision, before, after, after);
        }
        lastChange = revision;
        remember(change);
        for (Subscription s : subscriptions) {
            s.offer(change);
            if (s.overflowed()) {
                subscriptions.remove(s);
                long _ = slow.incrementAndGet();
            }
        }
    }

    private void remember(Change change) {
        history.addLast(change);
        historyBytes += change.bytes();
        while (history.size() > HISTORY || historyBytes > HISTORY_BYTES && history.size() > 1) {
            Change oldest = history.removeFirst();
            historyBytes -= oldest.bytes();
            forgotten = oldest.revision();
        }
    }

    /** The revision of the last change. */
    public synchronized long lastChange() {
        return lastChange;
    }

    public synchronized @Nullable CachedObject get(String namespace, String name) {
        return objects.get(namespaced ? namespace + "/" + name : name);
    }

    public synchronized int size() {
        return objects.size();
    }

    /** The objects of a namespace (empty: of all), in key order. */
    public synchronized List<CachedObject> list(String namespace) {
        return new ArrayList<>(range(namespace).values());
    }

    /**
     * The objects of a namespace (empty: of all), and the revision they stand for: {@code reached}, or a later one.
     *
     * @param start the first key, {@code NAMESPACE/NAME} or the name; empty for the very first
     */
    public synchronized Snapshot snapshot(String namespace, long reached, String start) {
        NavigableMap<String, CachedObject> range = range(namespace);
        if (!start.isEmpty()) {
            range = range.tailMap(start, true);
        }
        return new Snapshot(new ArrayList<>(range.values()), Math.max(reached, lastChange));
    }

    private NavigableMap<String, CachedObject> range(String namespace) {
        return namespace.isEmpty() || !namespaced
                ? objects
                : objects.subMap(namespace + "/", true, namespace + "0", false);
    }

    /** Subscribes to what comes, with what is there now. */
    public synchronized Subscription subscribeWithInitial(String namespace, long freshRevision) {
        return added(new Subscription(this, list(namespace), Math.max(lastChange, freshRevision), 0, List.of()));
    }

    /** Subscribes to what comes after {@code revision}. Throws 410 when that is no longer known. */
    public synchronized Subscription subscribe(long revision) {
        if (revision < forgotten) {
            throw Statuses.expired("too old resource version: " + revision + " (" + forgotten + ")");
        }
        List<Change> missed =
                history.stream().filter(change -> change.revision() > revision).toList();
        return added(new Subscription(this, List.of(), revision, revision, missed));
    }

    private Subscription added(Subscription s) {
        if (subscriptions.size() >= MAX_SUBSCRIPTIONS) {
            throw Statuses.tooManyRequests(
                    "there are already " + MAX_SUBSCRIPTIONS + " watches of " + prefix + ", the most; try again later",
                    5);
        }
        if (closed) {
            s.end();
        } else {
            subscriptions.add(s);
        }
        return s;
    }

    void unsubscribe(Subscription s) {
        subscriptions.remove(s);
    }

    /** Watches ended for slowness, over all caches that still are. */
    static long slow(Collection<ResourceCache> caches) {
        long sum = 0;
        for (ResourceCache cache : caches) {
            sum += cache.slow.get();
        }
        return sum;
    }

    public int watchers() {
        return subscriptions.size();
    }

    /** Ends all watches; the type is gone or has changed. */
    public synchronized void close() {
        closed = true;
        subscriptions.forEach(Subscription::end);
        subscriptions.clear();
    }
}
