package dev.coppice.gateway.resilience;

import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.ResilienceConfig.Breaker.Mode;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Keeps calls from an upstream that fails or is slow, so that it can recover, and so that nobody waits for what will fail anyway. Safe for use
 * by many threads.
 *
 * <p><b>Closed</b>: all calls pass. When among enough calls of the window too many failed or were slow, it opens. <b>Open</b>: none pass,
 * for a time that doubles with each opening in a row up to a bound. <b>Half-open</b>: first a few trial calls pass; if too many of them
 * fail or are slow it opens again, as soon as that is certain. Then a share of the calls passes that grows evenly from a tenth to all of
 * them; in that time it opens again as it does when closed, with as few calls as there were trial calls. After that it is closed. It opens
 * for the first time again, and not for longer than before, once it was closed for as long as it was open last.
 *
 * <p>A call belongs to the phase that let it pass: what is heard of it in a later one does not count. The window moves by tenths of
 * its length.
 *
 * <p>Source: M. Nygard, "Release It!"; the states and numbers are those of resilience4j, the ramp is that of a slow start.
 */
public final class CircuitBreaker {

    /** What calls may expect. */
    public enum State {
        CLOSED("closed"),
        OPEN("open"),
        HALF_OPEN("half-open"),
        FORCED_OPEN("forced-open"),
        DISABLED("disabled");

        public final String word;

        State(String word) {
            this.word = word;
        }
    }

    /** Who wants to hear of changes; on the thread of the call that made one. */
    @FunctionalInterface
    public interface Listener {
        void changed(State from, State to);
    }

    /**
     * What is known at one moment.
     *
     * @param calls that are looked at now
     * @param openings in a row
     * @param retryNanos until calls may pass again; 0: they may now, or nobody knows
     */
    public record Reading(State state, int calls, int failed, int slow, int openings, long retryNanos) {}

    private static final int CALLS = 0;
    private static final int FAILED = 1;
    private static final int SLOW = 2;
    private static final int PERCENT = 100;
    /** The ramp begins with one part in so many. */
    private static final int LEAST_PART = 10;

    private final ResilienceConfig.Breaker config;
    private final long origin;
    private final Listener listener;
    private final AtomicReference<Phase> phase;

    /** @param origin the time now */
    public CircuitBreaker(ResilienceConfig.Breaker config, long origin, Listener listener) {
        this.config = config;
        this.origin = origin;
        this.listener = listener;
        this.phase = new AtomicReference<>(
                config.mode() == Mode.AUTOMATIC
                        ? new Closed(0, 0, origin)
                        : new Fixed(config.mode() == Mode.DISABLED ? State.DISABLED : State.FORCED_OPEN));
    }

    public ResilienceConfig.Breaker config() {
        return config;
    }

    /** Leave for one call, of which {@link #ended} or {@link #dropped} is told once. It is what the breaker was in when it gave it. */
    public abstract static sealed class Phase {
        final State state;
        final int openings;

        private Phase(State state, int openings) {
            this.state = state;
            this.openings = openings;
        }

        /** What has come in its place by now; null: nothing. */
        @Nullable
        Phase due(long now) {
            return null;
        }

        /** Lets a call pass, or not. */
        abstract boolean pass(long now);

        /** Hears of a call that it let pass; what comes in its place, null: nothing. */
        @Nullable
        Phase ended(boolean failed, boolean slow, long now) {
            return null;
        }

        /** A call that was told to have ended well has failed. */
        @Nullable
        Phase broke(long now) {
            return null;
        }

        void dropped() {}

        Reading read(long now) {
            return reading(0, 0, 0, now);
        }

        final Reading reading(int calls, int failed, int slow, long now) {
            return new Reading(state, calls, failed, slow, openings, retryNanos(now));
        }

        long retryNanos(long now) {
            return 0;
        }
    }

    /** What the operator says. */
    private static final class Fixed extends Phase {
        Fixed(State state) {
            super(state, 0);
        }

        @Override
        boolean pass(long now) {
            return state == State.DISABLED;
        }
    }

