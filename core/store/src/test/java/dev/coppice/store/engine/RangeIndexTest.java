package dev.coppice.store.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The index finds what looking at each range finds, whatever is added and removed. */
class RangeIndexTest {

    private record Entry(ByteString start, ByteString end, int number) {}

    private static ByteString key(Random random) {
        byte[] key = new byte[1 + random.nextInt(3)];
        for (int i = 0; i < key.length; i++) {
            key[i] = (byte) (random.nextInt(4) * 85);
        }
        return ByteString.copyFrom(key);
    }

    private static ByteString end(Random random, ByteString start) {
        ByteString toTheEnd = ByteString.copyFrom(new byte[1]);
        if (random.nextInt(8) == 0) {
            return toTheEnd;
        }
        ByteString end = key(random);
        return ByteString.unsignedLexicographicalComparator().compare(start, end) < 0 ? end : toTheEnd;
    }

    @Test
    void findsTheRangesThatHoldAKey() {
        long seed = Long.getLong("coppice.seed", System.nanoTime() % 1_000_000);
        Random random = new Random(seed);
        RangeIndex<Integer> index = new RangeIndex<>();
        List<Entry> entries = new ArrayList<>();
        for (int step = 0; step < 5000; step++) {
            // By turns it grows and shrinks.
            if (entries.isEmpty() || random.nextInt(10) < (step / 500 % 2 == 0 ? 7 : 3)) {
                ByteString start = key(random);
                Entry added = new Entry(start, end(random, start), step);
                entries.add(added);
                index.add(added.start(), added.end(), added.number());
            } else {
                Entry removed = entries.remove(random.nextInt(entries.size()));
                index.remove(removed.start(), removed.end(), removed.number());
                index.remove(removed.start(), removed.end(), removed.number());
            }
            ByteString key = key(random);
            List<Integer> found = new ArrayList<>();
            index.forEach(key, found::add);
            assertThat(found)
                    .as("seed %d (-Dcoppice.seed=%d), step %d", seed, seed, step)
                    .containsExactlyInAnyOrderElementsOf(entries.stream()
                            .filter(entry -> Requests.contains(entry.start(), entry.end(), key))
                            .map(Entry::number)
                            .toList());
            assertThat(index.isEmpty()).isEqualTo(entries.isEmpty());
        }
    }
}
