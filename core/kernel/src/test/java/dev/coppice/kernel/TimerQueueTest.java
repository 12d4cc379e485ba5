package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The queue of timers beside a plain sorted one. */
final class TimerQueueTest {
    private static final Comparator<TimerEntry> ORDER =
            Comparator.<TimerEntry>comparingLong(e -> e.dueNanos).thenComparingLong(e -> e.sequence);

    private static final class Entry extends TimerEntry {
        Entry(WheelTimers owner, long dueNanos) {
            super(owner);
            this.dueNanos = dueNanos;
        }

        @Override
        void fire() {}
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @DisplayName("whatever is added, taken out and waited for, timers come in the order of their times")
    void asASortedQueue(boolean simulated) {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (Kernel kernel = Kernel.start(new SimulatedClock(), 1)) {
            for (int round = 0; round < 50; round++) {
                long now = random.nextLong(-1L << 50, 1L << 50);
                TimerQueue queue = new TimerQueue(now);
                PriorityQueue<TimerEntry> sorted = new PriorityQueue<>(ORDER);
                List<TimerEntry> waiting = new ArrayList<>();
                for (int step = 0; step < 2_000; step++) {
                    switch (random.nextInt(4)) {
                        case 0, 1 -> {
                            // Delays of every size, to reach every wheel.
                            long delay = random.nextLong() >>> 3 + random.nextInt(60);
                            TimerEntry entry = new Entry(kernel.wheelTimers(), now + delay);
                            queue.add(entry);
                            sorted.add(entry);
                            waiting.add(entry);
                        }
                        case 2 -> {
                            if (!waiting.isEmpty()) {
                                TimerEntry entry = waiting.remove(random.nextInt(waiting.size()));
                                queue.remove(entry);
                                queue.remove(entry);
                                sorted.remove(entry);
                            }
                        }
                        default -> {
                            now += random.nextLong() >>> 12 + random.nextInt(50);
                            for (TimerEntry due = queue.due(now); due != null; due = queue.due(now)) {
                                assertThat(due).as("seed " + seed).isSameAs(sorted.poll());
                                queue.remove(due);
                                waiting.remove(due);
                            }
                        }
                    }
                    TimerEntry first = sorted.peek();
                    long due = first == null ? TimerQueue.NEVER : first.dueNanos;
                    assertThat(queue.size()).as("seed " + seed).isEqualTo(sorted.size());
                    assertThat(first == null || due - now > 0 || queue.due(now) == first)
                            .as("seed " + seed)
                            .isTrue();
                    if (simulated) {
                        assertThat(queue.firstNanos()).as("seed " + seed).isEqualTo(due);
                    } else if (first != null) {
                        assertThat(due - queue.nextNanos()).as("seed " + seed).isNotNegative();
                    }
                }
            }
        }
    }

    @Test
    @DisplayName("to wait for the first of far timers takes few steps, whatever the time until then")
    void steps() {
        try (Kernel kernel = Kernel.start(new SimulatedClock(), 1)) {
            TimerQueue queue = new TimerQueue(0);
            long due = Long.MAX_VALUE / 4;
            queue.add(new Entry(kernel.wheelTimers(), due));
            int steps = 0;
            for (long now = queue.nextNanos(); queue.due(now) == null; now = queue.nextNanos()) {
                steps++;
            }
            assertThat(steps).isLessThanOrEqualTo(8);
            assertThat(queue.firstNanos()).isEqualTo(due);
        }
    }
}
