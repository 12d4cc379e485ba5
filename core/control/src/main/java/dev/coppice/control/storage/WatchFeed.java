package dev.coppice.control.storage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.control.ApiException;
import dev.coppice.control.request.Statuses;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Feeds all caches from one watch over the whole keyspace, and knows up to which revision they are fresh. Safe for use by
 * many threads.
 */
public final class WatchFeed implements Caches {
    private static final Logger LOG = System.getLogger(WatchFeed.class.getName());
    private static final Duration FRESHNESS_WAIT = Duration.ofSeconds(3);
    private static final Duration LOAD_PAUSE = Duration.ofMillis(500);

    /** About a minute, as each waits for a leader itself. */
    private static final int LOAD_ATTEMPTS = 20;

    private final Kernel kernel;
    private final ObjectStore store;
    /** By prefix; there are two of one prefix while one takes the place of the other. */
    private final Map<String, List<ResourceCache>> caches = new ConcurrentHashMap<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition advanced = lock.newCondition();
    private final Counter unreadable;
    private volatile long applied;
    private volatile String apart = "\0";
    private volatile Other other = (_, _, _) -> {};

    /** Told of what is written that is no object. Quick. */
    @FunctionalInterface
    public interface Other {
        void written(String key, long revision, int valueBytes);
    }

    public WatchFeed(Kernel kernel, ObjectStore store) {
        this.kernel = kernel;
        this.store = store;
        this.applied = store.keyspace().revision();
        this.unreadable = Counter.builder()
                .name("coppice_control_unreadable_objects_total")
                .help("Stored objects that could not be read into a cache.")
                .register(kernel.metrics());
        GaugeWithCallback.builder()
                .name("coppice_control_cached_objects")
                .help("Objects held by the watch caches.")
                .labelNames("prefix")
                .callback(c -> caches.forEach((prefix, all) -> c.call(sum(all, ResourceCache::size), prefix)))
                .register(kernel.metrics());
        GaugeWithCallback.builder()
                .name("coppice_control_watches")
                .help("Watches being served.")
                .labelNames("prefix")
                .callback(c -> caches.forEach((prefix, all) -> c.call(sum(all, ResourceCache::watchers), prefix)))
                .register(kernel.metrics());
        CounterWithCallback.builder()
                .name("coppice_control_slow_watches_total")
                .help("Watches ended because they did not keep up.")
                .callback(c -> c.call(ResourceCache.slow(all())))
                .register(kernel.metrics());
    }

    /** Keys below a prefix are no objects; set before it runs. */
    public void apart(String prefix, Other told) {
        other = told;
        apart = prefix;
    }

    private static int sum(List<ResourceCache> caches, ToIntFunction<ResourceCache> number) {
        return caches.stream().mapToInt(number).sum();
    }

    /** A new cache of a storage prefix, loaded. The feed goes on while it loads. */
    @Override
    public ResourceCache cache(String prefix, boolean namespaced, UnaryOperator<ObjectNode> decode) {
        ResourceCache cache = new ResourceCache(prefix, namespaced, decode);
        caches.compute(prefix, (_, others) -> {
            List<ResourceCache> all = new ArrayList<>(others == null ? List.of() : others);
            all.add(cache);
            return List.copyOf(all);
        });
        try {
            load(cache);
        } catch (RuntimeException e) {
            remove(cache);
            throw e;
        }
        return cache;
    }

    /** A store that has no leader for a moment is waited for: what needs the cache could not go on without it. */
    private void load(ResourceCache cache) {
        for (int attempt = 1; ; attempt++) {
            try {
                cache.expectLoad();
                cache.load(store.all(cache.prefix(), 0));
                return;
            } catch (ApiException e) {
                if (!Statuses.isUnavailable(e) || attempt == LOAD_ATTEMPTS) {
                    throw e;
                }
                try {
                    kernel.timers().sleep(LOAD_PAUSE);
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                    throw e;
                }
            }
        }
    }

    /** Forgets a cache and ends its watches. */
    @Override
    public void remove(ResourceCache cache) {
        caches.computeIfPresent(cache.prefix(), (_, all) -> {
            List<ResourceCache> left = all.stream().filter(c -> c != cache).toList();
            return left.isEmpty() ? null : left;
        });
        cache.close();
    }

