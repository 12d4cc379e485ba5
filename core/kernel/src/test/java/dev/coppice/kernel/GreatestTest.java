package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GreatestTest {

    @Test
    void itKeepsWhatSortingAllWouldPutFirst() {
        long seed = 11;
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            int count = random.nextInt(6);
            Greatest<Integer> greatest = new Greatest<>(count);
            List<Integer> all = new ArrayList<>();
            for (int i = random.nextInt(40); i > 0; i--) {
                int value = random.nextInt(10) - 2;
                greatest.offer(value, value);
                all.add(value);
            }
            List<Integer> expected = all.stream()
                    .filter(value -> value > 0)
                    .sorted(Comparator.reverseOrder())
                    .limit(count)
                    .toList();
            assertThat(greatest.ordered())
                    .as("seed " + seed + " round " + round)
                    .isEqualTo(expected);
        }
    }
}
