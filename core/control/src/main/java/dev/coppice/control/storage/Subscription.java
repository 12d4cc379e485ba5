package dev.coppice.control.storage;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A reader of a cache's changes. Its queue is bounded: a reader that falls behind is ended, and has to list again. One
 * thread takes; any may close.
 */
public final class Subscription implements AutoCloseable {
    private static final int QUEUE = 1_000;
    private static final long QUEUE_BYTES = 32 << 20;
    private static final Change END = new Change(0, null, null, null);

    private final ResourceCache cache;
    private final List<CachedObject> initial;
    private final long revision;
    private final long after;
    private final Queue<Change> missed;
    private final AtomicLong queuedBytes = new AtomicLong();
    private final BlockingQueue<Change> queue = new ArrayBlockingQueue<>(QUEUE + 1);
    private volatile boolean ended;
    private volatile boolean overflowed;

    /**
     * A subscription.
     *
     * @param after changes up to this revision are known to the reader already
     * @param missed what happened before it was made, for the reader to take first
     */
    Subscription(ResourceCache cache, List<CachedObject> initial, long revision, long after, List<Change> missed) {
        this.cache = cache;
        this.initial = initial;
        this.revision = revision;
        this.after = after;
        this.missed = new ArrayDeque<>(missed);
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
        if (ended || change.revision() <= after) {
            return;
        }
        long waiting = queuedBytes.addAndGet(change.bytes());
        boolean tooMuch = queue.size() >= QUEUE || waiting > QUEUE_BYTES && !queue.isEmpty();
        if (tooMuch || !queue.offer(change)) {
            overflow();
        }
    }

    /** Ends it because its reader missed something. */
    void overflow() {
        overflowed = true;
        end();
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
        Change earlier = missed.poll();
        if (earlier != null) {
            return earlier;
        }
        Change change = queue.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
        if (change == null || change == END) {
            return null;
        }
        long _ = queuedBytes.addAndGet(-change.bytes());
        return change;
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
