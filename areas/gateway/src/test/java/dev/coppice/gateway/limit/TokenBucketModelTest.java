package dev.coppice.gateway.limit;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The token bucket beside a bucket with exact tokens that come one fraction at a time. */
class TokenBucketModelTest {
    private static final int LIMITS = 400;
    private static final int REQUESTS = 400;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    /** A bucket as people think of it. */
    private static final class Bucket {
        private final BigDecimal interval;
        private final BigDecimal burst;
        private BigDecimal tokens;
        private long last;

        /** With the interval between tokens rounded up to sixteenths of a nanosecond, as is promised. */
        Bucket(long requests, long perNanos, long burst) {
            this.interval = BigDecimal.valueOf(perNanos)
                    .multiply(BigDecimal.valueOf(16))
                    .divide(BigDecimal.valueOf(requests), 0, RoundingMode.CEILING)
                    .divide(BigDecimal.valueOf(16));
            this.burst = BigDecimal.valueOf(burst).multiply(interval);
            this.tokens = this.burst;
        }

        /** Tokens are counted in nanoseconds, to divide by nothing. */
        boolean take(long now) {
            refill(now);
            if (tokens.compareTo(interval) < 0) {
                return false;
            }
            tokens = tokens.subtract(interval);
            return true;
        }

        void refill(long now) {
            tokens = tokens.add(BigDecimal.valueOf(now - last)).min(burst);
            last = now;
        }

        long remaining() {
            return tokens.divide(interval, 0, RoundingMode.FLOOR).longValueExact();
        }

        long retryNanos() {
            return interval.subtract(tokens)
                    .max(BigDecimal.ZERO)
                    .setScale(0, RoundingMode.CEILING)
                    .longValueExact();
        }

        long resetNanos() {
            return burst.subtract(tokens).setScale(0, RoundingMode.CEILING).longValueExact();
        }
    }

    @Test
    void itDecidesAsAnExactBucketDoes() {
        for (int round = 0; round < LIMITS; round++) {
            long requests = 1 + random.nextLong(random.nextBoolean() ? 20 : 1_000_000);
            long per = 1 + random.nextLong(random.nextBoolean() ? 5_000 : 3_600_000_000_000L);
            long most = Algorithm.LONGEST_NANOS / Math.ceilDiv(per + 1, requests);
            long burst = Math.min(most, 1 + random.nextLong(random.nextBoolean() ? 5 : 1000));
            long origin = random.nextLong() >> 2;
            Limiter limiter = new Limiter(new TokenBucket(requests, per, burst), origin, new SlotBudget(1 << 20));
            Map<Long, Bucket> buckets = new HashMap<>();
            long now = 0;
            for (int i = 0; i < REQUESTS; i++) {
                // Around the interval, where decisions change.
                now += random.nextLong(2 * per / requests * (random.nextInt(20) == 0 ? burst : 1) + 3);
                long key = 100 + random.nextInt(3);
                long at = now;
                Bucket bucket = buckets.computeIfAbsent(key, _ -> {
                    Bucket made = new Bucket(requests, per, burst);
                    made.last = at;
                    return made;
                });
                long outcome = limiter.take(key, origin + now);
                String what = "seed %d, limit %d, request %d: %d in %d ns, burst %d"
                        .formatted(seed, round, i, requests, per, burst);
                assertThat(Limiter.passed(outcome)).as(what).isEqualTo(bucket.take(now));
                assertThat(limiter.remaining(outcome, origin + now)).as(what).isEqualTo(bucket.remaining());
                assertThat(limiter.retryNanos(outcome, origin + now)).as(what).isEqualTo(bucket.retryNanos());
                assertThat(limiter.resetNanos(outcome, origin + now)).as(what).isEqualTo(bucket.resetNanos());
            }
        }
    }

    @Test
    void numbersThatCannotBeCountedAreRefused() {
        assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> new TokenBucket(1, 3_600_000_000_000L, 1000)))
                .hasMessageContaining("burst: 1000")
                .hasMessageContaining("30 days");
    }
}
