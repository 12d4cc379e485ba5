package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * All objects of one stored type, kept fresh by the feed, with a bounded history of changes for watchers that come late.
 * Safe for use by many threads.
 */
public final class ResourceCache {
    private static final int HISTORY = 2_000;
    private static final int MAX_SUBSCRIPTIONS = 20_000;

    private final String prefix;
    private final java.util.concurrent.atomic.AtomicLong slow = new java.util.concurrent.atomic.AtomicLong();
    private final boolean namespaced;
    private final UnaryOperator<ObjectNode> decode;
    private final TreeMap<String, CachedObject> objects = new TreeMap<>();
    private final ArrayDeque<Change> history = new ArrayDeque<>();
    private final Set<Subscription> subscriptions = new CopyOnWriteArraySet<>();
    private final List<Consumer<Change>> observers = new java.util.concurrent.CopyOnWriteArrayList<>();
    /** Changes up to and including this revision are no longer (or never were) in the history. */
    private long forgotten;

    private long loaded;
    private long lastChange;
    private boolean closed;

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
        return cached(stored);
    }

    private CachedObject cached(ObjectStore.Stored stored) {
        String rest = stored.key().substring(prefix.length());
        int slash = namespaced ? rest.indexOf('/') : -1;
        ObjectNode tree = decode.apply(Json.parse(stored.value()));
        return CachedObject.of(
                slash < 0 ? "" : rest.substring(0, slash), rest.substring(slash + 1), stored.revision(), tree);
    }

    /** Fills the cache; changes up to the page's revision are ignored from then on. */
    synchronized void load(ObjectStore.Page page) {
        objects.clear();
        history.clear();
        for (ObjectStore.Stored stored : page.values()) {
            objects.put(stored.key().substring(prefix.length()), cached(stored));
        }
        loaded = page.revision();
        forgotten = page.revision();
        lastChange = page.revision();
    }

    /** Takes over a put ({@code value} not null) or a deletion. */
    synchronized void apply(String key, long revision, ObjectStore.@Nullable Stored stored) {
        if (revision <= loaded || closed) {
            return;
        }
        String rest = key.substring(prefix.length());
        CachedObject before = objects.get(rest);
        Change change;
        if (stored == null) {
            if (before == null) {
                return;
            }
            objects.remove(rest);
            change = new Change(
                    revision,
                    before,
                    null,
                    CachedObject.of(before.namespace(), before.name(), revision, before.tree()));
        } else {
            CachedObject after = cached(stored);
            objects.put(rest, after);
            change = new Change(revision, before, after, after);
        }
        lastChange = revision;
        history.addLast(change);
        if (history.size() > HISTORY) {
            forgotten = history.removeFirst().revision();
        }
        for (Subscription s : subscriptions) {
            s.offer(change);
            if (s.overflowed()) {
                subscriptions.remove(s);
                var unused = slow.incrementAndGet();
            }
        }
        for (Consumer<Change> observer : observers) {
            observer.accept(change);
        }
    }

    /** Calls a short, non-blocking observer inside the feed for every change from now on. */
    public void observe(Consumer<Change> observer) {
        observers.add(observer);
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
        return new ArrayList<>(range(namespace));
    }

    private Collection<CachedObject> range(String namespace) {
        if (namespace.isEmpty() || !namespaced) {
            return objects.values();
        }
        NavigableMap<String, CachedObject> part = objects.subMap(namespace + "/", true, namespace + "0", false);
        return part.values();
    }

    /** Subscribes to what comes, with what is there now. */
    public synchronized Subscription subscribeWithInitial(String namespace, long freshRevision) {
        return added(new Subscription(this, list(namespace), Math.max(lastChange, freshRevision)));
    }

    /** Subscribes to what comes after {@code revision}. Throws 410 when that is no longer known. */
    public synchronized Subscription subscribe(long revision) {
        if (revision < forgotten) {
            throw Statuses.expired("too old resource version: " + revision + " (" + forgotten + ")");
        }
        Subscription s = new Subscription(this, List.of(), revision);
        for (Change change : history) {
            if (change.revision() > revision) {
                s.offer(change);
            }
        }
        return added(s);
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

    /** Reads everything anew, for example with new defaults; watches go on. */
    synchronized void reload(ObjectStore.Page page) {
        for (ObjectStore.Stored stored : page.values()) {
            CachedObject fresh = cached(stored);
            objects.put(stored.key().substring(prefix.length()), fresh);
        }
    }
}
