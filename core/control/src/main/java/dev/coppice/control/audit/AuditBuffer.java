package dev.coppice.control.audit;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Events, encoded, on their way from requests to one sink, in order. To offer one never waits: when there are too many, or too
 * many bytes, it is dropped and counted. Safe for use by many threads, one of which takes.
 */
final class AuditBuffer {
    static final long MOST_BYTES = 64L << 20;
    private static final Duration LOOK = Duration.ofMillis(20);

    private final Kernel kernel;
    private final String plugin;
    private final AuditMetrics metrics;
    private final LinkedBlockingQueue<byte[]> events;
    private final AtomicLong bytes = new AtomicLong();

    /** One for a sink, which metrics name {@code plugin}, that holds so many events. */
    AuditBuffer(Kernel kernel, String plugin, int most, AuditMetrics metrics) {
        this.kernel = kernel;
        this.plugin = plugin;
        this.metrics = metrics;
        this.events = new LinkedBlockingQueue<>(most);
        metrics.sink(plugin);
    }

    String plugin() {
        return plugin;
    }

    int size() {
        return events.size();
    }

    void offer(byte[] event) {
        boolean fits = bytes.addAndGet(event.length) <= MOST_BYTES;
        if (!fits || !events.offer(event)) {
            long _ = bytes.addAndGet(-event.length);
            metrics.dropped(plugin, "full", 1);
        }
    }

    /**
     * Waits for the first event, and then up to {@code wait} for others, until there are {@code most}. It looks from time to time
     * instead of being woken by each, which would cost more than to write it.
     */
    List<byte[]> take(int most, Duration wait) throws InterruptedException {
        List<byte[]> batch = new ArrayList<>();
        batch.add(taken(events.take()));
        long end = kernel.clock().nanoTime() + wait.toNanos();
        long left = wait.toNanos();
        while (left > 0 && events.size() < most - 1) {
            try {
                kernel.timers().sleep(Duration.ofNanos(Math.min(left, LOOK.toNanos())));
            } catch (InterruptedException stopped) {
                // What was taken is the caller's; it learns of the stop when it waits again.
                Thread.currentThread().interrupt();
                break;
            }
            left = end - kernel.clock().nanoTime();
        }
        batch.addAll(rest(most - 1));
        return batch;
    }

    /** What is there now, at most so many. */
    List<byte[]> rest(int most) {
        List<byte[]> batch = new ArrayList<>();
        int _ = events.drainTo(batch, most);
        batch.forEach(this::taken);
        return batch;
    }

    private byte[] taken(byte[] event) {
        long _ = bytes.addAndGet(-event.length);
        return event;
    }
}
