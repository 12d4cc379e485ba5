package dev.coppice.gateway.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many keys, little memory, many threads. */
@Timeout(120)
class KeyTableTest {
    private static final long SECOND = 1_000_000_000;
    private static final long HOUR = 3600 * SECOND;
    private static final int THREADS = 8;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    private static Limiter limiter(Algorithm algorithm, long slots) {
        return new Limiter(algorithm, 0, new SlotBudget(slots));
    }

    private long[] keys(int count) {
        return random.longs(count).distinct().toArray();
    }

    @Test
    void aMillionKeysAreKeptApartWhileTheTableGrows() {
        SlotBudget budget = new SlotBudget(8 << 20);
        Limiter limiter = new Limiter(new TokenBucket(2, HOUR, 2), 0, budget);
        long[] keys = keys(1_000_000);
        for (int round = 0; round < 3; round++) {
            for (long key : keys) {
                assertThat(Limiter.passed(limiter.take(key, SECOND)))
                        .as("seed %d", seed)
                        .isEqualTo(round < 2);
            }
        }
        assertThat(limiter.live(SECOND)).isEqualTo(keys.length);
        assertThat(limiter.evicted()).isZero();
        assertThat(budget.used() * SlotBudget.SLOT_BYTES).as("bytes").isLessThan(64_000_000);
        limiter.close();
        assertThat(budget.used()).isZero();
    }

    @Test
    void placesOfIdleKeysAreUsedAgain() {
        SlotBudget budget = new SlotBudget(8 << 20);
        Limiter limiter = new Limiter(new TokenBucket(1, SECOND, 1), 0, budget);
        long settled = 0;
        for (int round = 1; round <= 50; round++) {
            for (long key : keys(20_000)) {
                limiter.take(key, round * SECOND);
            }
            if (round == 10) {
                settled = budget.used();
            }
        }
        assertThat(budget.used()).as("seed %d", seed).isLessThan(settled + settled / 4);
        assertThat(limiter.evicted()).isZero();
        assertThat(limiter.live(50 * SECOND)).isEqualTo(20_000);
        assertThat(limiter.live(51 * SECOND)).isZero();
    }

    @Test
    void withoutMemoryTheStalestKeysAreForgottenAndCounted() {
        SlotBudget budget = new SlotBudget(64 * KeyTable.SLOTS);
        Limiter limiter = new Limiter(new TokenBucket(1, HOUR, 1), 0, budget);
        long[] keys = keys(200_000);
        for (int i = 0; i < keys.length; i++) {
            assertThat(Limiter.passed(limiter.take(keys[i], i))).isTrue();
        }
        assertThat(budget.used()).isLessThanOrEqualTo(64 * KeyTable.SLOTS);
        long live = limiter.live(keys.length);
        assertThat(limiter.evicted()).as("seed %d", seed).isEqualTo(keys.length - live);
        assertThat(live).isGreaterThan(30_000).isLessThan(34_000);
        int known = 0;
        for (int i = keys.length - 10_000; i < keys.length; i++) {
            known += Limiter.passed(limiter.take(keys[i], keys.length)) ? 0 : 1;
        }
        assertThat(known).as("of the newest 10,000, seed %d", seed).isGreaterThan(9_900);
    }

    @Test
    void requestsOnTheirWayAreNeverForgotten() {
        Limiter limiter = limiter(new Concurrency(1), KeyTable.SLOTS);
        long[] keys = keys(10_000);
        long[] outcomes = new long[keys.length];
        for (int i = 0; i < keys.length; i++) {
            outcomes[i] = limiter.take(keys[i], 0);
            assertThat(Limiter.passed(outcomes[i])).as("seed %d", seed).isTrue();
        }
        long live = limiter.live(0);
        assertThat(live).isGreaterThan(300).isLessThan(600);
        assertThat(limiter.evicted()).isEqualTo(keys.length - live);
        for (int i = 0; i < keys.length; i++) {
            limiter.giveBack(keys[i], outcomes[i]);
        }
        assertThat(limiter.live(0)).isZero();
        assertThatThrownBy(() -> limiter.giveBack(keys[0], 0)).hasMessageContaining("given back");
    }

