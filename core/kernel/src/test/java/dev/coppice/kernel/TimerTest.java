package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

final class TimerTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 42);
    private final List<String> fired = new ArrayList<>();

    @AfterEach
    void close() {
        kernel.close();
    }

    private Timers.Timer after(long seconds, String what) {
        return kernel.timers().schedule(Duration.ofSeconds(seconds), () -> fired.add(what + "@" + elapsed()));
    }

    private long elapsed() {
        return clock.nanoTime() / 1_000_000_000;
    }

    @Test
    @DisplayName("a million pending: all fire in order, and setting and cancelling leaves nothing behind")
    void million() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        int million = 1_000_000;
        List<Timers.Timer> timers = new ArrayList<>(million);
        int[] count = new int[1];
        long[] last = new long[1];
        for (int i = 0; i < million; i++) {
            timers.add(kernel.timers().schedule(Duration.ofMillis(random.nextInt(3_600_000)), () -> {
                assertThat(clock.nanoTime()).isGreaterThanOrEqualTo(last[0]);
                last[0] = clock.nanoTime();
                count[0]++;
            }));
        }
        assertThat(clock.pending()).isEqualTo(million);
        int kept = 0;
        for (Timers.Timer timer : timers) {
            if (random.nextInt(10) == 0) {
                kept++;
            } else if (!timer.cancel() || timer.cancel()) {
                throw new AssertionError("seed " + seed);
            }
        }
        assertThat(clock.pending()).isEqualTo(kept);
        clock.advance(Duration.ofHours(1));
        assertThat(count[0]).as("seed " + seed).isEqualTo(kept);
        assertThat(clock.pending()).isZero();
    }

    @Test
    @DisplayName("timers fire by their times, then in the order in which they were set")
    void order() {
        after(2, "c");
        after(1, "a");
        after(1, "b");
        clock.advance(Duration.ofSeconds(2));
        assertThat(fired).containsExactly("a@1", "b@1", "c@2");
    }

    @Test
    @DisplayName("a cancelled timer does not fire; one that fired cannot be cancelled")
    void cancel() {
        Timers.Timer never = after(1, "never");
        Timers.Timer fires = after(1, "fires");
        assertThat(never.cancel()).isTrue();
        assertThat(never.cancel()).isFalse();
        clock.advance(Duration.ofSeconds(1));
        assertThat(fires.cancel()).isFalse();
        assertThat(fired).containsExactly("fires@1");
    }

    @Test
    @DisplayName("the remaining time of a timer can be read, until it fired or was cancelled")
    void remaining() {
        Timers.Timer fires = after(10, "fires");
        Timers.Timer cancelled = after(10, "cancelled");
        clock.advance(Duration.ofSeconds(3));
        assertThat(fires.remaining()).contains(Duration.ofSeconds(7));
        cancelled.cancel();
        assertThat(cancelled.remaining()).isEmpty();
        clock.advance(Duration.ofSeconds(7));
        assertThat(fires.remaining()).isEmpty();
    }

    @Test
    @DisplayName("an interval runs until it is cancelled, keeps to the clock, and outlives an action that throws")
    void interval() {
        Timers.Timer interval = kernel.timers().every(Duration.ofSeconds(2), () -> {
            fired.add("i@" + elapsed());
            throw new IllegalStateException("does no harm");
        });
        clock.advance(Duration.ofSeconds(3));
        assertThat(interval.remaining()).contains(Duration.ofSeconds(1));
        clock.advance(Duration.ofSeconds(4));
        assertThat(fired).containsExactly("i@2", "i@4", "i@6");
        assertThat(interval.cancel()).isTrue();
        assertThat(interval.cancel()).isFalse();
        clock.advance(Duration.ofSeconds(10));
        assertThat(fired).hasSize(3);
        assertThat(clock.pending()).isZero();
        assertThat(kernel.meters().timerFailures.get()).isEqualTo(3);
        assertThatThrownBy(() -> kernel.timers().every(Duration.ZERO, () -> {}))
                .hasMessage("interval PT0S must be positive");
    }

    @Test
    @DisplayName("an interval may cancel itself")
    void cancelsItself() {
        Timers.Timer[] interval = new Timers.Timer[1];
        interval[0] = kernel.timers().every(Duration.ofSeconds(1), () -> {
            fired.add("once");
            interval[0].cancel();
        });
        clock.advance(Duration.ofSeconds(10));
        assertThat(fired).containsExactly("once");
        assertThat(clock.pending()).isZero();
    }
}
