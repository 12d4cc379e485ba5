package dev.coppice.kernel;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Messages and busy time per second over the last moments, from what was seen the last times somebody looked. Nothing is
 * sampled, and nothing kept, while nobody looks. Safe for many threads.
 */
final class Rates {
    /** Children whose last looks are kept; of others the mean since their start is told. */
    static final int MAX_CHILDREN = 20_000;
    /** What was seen longer ago says nothing about now. */
    static final Duration KEPT = Duration.ofSeconds(60);

    private static final long SHORTEST_NANOS = TimeUnit.MILLISECONDS.toNanos(900);
    private static final long KEPT_NANOS = KEPT.toNanos();

    /**
     * What happened per second.
     *
     * @param messages messages handled, or runs, per second
     * @param busy the share, 0 to 1, of the time that was spent in handlers, waiting included
     * @param window the time it is the mean of
     */
    record Rate(double messages, double busy, Duration window) {}

    /**
     * What somebody saw.
     *
     * @param life differs after each restart, whereupon counts start from 0
     */
    record Seen(long atNanos, long life, long handled, long busyNanos) {

        private Rate since(Seen before) {
            long nanos = Math.max(1, atNanos - before.atNanos);
            return rate(handled - before.handled, busyNanos - before.busyNanos, nanos);
        }
    }

    private record Looks(Seen last, Seen before) {}

    private final Map<Object, Looks> looks = new HashMap<>();

    private static Rate rate(long messages, long busyNanos, long nanos) {
        double seconds = nanos / 1e9;
        return new Rate(
                Math.max(0, messages) / seconds, Math.clamp((double) busyNanos / nanos, 0, 1), Duration.ofNanos(nanos));
    }

    /**
     * The rate of a child, seen now.
     *
     * @param upNanos time since its last start
     */
    synchronized Rate look(Object child, Seen now, long upNanos) {
        Looks known = looks.get(child);
        if (known == null || known.last.life() != now.life() || now.atNanos() - known.last.atNanos() > KEPT_NANOS) {
            if (known != null || looks.size() < MAX_CHILDREN) {
                looks.put(child, new Looks(now, now));
            }
            // A child that has just started has no rate yet.
            return upNanos < 1_000_000 ? new Rate(0, 0, Duration.ZERO) : rate(now.handled(), now.busyNanos(), upNanos);
        }
        if (now.atNanos() - known.last.atNanos() >= SHORTEST_NANOS) {
            looks.put(child, new Looks(now, known.last));
            return now.since(known.last);
        }
        boolean once = known.before == known.last;
        return once && upNanos > 0 ? rate(now.handled(), now.busyNanos(), upNanos) : now.since(known.before);
    }

    /** Forgets what is too old to be of use; true when something is left. */
    synchronized boolean forget(long nowNanos) {
        looks.values().removeIf(seen -> nowNanos - seen.last.atNanos() > KEPT_NANOS);
        return !looks.isEmpty();
    }

    synchronized int size() {
        return looks.size();
    }
}
