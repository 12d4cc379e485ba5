package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one process did with its messages while somebody traced it: the last ones, how long each waited, when it came to its
 * turn and how long it took. Messages are told by their type alone unless their text was asked for, since it may hold
 * secrets. Safe for many threads; the process itself writes it, so that nobody else is slowed down.
 */
public final class Trace {
    /** Entries kept at most. */
    public static final int MAX_ENTRIES = 1_000;

    /** How long a trace may run. */
    public static final Duration MAX_DURATION = Duration.ofMinutes(10);

    /** Characters kept of a message's text and of a failure. */
    public static final int MAX_TEXT = 200;

    /**
     * How to trace.
     *
     * @param duration after which it ends by itself; at most {@link #MAX_DURATION}
     * @param entries the last ones that are kept; at most {@link #MAX_ENTRIES}
     * @param text whether to keep the text of messages (their toString), cut at {@link #MAX_TEXT} characters
     */
    public record Options(Duration duration, int entries, boolean text) {
        public static final Options DEFAULT = new Options(Duration.ofMinutes(1), 200, false);

        public Options {
            if (duration.isNegative() || duration.isZero() || duration.compareTo(MAX_DURATION) > 0) {
                throw new IllegalArgumentException(
                        "duration: " + duration + " is no time to trace for: give more than 0, and at most 10 minutes");
            }
            if (entries < 1 || entries > MAX_ENTRIES) {
                throw new IllegalArgumentException(
                        "entries: " + entries + " is out of bounds: give a number from 1 to " + MAX_ENTRIES);
            }
        }
    }

    /**
     * One message.
     *
     * @param number counts from 1
     * @param at when it came to its turn
     * @param message its type, or its text
     * @param waited in the mailbox; null when that is not known; see {@link Tracer#handled}
     * @param took in the handler
     * @param failure what it threw; null when it went well
     */
    public record Entry(
            long number,
            Instant at,
            String message,
            @Nullable Duration waited,
            Duration took,
            @Nullable String failure) {}

    private final String path;
    private final Options options;
    private final Instant since;
    private final ArrayDeque<Entry> ring = new ArrayDeque<>();
    private long count;
    private @Nullable Instant ended;
    private Telemetry.@Nullable Subscription subscription;

    Trace(String path, Options options, Instant since) {
        this.path = path;
        this.options = options;
        this.since = since;
    }

    /** The process that it is of. */
    public String path() {
        return path;
    }

    /** How it was asked for. */
    public Options options() {
        return options;
    }

    /** When it began. */
    public Instant since() {
        return since;
    }

    /** When it was stopped, or its time was over; null while it runs. */
    public synchronized @Nullable Instant ended() {
        return ended;
    }

    /** Whether it still takes note of messages. */
    public synchronized boolean running() {
        return ended == null;
    }

    /** Messages traced, those that are no longer kept included. */
    public synchronized long count() {
        return count;
    }

    /** The last entries, oldest first. */
    public synchronized List<Entry> entries() {
        return new ArrayList<>(ring);
    }

    /** Closed when the trace ends. */
    void onEnd(Telemetry.Subscription restarts) {
        synchronized (this) {
            if (ended == null) {
                subscription = restarts;
                return;
            }
        }
        restarts.close();
    }

    void end(Instant now) {
        Telemetry.Subscription restarts;
        synchronized (this) {
            if (ended != null) {
                return;
            }
            ended = now;
            restarts = subscription;
        }
        if (restarts != null) {
            restarts.close();
        }
    }

    /** Takes note of a message; {@code waitedNanos} is below 0 when unknown. In the process's own thread. */
    void handled(Object message, Instant at, long waitedNanos, long tookNanos, @Nullable Throwable failureOrNull) {
        if (!running()) {
            return;
        }
        String text = describe(message);
        String failure = failureOrNull == null ? null : cut(String.valueOf(failureOrNull));
        synchronized (this) {
            if (ended != null) {
                return;
            }
            count++;
            if (ring.size() == options.entries()) {
                ring.removeFirst();
            }
            Duration waited = waitedNanos < 0 ? null : Duration.ofNanos(waitedNanos);
            ring.addLast(new Entry(count, at, text, waited, Duration.ofNanos(tookNanos), failure));
        }
    }

    private String describe(Object message) {
        if (options.text()) {
            try {
                return cut(String.valueOf(message));
            } catch (RuntimeException e) {
                return typeName(message) + " (its toString threw "
                        + e.getClass().getSimpleName() + ")";
            }
        }
        return typeName(message);
    }

    /** The type without its package: {@code Outer.Inner}. */
    private static String typeName(Object message) {
        Class<?> type = message.getClass();
        if (type.isHidden() || type.isSynthetic()) {
            return "a lambda";
        }
        String name = type.getName().substring(type.getPackageName().length());
        return (name.startsWith(".") ? name.substring(1) : name).replace('$', '.');
    }

    private static String cut(String text) {
        return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT - 1) + "…";
    }
}
