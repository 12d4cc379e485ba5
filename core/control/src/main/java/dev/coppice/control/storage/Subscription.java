package dev.coppice.control.storage;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A reader of a cache's changes. Its queue is bounded: a reader that falls behind is ended, and has to list again. One
 * thread takes; any may close.
 */
public final class Subscription implements AutoCloseable {
    private static final int QUEUE = 1_000;
    private static final Change END = new Change(0, null, null, null);

    private final ResourceCache cache;
    private final List<CachedObject> initial;
    private final long revision;
    private final BlockingQueue<Change> queue = new ArrayBlockingQueue<>(QUEUE + 1);
    private volatile boolean ended;
    private volatile boolean overflowed;

    Subscription(ResourceCache cache, List<CachedObject> initial, long revision) {
        this.cache = cache;
        this.initial = initial;
        this.revision = revision;
    }

    /** What was there at the start, when it was asked for. */
    public List<CachedObject> initial() {
        return initial;
    }

    /** The revision of {@link #initial}; changes after it follow. */
    public long revision() {
        return revision;
    }

    void offer(Change change) {
        if (ended) {
            return;
        }
        if (queue.size() >= QUEUE || !queue.offer(change)) {
            overflowed = true;
            end();
        }
    }

    /** Ends it from outside; the taker wakes up. Does not block. */
    public void stop() {
        end();
    }

    void end() {
        ended = true;
        if (!queue.offer(END)) {
            queue.clear();
            queue.offer(END);
        }
    }

    /** The next change; null when none came in time or it has ended. */
    public @Nullable Change take(Duration wait) throws InterruptedException {
        Change change = queue.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
        return change == END ? null : change;
    }

    /** No more changes will come. */
    public boolean ended() {
        return ended && (queue.isEmpty() || queue.peek() == END || overflowed);
    }

    public boolean overflowed() {
        return overflowed;
    }

    @Override
    public void close() {
        cache.unsubscribe(this);
        ended = true;
    }
}
