package dev.coppice.expression;

import dev.coppice.kernel.Clock;
import java.time.Duration;

/**
 * Cost and time that evaluations may use up together. Give the same one to several expressions to bound their sum, as
 * Kubernetes does for all rules of an object. For one thread.
 */
public final class Budget {

    static final ScopedValue<Budget> CURRENT = ScopedValue.newInstance();

    /** Characters, or bytes, of the longest string that an expression may make. */
    static final int LONGEST_STRING = 2 << 20;

    /** Elements, deeply counted, of the largest list or map that an expression may make. */
    static final int LARGEST_COLLECTION = 200_000;

    private static final int NODES_BETWEEN_CLOCK_READS = 64;

    private final Clock clock;
    private final long costLimit;
    private final long callLimit;
    private final Duration time;
    private final long deadlineNanos;
    private long cost;
    private long callEnd;
    private int untilClockRead = NODES_BETWEEN_CLOCK_READS;

    private Budget(long costLimit, long callLimit, Duration time, Clock clock) {
        this.clock = clock;
        this.callLimit = callLimit;
        this.callEnd = callLimit;
        this.costLimit = costLimit;
        this.time = time;
        this.deadlineNanos = clock.nanoTime() + time.toNanos();
    }

    /** A budget whose time begins now. */
    public static Budget start(long cost, Duration time, Clock clock) {
        return start(cost, cost, time, clock);
    }

    /**
     * The same, which also bounds each evaluation.
     *
     * @param call what one of them may cost
     */
    public static Budget start(long cost, long call, Duration time, Clock clock) {
        return new Budget(cost, call, time, clock);
    }

    /** An evaluation begins. */
    void begin() {
        callEnd = cost > Long.MAX_VALUE - callLimit ? Long.MAX_VALUE : cost + callLimit;
    }

    /** Cost units used so far. */
    public long used() {
        return cost;
    }

    /** Uses up {@code units}. Throws what stops the evaluation when too much is used. */
    void charge(long units) {
        cost += units;
        if (cost > costLimit) {
            throw new Exhausted(
                    EvaluationException.Cause.COST,
                    "it cost more than " + costLimit
                            + " units, its limit: make it simpler, or bound the lists and strings that it goes over");
        }
        if (cost > callEnd) {
            throw new Exhausted(
                    EvaluationException.Cause.CALL_COST,
                    "it alone cost more than " + callLimit
                            + " units, its limit: make it simpler, or bound the lists and strings that it goes over");
        }
        untilClockRead -= (int) Math.min(units, NODES_BETWEEN_CLOCK_READS);
        if (untilClockRead <= 0) {
            untilClockRead = NODES_BETWEEN_CLOCK_READS;
            if (clock.nanoTime() - deadlineNanos > 0) {
                throw new Exhausted(
                        EvaluationException.Cause.TIME,
                        "it took longer than " + time.toMillis()
                                + " ms, its limit: make it simpler, or bound the lists and strings that it goes over");
            }
        }
    }

    /** Uses up what a pass over {@code length} characters or elements costs. */
    void chargePass(long length) {
        charge(1 + length / 10);
    }

    /** Refuses a string that would be too long, before it is made. */
    static void checkLength(long length) {
        if (length > LONGEST_STRING) {
            throw new Exhausted(
                    EvaluationException.Cause.COST,
                    "it would make a string of " + length + " characters; the most is " + LONGEST_STRING);
        }
    }

    static void checkSize(long size) {
        if (size > LARGEST_COLLECTION) {
            throw new Exhausted(
                    EvaluationException.Cause.COST,
                    "it made a list or map of more than " + LARGEST_COLLECTION + " elements, the most allowed");
        }
    }

    /** Uses up what a pass over {@code length} costs, from the evaluation that runs in this thread. */
    static void chargeCurrent(long length) {
        if (CURRENT.isBound()) {
            CURRENT.get().chargePass(length);
        }
    }

    /**
     * Stops an evaluation. An Error, because CEL's logical operators and comprehensions catch exceptions and go on: in
     * CEL {@code error || true} is true, but nothing may absorb this.
     */
    static final class Exhausted extends Error {
        private final EvaluationException.Cause reason;

        Exhausted(EvaluationException.Cause reason, String message) {
            super(message, null, false, false);
            this.reason = reason;
        }

        EvaluationException.Cause reason() {
            return reason;
        }
    }
}
