package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The ring of restart times beside a plain queue. */
final class RestartIntensityTest {
    @Test
    @DisplayName("a restart is allowed while there are no more than that many in the period, whatever came before")
    void asAPlainQueue() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 200; round++) {
            int max = random.nextInt(40);
            long period = 1 + random.nextInt(1_000);
            RestartIntensity intensity =
                    new RestartIntensity(SupervisorOptions.DEFAULT.withIntensity(max, Duration.ofNanos(period)));
            ArrayDeque<Long> times = new ArrayDeque<>();
            long now = random.nextLong();
            for (int step = 0; step < 300; step++) {
                now += random.nextInt(60);
                if (random.nextInt(100) == 0) {
                    intensity.clear();
                    times.clear();
                }
                while (!times.isEmpty() && now - times.getFirst() > period) {
                    times.removeFirst();
                }
                boolean allowed = times.size() < max;
                if (times.size() <= max) {
                    times.addLast(now);
                }
                assertThat(intensity.allows(now)).as("seed " + seed).isEqualTo(allowed);
            }
        }
    }
}
