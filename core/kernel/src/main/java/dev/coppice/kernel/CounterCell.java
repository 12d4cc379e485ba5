package dev.coppice.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A counter in a {@link Table}, which is added to in place. Once frozen it keeps its value for ever: whoever replaces or
 * removes it freezes it first, so that no addition is lost in between. Safe for use by many threads.
 */
final class CounterCell<K, V> extends TableCell<K, V> {
    /** Stands for "frozen"; no sum may be that. */
    static final long FROZEN = Long.MIN_VALUE;

    private static final VarHandle SUM;

    static {
        try {
            SUM = MethodHandles.lookup().findVarHandle(CounterCell.class, "sum", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile long sum;

    CounterCell(K key, long sum, long born, @Nullable Expiry expiry) {
        super(key, null, born, expiry);
        this.sum = sum;
    }

    /**
     * Adds and gives the new sum; empty when it is frozen now, and has to be replaced.
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
                lastValue();
                return OptionalLong.empty();
            }
            if (SUM.compareAndSet(this, now, next)) {
                return OptionalLong.of(next);
            }
        }
    }

    @Override
    V value() {
        long now = sum;
        return now == FROZEN ? super.value() : boxed(now);
    }

    @Override
    synchronized V lastValue() {
        while (true) {
            long now = sum;
            if (now == FROZEN) {
                return super.value();
            }
            // Before the sum tells of it.
            content = boxed(now);
            if (SUM.compareAndSet(this, now, FROZEN)) {
                return super.value();
            }
        }
    }

    @SuppressWarnings("unchecked") // a table with counters has values of type Long
    private static <V> V boxed(long sum) {
        return (V) (Long) sum;
    }
}
