package dev.coppice.gateway.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Parts of limits: together they pass what the whole one does. */
class PartTest {
    private static final long SECOND = 1_000_000_000;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    private static int taken(Algorithm algorithm, long nanos, long step) {
        int taken = 0;
        long state = 0;
        for (long now = SECOND; now < SECOND + nanos; now += step) {
            long next = algorithm.take(state, now);
            if (next >= 0) {
                taken++;
                state = next;
            }
        }
        return taken;
    }

    @Test
    void partsOfABucketPassNoMoreThanIt() {
        for (int i = 0; i < 200; i++) {
            int of = 1 + random.nextInt(9);
            long requests = 1 + random.nextInt(2000);
            long burst = 1 + random.nextInt(3000);
            TokenBucket whole = new TokenBucket(requests, SECOND, burst);
            Algorithm part = whole.part(of);
            String what = "seed %d: %d in a second, burst %d, of %d".formatted(seed, requests, burst, of);
            assertThat(part.quota()).as(what).isEqualTo(Math.max(1, burst / of));
            int ofPart = taken(part, 2 * SECOND, SECOND / 4000);
            assertThat(ofPart).as(what).isLessThanOrEqualTo((int) (part.quota() + 2 * requests / of + 1));
            assertThat(ofPart).as(what).isGreaterThanOrEqualTo((int) (Math.min(burst, 2 * requests) / of) - 1);
        }
    }

    @Test
    void partsOfAWindowPassNoMoreThanIt() {
        assertThat(new SlidingWindow(100, SECOND).part(4).quota()).isEqualTo(25);
        assertThat(new SlidingWindow(100, SECOND).part(3).quota()).isEqualTo(33);
        // One in two seconds is a quarter of two in one.
        assertThat(taken(new SlidingWindow(2, SECOND).part(4), 8 * SECOND, SECOND / 100))
                .isBetween(3, 5);
    }

    @Test
    void theRarestLimitHasParts() {
        long day = 24 * 3600 * SECOND;
        assertThat(new TokenBucket(1, day, 30).part(100).quota()).isOne();
        assertThat(new SlidingWindow(1, day).part(100).quota()).isOne();
    }

    @Test
    void requestsAtOneTimeHaveNone() {
        assertThatThrownBy(() -> new Concurrency(3).part(2)).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void lookingTakesNothing() {
        Limiter limiter = new Limiter(new TokenBucket(10, SECOND, 10), 0, new SlotBudget(1 << 16));
        assertThat(limiter.remaining(limiter.look(7), 1)).isEqualTo(10);
        assertThat(limiter.live(1)).isZero();
        long _ = limiter.take(7, 1);
        assertThat(limiter.remaining(limiter.look(7), 1)).isEqualTo(9);
        assertThat(limiter.remaining(limiter.look(7), 1)).isEqualTo(9);
    }

    @Test
    void aSecretIsNotShown() {
        KeySecret secret = KeySecret.of(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17});
        assertThat(secret.toString()).isEqualTo("KeySecret");
        KeyHash one = secret.hash();
        KeyHash same = new KeySecret(0x0102030405060708L, 0x090A0B0C0D0E0F10L).hash();
        one.begin();
        same.begin();
        one.add("key");
        same.add("key");
        assertThat(one.end()).isEqualTo(same.end());
        assertThatThrownBy(() -> KeySecret.of(new byte[15])).hasMessageContaining("expected at least 16");
    }
}