    /** Runs until the watch ends; a supervisor starts it again. */
    public void run() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        AtomicReference<@Nullable Throwable> error = new AtomicReference<>();
        WatchObserver observer = new WatchObserver() {
            @Override
            public void response(WatchResponse response) {
                deliver(response);
            }

            @Override
            public void closed(@Nullable Throwable reason) {
                error.set(reason);
                ended.countDown();
            }
        };
        WatchCreateRequest request = WatchCreateRequest.newBuilder()
                .setKey(ByteString.copyFrom(new byte[] {0}))
                .setRangeEnd(ByteString.copyFrom(new byte[] {0}))
                .setStartRevision(applied + 1)
                .build();
        Watch watch = store.keyspace().watch(request, observer);
        try {
            ended.await();
        } finally {
            watch.close();
        }
        Throwable reason = error.get();
        if (reason instanceof StoreException e && e.compacted()) {
            relist();
        }
        throw new IllegalStateException("the watch of the resource store ended", reason);
    }

    /** After too long an absence: loads everything again; watchers have to list anew. */
    private void relist() {
        long revision = store.keyspace().revision();
        all().forEach(this::load);
        advance(revision);
    }

    private void deliver(WatchResponse response) {
        for (Event event : response.getEventsList()) {
            String key = event.getKv().getKey().toStringUtf8();
            if (key.startsWith(apart)) {
                if (event.getType() == Event.EventType.PUT) {
                    other.written(
                            key,
                            event.getKv().getModRevision(),
                            event.getKv().getValue().size());
                }
                continue;
            }
            if (event.getType() == Event.EventType.PUT) {
                store.seen(
                        key,
                        event.getKv().getModRevision(),
                        event.getKv().getValue().toByteArray());
            }
            cachesOf(key).forEach(cache -> apply(cache, key, event));
        }
        advanceTo(response);
    }

    private void apply(ResourceCache cache, String key, Event event) {
        long revision = event.getKv().getModRevision();
        try {
            if (event.getType() == Event.EventType.DELETE) {
                cache.apply(key, revision, null);
            } else {
                cache.apply(
                        key,
                        revision,
                        store.opened(key, revision, event.getKv().getValue().toByteArray()));
            }
        } catch (RuntimeException e) {
            // One object that cannot be read must not stop all others.
            unreadable.inc();
            LOG.log(Level.ERROR, "the object at " + key + " of revision " + revision + " cannot be read", e);
        }
    }

    private void advanceTo(WatchResponse response) {
        if (!response.getFragment() && !response.getCreated()) {
            // The header may be ahead of the events: others may still be on their way.
            int count = response.getEventsCount();
            advance(
                    count == 0
                            ? response.getHeader().getRevision()
                            : response.getEvents(count - 1).getKv().getModRevision());
        }
    }

    private List<ResourceCache> cachesOf(String key) {
        int at = key.indexOf('/', 1);
        while (at > 0) {
            at = key.indexOf('/', at + 1);
            if (at < 0) {
                return List.of();
            }
            List<ResourceCache> found = caches.get(key.substring(0, at + 1));
            if (found != null) {
                return found;
            }
        }
        return List.of();
    }

    private void advance(long revision) {
        lock.lock();
        try {
            applied = Math.max(applied, revision);
            advanced.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The revision that all caches have reached. */
    public long applied() {
        return applied;
    }

    /** Waits until the caches show everything that the store has acknowledged. Gives the revision they show. */
    public long fresh() {
        return await(store.revision());
    }

    /** Waits until the caches have reached a revision; 504 when they do not in time. */
    public long await(long revision) {
        if (applied >= revision) {
            return applied;
        }
        long deadline = kernel.clock().nanoTime() + FRESHNESS_WAIT.toNanos();
        lock.lock();
        try {
            while (applied < revision) {
                long left = deadline - kernel.clock().nanoTime();
                if (left <= 0) {
                    throw Statuses.tooLargeVersion(revision, applied);
                }
                boolean _ = advanced.await(left, TimeUnit.NANOSECONDS);
            }
            return applied;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Statuses.timeout("interrupted", 1);
        } finally {
            lock.unlock();
        }
    }

    private List<ResourceCache> all() {
        return caches.values().stream().flatMap(List::stream).toList();
    }
}