    /** All threads at once; the sum of what they give. */
    private static long together(Callable<Long> work) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<Long>> all = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                all.add(threads.submit(work));
            }
            long sum = 0;
            for (Future<Long> each : all) {
                sum += each.get();
            }
            return sum;
        }
    }

    @Test
    void manyThreadsTogetherGetNoMoreThanTheLimit() throws Exception {
        for (Algorithm algorithm :
                List.of(new TokenBucket(5, HOUR, 5), new SlidingWindow(5, HOUR), new Concurrency(5))) {
            // So many that the table grows while it is asked, in different orders by different threads.
            long[] keys = keys(30_000);
            Limiter limiter = limiter(algorithm, 1 << 20);
            AtomicLong order = new AtomicLong();
            long passed = together(() -> {
                long step = order.incrementAndGet() * 2 - 1;
                long count = 0;
                for (int round = 0; round < 4; round++) {
                    for (int i = 0; i < keys.length; i++) {
                        int at = (int) (i / 8 * 8 + (i % 8 * step) % 8);
                        count += at < keys.length && Limiter.passed(limiter.take(keys[at], 1)) ? 1 : 0;
                    }
                }
                return count;
            });
            assertThat(limiter.evicted()).isZero();
            assertThat(passed).as("seed %d, %s", seed, algorithm).isEqualTo(5L * keys.length);
        }
    }

    @Test
    void keysThatComeAndGoAreNeverTakenForOneAnother() throws Exception {
        // Slots change hands all the time, those of the few keys that ask most, too.
        int count = 20_000;
        int interval = 20_000;
        long[] keys = keys(count);
        Limiter limiter = limiter(new TokenBucket(1, interval, 1), 256 * KeyTable.SLOTS);
        AtomicLong clock = new AtomicLong(1);
        AtomicIntegerArray passes = new AtomicIntegerArray(count);
        together(() -> {
            Random own = new Random(seed ^ Thread.currentThread().threadId());
            for (int i = 0; i < 400_000; i++) {
                int at = own.nextInt(own.nextBoolean() ? count : 50);
                if (Limiter.passed(limiter.take(keys[at], clock.getAndIncrement()))) {
                    passes.incrementAndGet(at);
                }
            }
            return 0L;
        });
        assertThat(limiter.evicted()).as("seed %d", seed).isZero();
        for (int i = 0; i < count; i++) {
            // A thread that rests between reading the clock and asking may find its key's place given away in the time
            // that it missed.
            assertThat((long) passes.get(i))
                    .as("seed %d, key %d", seed, i)
                    .isLessThanOrEqualTo(clock.get() / interval + 1 + THREADS);
        }
    }

    @Test
    void concurrentRequestsAreBoundedAndAllGivenBack() throws Exception {
        int count = 3000;
        int most = 3;
        long[] keys = keys(count);
        Limiter limiter = limiter(new Concurrency(most), 16 * KeyTable.SLOTS);
        AtomicIntegerArray inside = new AtomicIntegerArray(count);
        long tooMany = together(() -> {
            Random own = new Random(seed ^ Thread.currentThread().threadId());
            long bad = 0;
            for (int i = 0; i < 300_000; i++) {
                int at = own.nextInt(own.nextInt(10) == 0 ? count : 4);
                long outcome = limiter.take(keys[at], i);
                if (Limiter.passed(outcome)) {
                    bad += inside.incrementAndGet(at) > most ? 1 : 0;
                    inside.decrementAndGet(at);
                    limiter.giveBack(keys[at], outcome);
                }
            }
            return bad;
        });
        assertThat(tooMany).as("seed %d", seed).isZero();
        assertThat(limiter.live(0)).isZero();
    }
}
