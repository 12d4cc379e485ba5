package dev.coppice.kernel;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** A seeded generator that many threads may use; one thread alone sees the same numbers for the same seed. */
final class SeededRandom implements RandomGenerator {
    private final SplittableRandom source;

    SeededRandom(long seed) {
        source = new SplittableRandom(seed);
    }

    @Override
    public synchronized long nextLong() {
        return source.nextLong();
    }
}
