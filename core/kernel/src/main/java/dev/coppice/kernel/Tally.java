package dev.coppice.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.OptionalLong;

/**
 * A counter inside a {@link Table} that is added to in place, without a new entry for every addition. Once frozen it keeps
 * its value for ever: whoever replaces or removes its entry freezes it first, so that no addition is lost in between. Safe
 * for use by many threads.
 */
final class Tally {
    /** Stands for "frozen"; no sum may be that. */
    private static final long FROZEN = Long.MIN_VALUE;

    private static final VarHandle SUM;

    static {
        try {
            SUM = MethodHandles.lookup().findVarHandle(Tally.class, "sum", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile long sum;
    /** The sum when it was frozen; written before {@code sum} tells so. */
    private long last;

    private Tally(long sum) {
        this.sum = sum;
    }

    /** What a table keeps for a sum: a tally, or the number itself when no tally can hold it. */
    static Object of(long sum) {
        return sum == FROZEN ? (Object) sum : new Tally(sum);
    }

    long sum() {
        long now = sum;
        return now == FROZEN ? last : now;
    }

    /**
     * Adds and gives the new sum; empty when it is frozen now, and the entry has to be replaced.
     *
     * @throws ArithmeticException when the sum leaves the range of a long; nothing changes then
     */
    OptionalLong add(long delta) {
        while (true) {
            long now = sum;
            if (now == FROZEN) {
                return OptionalLong.empty();
            }
            long next = Math.addExact(now, delta);
            if (next == FROZEN) {
                freeze();
                return OptionalLong.empty();
            }
            if (SUM.compareAndSet(this, now, next)) {
                return OptionalLong.of(next);
            }
        }
    }

    synchronized long freeze() {
        while (true) {
            long now = sum;
            if (now == FROZEN) {
                return last;
            }
            last = now;
            if (SUM.compareAndSet(this, now, FROZEN)) {
                return now;
            }
        }
    }
}