    /** The calls of a time, or the last ones. */
    private final class Window {
        private final SlidingCounts counts = new SlidingCounts(3);
        private final AtomicLong number = new AtomicLong();
        private final long step = Math.max(
                1,
                Math.ceilDiv(
                        config.windowNanos() > 0 ? config.windowNanos() : config.windowCalls(), SlidingCounts.BUCKETS));

        private boolean timed() {
            return config.windowNanos() > 0;
        }

        private long epoch(long now) {
            return Math.max(0, timed() ? now - origin : number.get() - 1) / step;
        }

        /** Counts a call, and says whether that opens the breaker. */
        boolean add(boolean failed, boolean slow, long now, int minimum) {
            long epoch = (timed() ? Math.max(0, now - origin) : number.getAndIncrement()) / step;
            return add(
                    epoch,
                    counts.one(CALLS) + (failed ? counts.one(FAILED) : 0) + (slow ? counts.one(SLOW) : 0),
                    minimum);
        }

        /** A call that was counted has failed after all. */
        boolean broke(long now, int minimum) {
            return add(epoch(now), counts.one(FAILED), minimum);
        }

        private boolean add(long epoch, long ones, int minimum) {
            counts.add(epoch, ones);
            long sums = counts.sums(epoch);
            int calls = counts.sum(sums, CALLS);
            return calls >= minimum && tooMany(counts.sum(sums, FAILED), counts.sum(sums, SLOW), calls);
        }

        Reading read(Phase of, long now) {
            long sums = counts.sums(epoch(now));
            return of.reading(counts.sum(sums, CALLS), counts.sum(sums, FAILED), counts.sum(sums, SLOW), now);
        }
    }

    private boolean tooMany(int failed, int slow, int calls) {
        return config.failurePercent() > 0 && (long) failed * PERCENT >= (long) config.failurePercent() * calls
                || config.slowPercent() > 0 && (long) slow * PERCENT >= (long) config.slowPercent() * calls;
    }

    private final class Closed extends Phase {
        private final long lastOpenNanos;
        private final long since;
        private final Window window = new Window();

        Closed(int openings, long lastOpenNanos, long since) {
            super(State.CLOSED, openings);
            this.lastOpenNanos = lastOpenNanos;
            this.since = since;
        }

        @Override
        boolean pass(long now) {
            return true;
        }

        @Override
        @Nullable
        Phase ended(boolean failed, boolean slow, long now) {
            return window.add(failed, slow, now, config.minimumCalls()) ? open(now) : null;
        }

        @Override
        @Nullable
        Phase broke(long now) {
            return window.broke(now, config.minimumCalls()) ? open(now) : null;
        }

        private Phase open(long now) {
            return new Open(now - since >= lastOpenNanos ? 1 : openings + 1, now);
        }

        @Override
        Reading read(long now) {
            return window.read(this, now);
        }
    }

    private final class Open extends Phase {
        private final long nanos;
        private final long since;

        Open(int openings, long since) {
            super(State.OPEN, openings);
            this.since = since;
            this.nanos = openNanos(openings);
        }

        @Override
        @Nullable
        Phase due(long now) {
            return now - since >= nanos ? new Trial(openings, nanos) : null;
        }

        @Override
        boolean pass(long now) {
            return false;
        }

        @Override
        long retryNanos(long now) {
            return Math.max(0, nanos - (now - since));
        }
    }

    /** The first half of being half-open: so many calls and no more. */
    private final class Trial extends Phase {
        private static final int BITS = 16;
        private static final long PASSED = 1L << 3 * BITS;

        private final long lastOpenNanos;
        /** How many passed, and of those that ended how many there are, failed, and were slow: {@value #BITS} bits each. */
        private final AtomicLong trials = new AtomicLong();

        Trial(int openings, long lastOpenNanos) {
            super(State.HALF_OPEN, openings);
            this.lastOpenNanos = lastOpenNanos;
        }

        @Override
        boolean pass(long now) {
            while (true) {
                long before = trials.get();
                if (before >>> 3 * BITS >= config.trialCalls()) {
                    return false;
                }
                if (trials.compareAndSet(before, before + PASSED)) {
                    return true;
                }
            }
        }

