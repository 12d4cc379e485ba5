package dev.coppice.gateway.resilience;

import dev.coppice.gateway.config.ResilienceConfig;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A bound on the calls that wait for an upstream at one time, which follows from how long they take: when they take longer than they do with
 * little load, calls stand in a queue there, and fewer are let through. Safe for use by many threads.
 *
 * <p>Every {@value #WINDOW_MILLIS} ms, if {@value #LEAST_SAMPLES} calls or more have ended, the mean latency {@code m} of these is
 * compared with the least one {@code b} that is known:
 *
 * <pre>gradient = clamp((b * tolerance + 1 ms) / m, 0.5, 1)
 * limit    = clamp(limit * gradient + sqrt(limit), minimum, maximum)</pre>
 *
 * The square root is room for a short queue, so that it is seen whether more would go. The limit does not grow while less than half of it is
 * used.
 *
 * <p><b>The least latency</b> is that of the best window. When none was as good for a time, it is taken anew: if nothing was refused in
 * that time, from the best window of it; else the limit goes down to its minimum until {@value #PROBE_SAMPLES} calls that began then
 * have ended, or one second is over, and their mean counts. So it follows an upstream that becomes slower for good, and a queue is not taken for that; and
 * while nothing is refused, nothing is refused for measuring.
 *
 * <p>Source: the gradient controller of Envoy's adaptive concurrency filter and Gradient2 of Netflix' concurrency-limits; measuring only
 * when it is needed is BBR's (Cardwell and others, 2016).
 */
public final class GradientLimit {
    static final int WINDOW_MILLIS = 100;
    static final int LEAST_SAMPLES = 10;
    static final int PROBE_SAMPLES = 20;
    /** What a limit is at first, within its bounds. */
    static final int INITIAL = 100;

    private static final long MILLI = 1_000_000;
    private static final long WINDOW_NANOS = WINDOW_MILLIS * MILLI;
    private static final long LONGEST_PROBE_NANOS = 1000 * MILLI;
    /** Of the scheduler's and the collector's making, which says nothing of a queue. */
    private static final double SLACK_NANOS = MILLI;

    private static final double LEAST_GRADIENT = 0.5;
    private static final double PERCENT = 100;

    // Samples of a window: how many there are, and the sum of their latencies in microseconds.
    private static final int COUNT_BITS = 20;
    private static final long COUNT = (1L << COUNT_BITS) - 1;
    private static final long MOST_MICROS = 1L << 22;
    private static final long MICRO = 1000;

    private final ResilienceConfig.Concurrency config;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicInteger peak = new AtomicInteger();
    private final AtomicLong samples = new AtomicLong();
    private final AtomicBoolean updating = new AtomicBoolean();
    private volatile boolean refused;
    private volatile int limit;
    private volatile long windowSince;
    private volatile boolean probing;
    private volatile long probeSince;

    // Changed by whoever is updating.
    private double estimate;
    private volatile double least;
    private double eraLeast = Double.MAX_VALUE;
    private boolean eraRefused;
    private long eraSince;

    /** @param origin the time now */
    public GradientLimit(ResilienceConfig.Concurrency config, long origin) {
        this.config = config;
        this.estimate = Math.clamp(INITIAL, config.minimum(), config.maximum());
        this.limit = (int) estimate;
        this.windowSince = origin;
        this.eraSince = origin;
    }

    /** Takes leave for a call, of which {@link #ended} or {@link #dropped} is told once; false: it has none. */
    public boolean take() {
        while (true) {
            int now = inFlight.get();
            if (now >= limit) {
                refused = true;
                return false;
            }
            if (inFlight.compareAndSet(now, now + 1)) {
                if (now >= peak.get()) {
                    peak.accumulateAndGet(now + 1, Math::max);
                }
                return true;
            }
        }
    }

    /** Nothing is known of the call but that it is over. */
    public void dropped() {
        if (inFlight.getAndDecrement() <= 0) {
            inFlight.incrementAndGet();
            throw new IllegalStateException("a call ended that was not begun, or for the second time");
        }
    }

    /** A call that began at one time got the head of its answer, or nothing in the time it had. */
    public void ended(long began, long now) {
        dropped();
        if (probing && began - probeSince < 0) {
            return;
        }
        // 22 bits for each of 2^20 samples fit into the rest of the long.
        long micros = Math.clamp((now - began) / MICRO, 1, MOST_MICROS - 1);
        long all = samples.get();
        while ((all & COUNT) < COUNT && !samples.compareAndSet(all, all + (micros << COUNT_BITS) + 1)) {
            all = samples.get();
        }
        if (due(now) && updating.compareAndSet(false, true)) {
            try {
                if (due(now)) {
                    update(now);
                }
            } finally {
                updating.set(false);
            }
        }
    }

    private boolean due(long now) {
        long count = samples.get() & COUNT;
        return probing
                ? count >= PROBE_SAMPLES || now - probeSince >= LONGEST_PROBE_NANOS
                : count >= LEAST_SAMPLES && now - windowSince >= WINDOW_NANOS;
    }

    private void update(long now) {
        long all = samples.getAndSet(0);
        long count = all & COUNT;
        int most = peak.getAndSet(inFlight.get());
        eraRefused |= refused;
        refused = false;
        windowSince = now;
        if (count == 0) {
            return;
        }
        double mean = (double) (all >>> COUNT_BITS) / count * MICRO;
        if (probing) {
            measured(mean, now);
            limit = (int) estimate;
            probing = false;
            return;
        }
        eraLeast = Math.min(eraLeast, mean);
        if (least == 0 || mean <= least) {
            measured(mean, now);
        } else if (now - eraSince >= config.minLatencyNanos()) {
            if (eraRefused) {
                probeSince = now;
                limit = config.minimum();
                probing = true;
                return;
            }
            measured(eraLeast, now);
        }
        adjust(mean, most);
    }

    private void measured(double latency, long now) {
        least = latency;
        eraLeast = Double.MAX_VALUE;
        eraRefused = false;
        eraSince = now;
    }

    private void adjust(double mean, int most) {
        double gradient =
                Math.clamp((least * config.tolerancePercent() / PERCENT + SLACK_NANOS) / mean, LEAST_GRADIENT, 1);
        double next = estimate * gradient + Math.sqrt(estimate);
        if (next > estimate && most < estimate / 2) {
            return;
        }
        estimate = Math.clamp(next, config.minimum(), config.maximum());
        limit = (int) estimate;
    }

    public ResilienceConfig.Concurrency config() {
        return config;
    }

    /** How many calls may be on their way now. */
    public int limit() {
        return limit;
    }

    /** Calls on their way. */
    public int inFlight() {
        return inFlight.get();
    }

    /** The least latency, in nanoseconds; 0: none is known yet. */
    public long leastNanos() {
        return (long) least;
    }
}
