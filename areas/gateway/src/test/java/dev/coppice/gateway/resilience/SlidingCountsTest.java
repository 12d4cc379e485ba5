package dev.coppice.gateway.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Counts of the last epochs beside a map of all epochs. */
@Timeout(60)
class SlidingCountsTest {
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @Test
    void theyAreThoseOfTheLastEpochs() {
        for (int round = 0; round < 200; round++) {
            int fields = 2 + random.nextInt(2);
            SlidingCounts counts = new SlidingCounts(fields);
            TreeMap<Long, int[]> model = new TreeMap<>();
            // Far beyond the bits that an epoch is known by.
            long epoch = random.nextBoolean() ? 0 : random.nextLong(1L << 40);
            for (int i = 0; i < 300; i++) {
                epoch += random.nextInt(4) > 0 ? 0 : random.nextInt(random.nextInt(10) == 0 ? 40 : 3);
                // A thread whose clock was read a little earlier.
                long at = Math.max(0, epoch - random.nextInt(2));
                int field = random.nextInt(fields);
                int[] there = model.computeIfAbsent(at, _ -> new int[fields]);
                if (random.nextInt(4) > 0) {
                    counts.add(at, counts.one(field));
                    there[field]++;
                } else {
                    counts.takeBack(at, counts.one(field));
                    there[field] = Math.max(0, there[field] - 1);
                }
                long sums = counts.sums(epoch);
                for (int f = 0; f < fields; f++) {
                    int each = f;
                    int expected = model.subMap(epoch - SlidingCounts.BUCKETS, false, epoch, true).values().stream()
                            .mapToInt(all -> all[each])
                            .sum();
                    assertThat(counts.sum(sums, f))
                            .as("seed %d, round %d, step %d", seed, round, i)
                            .isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void whatBecomesTooLargeIsHalvedWithWhatIsBesideIt() {
        SlidingCounts counts = new SlidingCounts(3);
        long both = counts.one(0) + counts.one(2);
        for (int i = 0; i < 100_000; i++) {
            counts.add(7, i % 4 == 0 ? both : counts.one(0));
        }
        long sums = counts.sums(7);
        assertThat(counts.sum(sums, 0)).isBetween(4096, 8191);
        assertThat(counts.sum(sums, 1)).isZero();
        assertThat((double) counts.sum(sums, 2) / counts.sum(sums, 0)).isBetween(0.249, 0.251);
    }

    @Test
    void fullEpochsAreSummedWhole() {
        SlidingCounts counts = new SlidingCounts(3);
        for (int epoch = 0; epoch < SlidingCounts.BUCKETS; epoch++) {
            for (int i = 0; i < 8191; i++) {
                counts.add(epoch, counts.one(0) + counts.one(1) + counts.one(2));
            }
        }
        long sums = counts.sums(SlidingCounts.BUCKETS - 1);
        for (int field = 0; field < 3; field++) {
            assertThat(counts.sum(sums, field)).isEqualTo(81_910);
        }
    }

    @Test
    void nothingIsLostAmongThreads() throws Exception {
        SlidingCounts counts = new SlidingCounts(2);
        Threads.run(4, _ -> {
            for (int i = 0; i < 50_000; i++) {
                counts.add(i / 5000, counts.one(1));
                if (i % 2 == 0) {
                    counts.takeBack(i / 5000, counts.one(1));
                }
            }
        });
        assertThat(counts.sum(counts.sums(9), 1)).isEqualTo(4 * 25_000);
    }
}
