package dev.coppice.control.runtime;

import dev.coppice.control.Trigger;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keys to be worked on (the semantics of Kubernetes' client-go workqueue). A key waits once however often it is added;
 * it is handed out in the order of adding, never to two workers at once: when it is added while in work, it waits again
 * once that is done. Failed keys come back after an exponential delay. A key brings along what it was added for: the
 * triggers of those who added it ({@link Trigger#current}). Safe for use by many threads.
 *
 * @param <K> the keys; by equals
 */
public final class WorkQueue<K> implements AutoCloseable {

    /**
     * Bounds and delays.
     *
     * @param capacity keys that may wait; adding more waits for room
     * @param backoff the delays of failing keys
     * @param retriesPerSecond how many retries of all keys together may be due in a second, in the long run
     * @param burst retries above that rate which are let through at first
     */
    public record Options(int capacity, Backoff backoff, double retriesPerSecond, int burst) {
        public static final Options DEFAULT = new Options(500_000, Backoff.KEYS, 50, 500);

        public Options withBackoff(Backoff backoff) {
            return new Options(capacity, backoff, retriesPerSecond, burst);
        }

        public Options withCapacity(int capacity) {
            return new Options(capacity, backoff, retriesPerSecond, burst);
        }
    }

    /** How long what is in work has taken: all of it, and the longest. */
    record InWork(double seconds, double longestSeconds) {}

    /** Looks at what is in work; it holds on to nothing else of a queue. */
    private record Look(ReentrantLock lock, Map<?, Long> working, Clock clock) implements Supplier<InWork> {
        @Override
        public InWork get() {
            lock.lock();
            try {
                long now = clock.nanoTime();
                double sum = 0;
                double longest = 0;
                for (long since : working.values()) {
                    double seconds = (now - since) * 1e-9;
                    sum += seconds;
                    longest = Math.max(longest, seconds);
                }
                return new InWork(sum, longest);
            } finally {
                lock.unlock();
            }
        }
    }

    private record Delayed(Timers.Timer timer, long dueNanos, List<Trigger> triggers) {}

    private final String name;
    private final Kernel kernel;
    private final Options options;
    private final RuntimeMetrics metrics;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition available = lock.newCondition();
    private final Condition room = lock.newCondition();
    private final Condition idle = lock.newCondition();
    private final LinkedHashMap<K, Long> waiting = new LinkedHashMap<>();
    private final Map<K, Long> working = new HashMap<>();
    private final Map<K, Long> again = new HashMap<>();
    private final Map<K, Delayed> delayed = new HashMap<>();
    private final Map<K, Integer> failures = new HashMap<>();
    /** Of keys that wait, or wait again. */
    private final Map<K, List<Trigger>> reasons = new HashMap<>();
    /** Of keys in work. */
    private final Map<K, List<Trigger>> acting = new HashMap<>();

    private final Look look;
    private double tokens;
    private long tokensAtNanos;
    private boolean closed;

    public WorkQueue(String name, Kernel kernel, Options options) {
        this.name = name;
        this.kernel = kernel;
        this.options = options;
        this.metrics = RuntimeMetrics.of(kernel.metrics());
        this.look = new Look(lock, working, kernel.clock());
        metrics.queues.put(name, look);
        this.tokens = options.burst();
        this.tokensAtNanos = kernel.clock().nanoTime();
    }

    /** Adds a key; waits while the queue is full. Does nothing once the queue is closed. */
    public void add(K key) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (full(key)) {
                metrics.blocked.labelValues(name).inc();
            }
            while (full(key)) {
                room.await();
            }
            put(key, Trigger.current());
        } finally {
            lock.unlock();
        }
    }

    private boolean full(K key) {
        return !closed
                && waiting.size() >= options.capacity()
                && !waiting.containsKey(key)
                && !working.containsKey(key);
    }

    /** The lock is held. */
    private void put(K key, List<Trigger> triggers) {
        if (closed) {
            return;
        }
        if (!triggers.isEmpty()) {
            reasons.merge(key, triggers, Trigger::joined);
        }
        long now = kernel.clock().nanoTime();
        metrics.adds.labelValues(name, name).inc();
        if (working.containsKey(key)) {
            again.putIfAbsent(key, now);
        } else if (waiting.putIfAbsent(key, now) == null) {
            depth();
            available.signal();
        }
    }

    /** Adds a key later; of several delays for one key the shortest counts. */
    public void addAfter(K key, Duration delay) {
        addAfter(key, delay, Trigger.current());
    }

    private void addAfter(K key, Duration delay, List<Trigger> triggers) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            if (!delay.isPositive()) {
                put(key, triggers);
                return;
            }
            long due = kernel.clock().nanoTime() + delay.toNanos();
            List<Trigger> all = triggers;
            Delayed before = delayed.get(key);
            if (before != null) {
                all = Trigger.joined(before.triggers(), triggers);
                if (before.dueNanos() <= due) {
                    delayed.put(key, new Delayed(before.timer(), before.dueNanos(), all));
                    return;
                }
                before.timer().cancel();
            }
            delayed.put(key, new Delayed(kernel.timers().schedule(delay, () -> due(key, due)), due, all));
        } finally {
            lock.unlock();
        }
    }

    /** A timer fired. Never waits for room: what is delayed was already let in once. */
    private void due(K key, long dueNanos) {
        lock.lock();
        try {
            Delayed current = delayed.get(key);
            if (current != null && current.dueNanos() <= dueNanos) {
                delayed.remove(key);
                put(key, current.triggers());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Adds a key that failed, after its back-off; for the same reasons, if it is in work. */
    public void addRateLimited(K key) {
        int count;
        Duration rate;
        List<Trigger> triggers;
        lock.lock();
        try {
            triggers = Trigger.joined(acting.getOrDefault(key, List.of()), Trigger.current());
            count = failures.merge(key, 1, Integer::sum);
            rate = rateDelay();
        } finally {
            lock.unlock();
        }
        metrics.retries.labelValues(name, name).inc();
        Duration backoff = options.backoff().after(count, kernel.random());
        addAfter(key, backoff.compareTo(rate) > 0 ? backoff : rate, triggers);
    }

    /** A token bucket over all keys. The lock is held. */
    private Duration rateDelay() {
        long now = kernel.clock().nanoTime();
        tokens = Math.min(options.burst(), tokens + (now - tokensAtNanos) * 1e-9 * options.retriesPerSecond());
        tokensAtNanos = now;
        tokens -= 1;
        return tokens >= 0 ? Duration.ZERO : Duration.ofNanos((long) (-tokens / options.retriesPerSecond() * 1e9));
    }

    /** The key succeeded: its next failure starts with the shortest delay. */
    public void forget(K key) {
        lock.lock();
        try {
            failures.remove(key);
        } finally {
            lock.unlock();
        }
    }

    /** How often the key failed since it last succeeded. */
    public int failures(K key) {
        lock.lock();
        try {
            return failures.getOrDefault(key, 0);
        } finally {
            lock.unlock();
        }
    }

    /** Takes the next key and waits for one; empty once the queue is closed. Call {@link #done} afterwards. */
    public Optional<K> take() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (waiting.isEmpty()) {
                if (closed) {
                    return Optional.empty();
                }
                available.await();
            }
            if (closed) {
                return Optional.empty();
            }
            Iterator<Map.Entry<K, Long>> first = waiting.entrySet().iterator();
            Map.Entry<K, Long> entry = first.next();
            K key = entry.getKey();
            long addedNanos = entry.getValue();
            first.remove();
            long now = kernel.clock().nanoTime();
            working.put(key, now);
            List<Trigger> triggers = reasons.remove(key);
            if (triggers != null) {
                acting.put(key, triggers);
            }
            metrics.queueSeconds.labelValues(name, name).observe((now - addedNanos) * 1e-9);
            depth();
            room.signal();
            return Optional.of(key);
        } finally {
            lock.unlock();
        }
    }

    /** The work on a taken key ended, well or not. */
    public void done(K key) {
        lock.lock();
        try {
            Long since = working.remove(key);
            acting.remove(key);
            if (since != null) {
                metrics.workSeconds
                        .labelValues(name, name)
                        .observe((kernel.clock().nanoTime() - since) * 1e-9);
            }
            Long added = again.remove(key);
            if (added != null && !closed) {
                waiting.put(key, added);
                depth();
                available.signal();
            }
            if (working.isEmpty()) {
                idle.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** What a key in work was added for. */
    List<Trigger> triggers(K key) {
        lock.lock();
        try {
            return acting.getOrDefault(key, List.of());
        } finally {
            lock.unlock();
        }
    }

    private void depth() {
        metrics.depth.labelValues(name, name).set(waiting.size());
    }

    /** Keys that wait. */
    public int size() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    /** Takes nothing more in and hands nothing more out. Work that was begun goes on. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            boolean _ = metrics.queues.remove(name, look);
            delayed.values().forEach(each -> each.timer().cancel());
            delayed.clear();
            waiting.clear();
            again.clear();
            reasons.clear();
            depth();
            available.signalAll();
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until no key is in work; false when that takes longer than {@code limit} (real time). */
    public boolean awaitIdle(Duration limit) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = limit.toNanos();
            while (!working.isEmpty()) {
                if (nanos <= 0) {
                    return false;
                }
                nanos = idle.awaitNanos(nanos);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    @Nullable
    Duration delay(K key) {
        lock.lock();
        try {
            Delayed entry = delayed.get(key);
            return entry == null
                    ? null
                    : Duration.ofNanos(entry.dueNanos() - kernel.clock().nanoTime());
        } finally {
            lock.unlock();
        }
    }
}
