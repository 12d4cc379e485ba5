package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** One attached handler: called in the thread of the sender or, with a capacity, from a queue. Compared by identity. */
final class TelemetryHandler {
    private static final System.Logger LOG = System.getLogger(TelemetryHandler.class.getName());
    private static final long SLOW_NANOS = 50_000_000;

    /** Hears of a handler that threw. */
    interface Failure {
        void of(TelemetryHandler handler, Telemetry.Event event, Throwable cause);
    }

    private record Waiting(Telemetry.Event event, @Nullable SpanContext span) {}

    final String id;
    final String prefix;
    private final int capacity;
    private final Telemetry.Handler handler;
    private final KernelMetrics metrics;
    private final Failure failure;
    private final LongAdder handled = new LongAdder();
    private final LongAdder slow = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private final AtomicBoolean warned = new AtomicBoolean();
    private final Queue<Waiting> queue = new ConcurrentLinkedQueue<>();
    /** Events that are in the queue or being handled from it. */
    private final AtomicInteger depth = new AtomicInteger();

    private volatile boolean closed;

    TelemetryHandler(
            String id, String prefix, int capacity, Telemetry.Handler handler, KernelMetrics metrics, Failure failure) {
        this.id = id;
        this.prefix = prefix;
        this.capacity = capacity;
        this.handler = handler;
        this.metrics = metrics;
        this.failure = failure;
    }

    Telemetry.Attached attached() {
        return new Telemetry.Attached(id, prefix, handled.sum(), slow.sum(), dropped.sum());
    }

    /** From now on it is not called any more; what waits is dropped. */
    void close() {
        closed = true;
    }

    void take(Telemetry.Event event) {
        if (capacity == 0) {
            handle(event);
            return;
        }
        int before;
        do {
            before = depth.get();
            if (before >= capacity) {
                dropped.increment();
                metrics.telemetryDropped.inc();
                return;
            }
        } while (!depth.compareAndSet(before, before + 1));
        queue.add(new Waiting(event, SpanContext.current().orElse(null)));
        if (before == 0) {
            Thread.ofVirtual().name("telemetry " + id).start(this::drain);
        }
    }

    private void drain() {
        do {
            Waiting next = queue.poll();
            while (next == null) {
                // Counted, and about to be queued.
                Thread.onSpinWait();
                next = queue.poll();
            }
            Telemetry.Event event = next.event;
            SpanContext span = next.span;
            if (span == null) {
                handle(event);
            } else {
                span.run(() -> handle(event));
            }
        } while (depth.decrementAndGet() > 0);
    }

    @SuppressWarnings("CatchingUnchecked")
    private void handle(Telemetry.Event event) {
        if (closed) {
            return;
        }
        long start = System.nanoTime();
        try {
            handler.handle(event);
        } catch (InterruptedException e) {
            // The sender is being stopped; the handler is not to blame.
            Thread.currentThread().interrupt();
        } catch (Throwable t) {
            failure.of(this, event, t);
        } finally {
            handled.increment();
            long tookNanos = System.nanoTime() - start;
            if (capacity == 0 && tookNanos > SLOW_NANOS) {
                slow(event, tookNanos);
            }
        }
    }

    private void slow(Telemetry.Event event, long tookNanos) {
        slow.increment();
        metrics.telemetrySlow.inc();
        if (warned.compareAndSet(false, true)) {
            LOG.log(
                    Level.WARNING,
                    "telemetry handler {0} held up the sender of {1} for {2} ms; give it a queue",
                    id,
                    event.name(),
                    tookNanos / 1_000_000);
        }
    }
}
