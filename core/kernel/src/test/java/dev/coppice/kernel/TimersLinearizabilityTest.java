package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Timers under Lincheck: those set and cancelled by several threads, over lock-free stacks, fire or are cancelled once each. One
 * thread plays the timers' own.
 */
public final class TimersLinearizabilityTest {

    private static final long FAR = Long.MAX_VALUE / 8;

    /** Not the simulated one, which timers treat in a way of its own. */
    private static final Clock STILL = new Clock() {
        @Override
        public Instant now() {
            return Instant.EPOCH;
        }

        @Override
        public long nanoTime() {
            return 0;
        }
    };

    /**
     * Each timer has a time of its own and is set once. A look for what is due is not one step, so no operation tells
     * anything: what counts is what has become of each timer.
     */
    @Param(name = "number", gen = IntGen.class, conf = "1:3")
    public static final class Stacks {
        /** Metrics are for actions that fail. */
        @SuppressWarnings("NullAway")
        private final WheelTimers timers = new WheelTimers(STILL, null, _ -> Thread.currentThread());

        private final Timers.@Nullable Timer[] set = new Timers.Timer[4];
        private final AtomicIntegerArray fired = new AtomicIntegerArray(4);
        private final AtomicIntegerArray cancelled = new AtomicIntegerArray(4);

        @Operation(nonParallelGroup = "one")
        public void setOne() {
            set(1);
        }

        @Operation(nonParallelGroup = "two")
        public void setTwo() {
            set(2);
        }

        @Operation(nonParallelGroup = "three")
        public void setThree() {
            set(3);
        }

        private void set(int number) {
            if (set[number] == null) {
                set[number] = timers.schedule(Duration.ofMillis(10L * number), () -> fired.getAndIncrement(number));
            }
        }

        @Operation
        public void cancel(@Param(name = "number") int number) {
            Timers.Timer timer = set[number];
            if (timer != null && timer.cancel()) {
                cancelled.getAndIncrement(number);
            }
        }

        @Operation(nonParallelGroup = "timers")
        public void fire() {
            timers.fireOne(FAR);
        }

        @Validate
        public void eachFiredOrWasCancelled() {
            while (timers.fireOne(FAR)) {
                // Until nothing is due.
            }
            for (int number = 1; number < set.length; number++) {
                int ends = fired.get(number) + cancelled.get(number);
                if (ends != (set[number] == null ? 0 : 1)) {
                    throw new IllegalStateException("timer " + number + " fired " + fired + ", cancelled " + cancelled);
                }
            }
            if (timers.pending() != 0) {
                throw new IllegalStateException(timers.pending() + " timers left over");
            }
        }
    }

    /** What the timers tell those who use them. */
    public static final class Silent {
        public void setOne() {}

        public void setTwo() {}

        public void setThree() {}

        public void cancel(int number) {}

        public void fire() {}
    }

    @Test
    @DisplayName("timers that several threads set and cancel each fire, or are cancelled, once")
    void stacks() {
        Linearizability.modelCheck(Stacks.class, Silent.class);
    }
}