        @Override
        @Nullable
        Phase ended(boolean failed, boolean slow, long now) {
            long after = trials.addAndGet(
                    1L << CALLS * BITS | (failed ? 1L << FAILED * BITS : 0) | (slow ? 1L << SLOW * BITS : 0));
            if (tooMany(after)) {
                return new Open(openings + 1, now);
            }
            if (count(after, CALLS) < config.trialCalls()) {
                return null;
            }
            return config.rampNanos() > 0
                    ? new Ramp(openings, lastOpenNanos, now)
                    : new Closed(openings, lastOpenNanos, now);
        }

        @Override
        @Nullable
        Phase broke(long now) {
            return tooMany(trials.addAndGet(1L << FAILED * BITS)) ? new Open(openings + 1, now) : null;
        }

        private boolean tooMany(long after) {
            return CircuitBreaker.this.tooMany(count(after, FAILED), count(after, SLOW), config.trialCalls());
        }

        private static int count(long trials, int field) {
            return (int) (trials >>> field * BITS & (1 << BITS) - 1);
        }

        @Override
        void dropped() {
            trials.addAndGet(-PASSED);
        }

        @Override
        Reading read(long now) {
            long all = trials.get();
            return reading(count(all, CALLS), count(all, FAILED), count(all, SLOW), now);
        }
    }

    /** The second half: a growing share. */
    private final class Ramp extends Phase {
        private final long lastOpenNanos;
        private final long since;
        private final Share share = new Share();
        private final Window window = new Window();

        Ramp(int openings, long lastOpenNanos, long since) {
            super(State.HALF_OPEN, openings);
            this.lastOpenNanos = lastOpenNanos;
            this.since = since;
        }

        @Override
        @Nullable
        Phase due(long now) {
            return now - since >= config.rampNanos() ? new Closed(openings, lastOpenNanos, now) : null;
        }

        @Override
        boolean pass(long now) {
            double part = (double) (now - since) / config.rampNanos();
            return share.next((int) (Share.ALL * Math.clamp(part, 1.0 / LEAST_PART, 1.0)));
        }

        @Override
        @Nullable
        Phase ended(boolean failed, boolean slow, long now) {
            return window.add(failed, slow, now, config.trialCalls()) ? new Open(openings + 1, now) : null;
        }

        @Override
        @Nullable
        Phase broke(long now) {
            return window.broke(now, config.trialCalls()) ? new Open(openings + 1, now) : null;
        }

        @Override
        Reading read(long now) {
            return window.read(this, now);
        }
    }

    private long openNanos(int openings) {
        long nanos = Math.min(config.openNanos(), config.maxOpenNanos());
        for (int i = 1; i < openings && nanos < config.maxOpenNanos(); i++) {
            nanos = nanos > config.maxOpenNanos() / 2 ? config.maxOpenNanos() : 2 * nanos;
        }
        return nanos;
    }

    /** Asks for leave for a call; null: it has none. */
    public @Nullable Phase ask(long now) {
        while (true) {
            Phase current = phase.get();
            Phase next = current.due(now);
            if (next == null) {
                return current.pass(now) ? current : null;
            }
            turn(current, next);
        }
    }

    /**
     * A call ended.
     *
     * @param nanos that it took
     */
    public void ended(Phase leave, boolean failed, long nanos, long now) {
        if (leave != phase.get()) {
            return;
        }
        Phase next = leave.ended(failed, config.slowPercent() > 0 && nanos >= config.slowNanos(), now);
        if (next != null) {
            turn(leave, next);
        }
    }

    /** A call that was told to have ended well has failed after all: its answer broke off. */
    public void broke(Phase leave, long now) {
        if (leave == phase.get()) {
            Phase next = leave.broke(now);
            if (next != null) {
                turn(leave, next);
            }
        }
    }

    /** Nobody will know how the call would have ended: its leave goes to another one. */
    public void dropped(Phase leave) {
        leave.dropped();
    }

    private void turn(Phase from, Phase to) {
        if (phase.compareAndSet(from, to) && from.state != to.state) {
            listener.changed(from.state, to.state);
        }
    }

    public State state() {
        return phase.get().state;
    }

    /** Nanoseconds until calls may pass again; 0: they may now, or nobody knows. */
    public long retryNanos(long now) {
        return phase.get().retryNanos(now);
    }

    /** What is known now. */
    public Reading read(long now) {
        return phase.get().read(now);
    }
}
