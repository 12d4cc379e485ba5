package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.TableOptions.WhenFull;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What ETS has beyond get and put: select, count, select_delete, take, next and prev, bounded counters, info. */
final class TableOperationsTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 7);

    @AfterEach
    void close() {
        kernel.close();
    }

    private OrderedTable<Integer, Long> squares(int size) {
        OrderedTable<Integer, Long> table = Table.ordered(kernel, "squares", TableOptions.DEFAULT);
        for (int i = 0; i < size; i++) {
            table.put(i, (long) i * i);
        }
        return table;
    }

    @Test
    @DisplayName("select, count and removeIf take a predicate")
    void predicates() {
        OrderedTable<Integer, Long> table = squares(10);
        assertThat(table.select((key, value) -> value > 16, 3))
                .containsExactly(Map.entry(5, 25L), Map.entry(6, 36L), Map.entry(7, 49L));
        assertThat(table.count((key, value) -> key % 2 == 0)).isEqualTo(5);
        assertThat(table.removeIf((key, value) -> key % 2 == 0)).isEqualTo(5);
        assertThat(table.size()).isEqualTo(5);
        assertThat(table.contains(1)).isTrue();
        assertThat(table.contains(2)).isFalse();
    }

    @Test
    @DisplayName("removeIf removes what it tested: not a counter that went on meanwhile")
    void removedAsTested() {
        Table<String, Long> table = Table.hashed(kernel, "counters", TableOptions.DEFAULT);
        Table.increment(table, "a", 1);
        int removed = table.removeIf((key, value) -> {
            if (value == 1) {
                Table.increment(table, key, 1);
            }
            return value == 1;
        });
        assertThat(removed).isZero();
        assertThat(table.get("a")).contains(2L);
        assertThat(Table.increment(table, "a", 1)).isEqualTo(3);
    }

    @Test
    @DisplayName("next and previous walk in order; first and last can be taken")
    void walk() {
        OrderedTable<Integer, Long> table = squares(4);
        List<Integer> keys = new ArrayList<>();
        Optional<Map.Entry<Integer, Long>> at = table.first();
        while (at.isPresent()) {
            keys.add(at.get().getKey());
            at = table.next(at.get().getKey());
        }
        assertThat(keys).containsExactly(0, 1, 2, 3);
        assertThat(table.previous(2)).contains(Map.entry(1, 1L));
        assertThat(table.previous(0)).isEmpty();
        assertThat(table.takeFirst()).contains(Map.entry(0, 0L));
        assertThat(table.takeLast()).contains(Map.entry(3, 9L));
        assertThat(table.size()).isEqualTo(2);
    }

    @Test
    @DisplayName("each entry is taken by one")
    void takenOnce() throws Exception {
        OrderedTable<Integer, Long> table = squares(10_000);
        AtomicInteger taken = new AtomicInteger();
        kernel.tasks(4).map(List.of(0, 1, 2, 3), which -> {
            while ((which % 2 == 0 ? table.takeFirst() : table.takeLast()).isPresent()) {
                taken.incrementAndGet();
            }
            return 0;
        });
        assertThat(taken.get()).isEqualTo(10_000);
        assertThat(table.size()).isZero();
        assertThat(table.takeFirst()).isEmpty();
    }

    @Test
    @DisplayName("values are replaced if present, or if as expected")
    void replaced() {
        Table<String, Integer> table = Table.hashed(kernel, "t", TableOptions.DEFAULT);
        assertThat(table.updateIfPresent("a", old -> old + 1)).isEmpty();
        table.put("a", 1, Duration.ofSeconds(5));
        assertThat(table.updateIfPresent("a", old -> old + 1)).contains(2);
        assertThat(table.replace("a", 1, 3)).isFalse();
        assertThat(table.replace("a", 2, 3)).isTrue();
        assertThat(table.get("a")).contains(3);
        clock.advance(Duration.ofSeconds(5));
        assertThat(table.replace("a", 3, 4)).isFalse();
        assertThat(table.size()).isZero();
    }

    @Test
    @DisplayName("a counter with a threshold starts anew beyond it")
    void threshold() {
        Table<String, Long> table = Table.hashed(kernel, "t", TableOptions.DEFAULT);
        assertThat(IntStream.range(0, 7)
                        .mapToObj(_ -> Table.increment(table, "up", 1, 3, 1))
                        .toList())
                .containsExactly(1L, 2L, 3L, 1L, 2L, 3L, 1L);
        table.put("down", 2L);
        assertThat(IntStream.range(0, 4)
                        .mapToObj(_ -> Table.increment(table, "down", -1, 0, 9))
                        .toList())
                .containsExactly(1L, 0L, 9L, 8L);
    }

    @Test
    @DisplayName("counters lose nothing to the removals beside them")
    void removals() throws Exception {
        Table<Integer, Long> table = Table.hashed(kernel, "t", TableOptions.DEFAULT);
        List<Long> sums = kernel.tasks(4).map(List.of(0, 1, 2, 3), which -> {
            long removed = 0;
            for (int i = 0; i < 20_000; i++) {
                if (which < 3) {
                    Table.increment(table, i % 3, 1);
                } else {
                    removed += table.remove(i % 3).orElse(0L);
                    table.removeIf((key, value) -> value < 0);
                    table.updateIfPresent(i % 3, value -> value);
                }
            }
            return removed;
        });
        long left = table.select((key, value) -> true, 10).stream()
                .mapToLong(Map.Entry::getValue)
                .sum();
        assertThat(sums.getLast() + left).isEqualTo(60_000);
    }

    @Test
    @DisplayName("info tells what a table is like")
    void info() {
        OrderedTable<Integer, Long> table =
                Table.ordered(kernel, "o", TableOptions.DEFAULT.withMaxEntries(2, WhenFull.REFUSE));
        table.put(1, 1L);
        table.put(2, 2L);
        assertThatThrownBy(() -> table.put(3, 3L)).isInstanceOf(TableFullException.class);
        assertThat(table.info()).isEqualTo(new TableInfo("o", true, 2, 2, "", 0, 0, 1));
    }

    @Test
    @DisplayName("any sequence of operations does what a sorted map with deadlines does")
    void model() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        record Value(long number, long deadline) {}
        for (int round = 0; round < 30; round++) {
            OrderedTable<Integer, Long> table = Table.ordered(kernel, "model", TableOptions.DEFAULT);
            TreeMap<Integer, Value> model = new TreeMap<>();
            for (int i = 0; i < 500; i++) {
                String at = "seed " + seed + " round " + round + " step " + i;
                long now = clock.nanoTime();
                model.values().removeIf(value -> value.deadline <= now);
                int key = random.nextInt(20);
                long number = random.nextInt(100);
                Value old = model.get(key);
                Long before = old == null ? null : (Long) old.number;
                long deadline = old == null ? Long.MAX_VALUE : old.deadline;
                switch (random.nextInt(10)) {
                    case 0 -> {
                        table.put(key, number);
                        model.put(key, new Value(number, Long.MAX_VALUE));
                    }
                    case 1 -> {
                        table.put(key, number, Duration.ofSeconds(1 + number));
                        model.put(
                                key,
                                new Value(
                                        number,
                                        now + Duration.ofSeconds(1 + number).toNanos()));
                    }
                    case 2 -> {
                        assertThat(table.putIfAbsent(key, number)).as(at).isEqualTo(old == null);
                        model.putIfAbsent(key, new Value(number, Long.MAX_VALUE));
                    }
                    case 3 -> {
                        long sum = (before == null ? 0 : before) + number;
                        assertThat(Table.increment(table, key, number)).as(at).isEqualTo(sum);
                        model.put(key, new Value(sum, deadline));
                    }
                    case 4 -> {
                        assertThat(table.remove(key)).as(at).isEqualTo(Optional.ofNullable(before));
                        model.remove(key);
                    }
                    case 5 -> {
                        boolean equal = before != null && before == number;
                        assertThat(table.replace(key, number, -1L)).as(at).isEqualTo(equal);
                        if (equal) {
                            model.put(key, new Value(-1, deadline));
                        }
                    }
                    case 6 -> {
                        int matching = (int) model.values().stream()
                                .filter(value -> value.number % 7 == 0)
                                .count();
                        assertThat(table.removeIf((_, value) -> value % 7 == 0))
                                .as(at)
                                .isEqualTo(matching);
                        model.values().removeIf(value -> value.number % 7 == 0);
                    }
                    case 7 -> {
                        assertThat(table.takeFirst().map(Map.Entry::getKey))
                                .as(at)
                                .isEqualTo(Optional.ofNullable(model.isEmpty() ? null : model.firstKey()));
                        model.pollFirstEntry();
                    }
                    case 8 ->
                        assertThat(table.next(key).map(Map.Entry::getKey))
                                .as(at)
                                .isEqualTo(Optional.ofNullable(model.higherKey(key)));
                    default -> clock.advance(Duration.ofSeconds(random.nextInt(10)));
                }
                assertThat(table.get(key))
                        .as(at)
                        .isEqualTo(Optional.ofNullable(model.get(key))
                                .filter(value -> value.deadline > clock.nanoTime())
                                .map(Value::number));
            }
            table.close();
        }
    }
}
