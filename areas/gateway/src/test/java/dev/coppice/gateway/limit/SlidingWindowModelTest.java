package dev.coppice.gateway.limit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The sliding window beside one that keeps the time of every request. */
class SlidingWindowModelTest {
    private static final int LIMITS = 300;
    private static final int REQUESTS = 400;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    /** How many requests were taken in each window; times are in microseconds. */
    private static final class Log {
        private final long requests;
        private final long micros;
        private final Map<Long, Long> taken = new HashMap<>();

        Log(long requests, long micros) {
            this.requests = requests;
            this.micros = micros;
        }

        private long count(long window) {
            return taken.getOrDefault(window, 0L);
        }

        /** Twice the weight of requests of the last window, all in whole numbers. */
        private boolean room(long now) {
            long rest = micros - now % micros;
            return count(now / micros - 1) * rest + (count(now / micros) + 1) * micros <= requests * micros;
        }

        boolean take(long now) {
            boolean room = room(now);
            if (room) {
                taken.merge(now / micros, 1L, Long::sum);
            }
            return room;
        }

        void giveBack(long now, long count) {
            taken.merge(now / micros, -count, Long::sum);
        }

        long retry(long now) {
            long wait = 0;
            while (!room(now + wait)) {
                wait++;
            }
            return wait;
        }
    }

    @Test
    void itDecidesAsCountsOfAllWindowsDo() {
        for (int round = 0; round < LIMITS; round++) {
            long requests = 1 + random.nextInt(random.nextBoolean() ? 4 : 40);
            long micros = 1000 + random.nextInt(3000);
            long origin = random.nextLong() >> 2;
            Limiter limiter = new Limiter(new SlidingWindow(requests, micros * 1000), origin, new SlotBudget(1 << 20));
            Map<Long, Log> logs = new HashMap<>();
            long now = random.nextInt(1 << 20);
            for (int i = 0; i < REQUESTS; i++) {
                now += random.nextLong(2 * micros / requests + 2) * (random.nextInt(30) == 0 ? 3 * requests : 1);
                long key = 100 + random.nextInt(2);
                long nanos = origin + now * 1000;
                Log log = logs.computeIfAbsent(key, _ -> new Log(requests, micros));
                long outcome = limiter.take(key, nanos);
                String what = "seed %d, limit %d, request %d: %d in %d us".formatted(seed, round, i, requests, micros);
                assertThat(Limiter.passed(outcome)).as(what).isEqualTo(log.take(now));
                assertThat(limiter.retryNanos(outcome, nanos)).as(what).isEqualTo(log.retry(now) * 1000);
                long more = 0;
                while (log.take(now)) {
                    more++;
                }
                assertThat(limiter.remaining(outcome, nanos)).as(what).isEqualTo(more);
                log.giveBack(now, more);
            }
        }
    }

    @Test
    void aThreadWhoseClockWasReadEarlierTakesNothingBack() {
        Algorithm window = new SlidingWindow(3, 1_000_000);
        long state = window.take(window.take(0, 5_000_000), 5_000_000);
        long late = window.take(state, 4_999_999);
        assertThat(window.remaining(late, 5_000_000)).isZero();
        assertThat(window.take(late, 4_999_999)).isNegative();
    }

    @Test
    void aKeyIsIdleAfterTwoWindows() {
        Algorithm window = new SlidingWindow(3, 1_000_000);
        long state = window.take(0, 5_200_000);
        assertThat(window.resetNanos(state, 5_200_000)).isEqualTo(1_800_000);
        assertThat(window.idle(state, 6_999_999)).isFalse();
        assertThat(window.idle(state, 7_000_000)).isTrue();
    }
}
