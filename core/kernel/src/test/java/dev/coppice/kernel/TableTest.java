package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.TableOptions.WhenFull;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class TableTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 7);

    @AfterEach
    void close() {
        kernel.close();
    }

    private Table<String, Integer> table(TableOptions options) {
        return Table.hashed(kernel, "t", options);
    }

    @Test
    void putsGetsAndRemoves() {
        Table<String, Integer> table = table(TableOptions.DEFAULT);
        table.put("a", 1);
        table.put("a", 2);
        assertThat(table.get("a")).contains(2);
        assertThat(table.putIfAbsent("a", 3)).isFalse();
        assertThat(table.putIfAbsent("b", 4)).isTrue();
        assertThat(table.update("b", 0, old -> old + 1)).isEqualTo(5);
        assertThat(table.remove("a")).contains(2);
        assertThat(table.remove("a")).isEmpty();
        assertThat(table.size()).isEqualTo(1);
        table.clear();
        assertThat(table.size()).isZero();
    }

    @Test
    void anOrderedTableKnowsItsRanges() {
        OrderedTable<Integer, String> table = Table.ordered(kernel, "o", TableOptions.DEFAULT);
        for (int i : new int[] {30, 10, 20, 40}) {
            table.put(i, "v" + i);
        }
        List<Integer> seen = new ArrayList<>();
        table.range(10, 40, (key, _) -> seen.add(key));
        assertThat(seen).containsExactly(10, 20, 30);
        assertThat(table.first()).contains(Map.entry(10, "v10"));
        assertThat(table.last()).contains(Map.entry(40, "v40"));
        assertThat(table.ceiling(21)).contains(Map.entry(30, "v30"));
        assertThat(table.floor(19)).contains(Map.entry(10, "v10"));
        assertThat(table.ceiling(41)).isEmpty();
    }

    @Test
    void entriesExpireOnTheKernelsClock() {
        Table<String, Integer> table = table(TableOptions.DEFAULT.withTimeToLive(Duration.ofSeconds(10)));
        table.put("a", 1);
        table.put("short", 2, Duration.ofSeconds(1));
        table.put("ever", 3, null);
        clock.advance(Duration.ofSeconds(1));
        assertThat(table.get("short")).isEmpty();
        assertThat(table.size()).isEqualTo(2);
        clock.advance(Duration.ofSeconds(8));
        table.put("a", 4);
        clock.advance(Duration.ofSeconds(2));
        assertThat(table.get("a")).contains(4);
        assertThat(table.update("a", 0, old -> old + 1)).isEqualTo(5);
        clock.advance(Duration.ofSeconds(8));
        assertThat(table.get("a")).isEmpty();
        assertThat(table.size()).isEqualTo(1);
        assertThat(table.expired.sum()).isEqualTo(2);
        assertThat(clock.pending()).isZero();
    }

    @Test
    void aFullTableRefusesNewKeys() {
        Table<String, Integer> table = table(TableOptions.DEFAULT.withMaxEntries(2, WhenFull.REFUSE));
        table.put("a", 1);
        table.put("b", 2);
        assertThatThrownBy(() -> table.put("c", 3))
                .isInstanceOf(TableFullException.class)
                .hasMessageContaining("2 entries");
        table.put("a", 4);
        table.remove("b");
        table.put("c", 3);
        assertThat(table.size()).isEqualTo(2);
        assertThat(table.refused.sum()).isEqualTo(1);
    }

    @Test
    void aFullTableEvictsItsOldestKey() {
        Table<Integer, Integer> table =
                Table.hashed(kernel, "evicting", TableOptions.DEFAULT.withMaxEntries(3, WhenFull.EVICT_OLDEST));
        for (int i = 0; i < 3; i++) {
            table.put(i, i);
        }
        table.put(0, 100);
        table.updateIfPresent(0, old -> old + 1);
        assertThat(table.replace(0, 101, 102)).isTrue();
        table.put(3, 3);
        assertThat(table.get(0)).isEmpty();
        assertThat(table.get(1)).contains(1);
        assertThat(table.size()).isEqualTo(3);
        assertThat(table.evicted.sum()).isEqualTo(1);
        GaugeSnapshot entries = (GaugeSnapshot) kernel.metrics()
                .scrape(name -> name.equals("coppice_kernel_table_entries"))
                .get(0);
        assertThat(entries.getDataPoints()).singleElement().satisfies(point -> {
            assertThat(point.getLabels().get("table")).isEqualTo("evicting");
            assertThat(point.getValue()).isEqualTo(3);
        });
    }

    @Test
    void aTableIsGoneWithItsOwner() throws StartException {
        ProcessRef<String> owner = quitter("owner", new ArrayList<>());
        Table<String, Integer> table = table(TableOptions.DEFAULT);
        table.put("a", 1);
        table.giveTo(owner);
        owner.cast("quit");
        eventually("gone", table::isGone);
        assertThatThrownBy(() -> table.get("a"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("its owner /owner ended");
    }

    @Test
    void aTableGoesToTheHeirAndDiesWithIt() throws StartException {
        List<String> heard = new CopyOnWriteArrayList<>();
        ProcessRef<String> owner = quitter("owner", new ArrayList<>());
        ProcessRef<String> heir = quitter("heir", heard);
        Table<String, Integer> table = table(TableOptions.DEFAULT);
        table.put("a", 1);
        table.giveTo(owner, heir, "yours");
        owner.cast("quit");
        eventually("the heir hears of it", () -> heard.equals(List.of("yours")));
        assertThat(table.get("a")).contains(1);
        assertThat(table.owner()).contains(heir);
        heir.cast("quit");
        eventually("gone", table::isGone);
    }

    private ProcessRef<String> quitter(String name, List<String> heard) throws StartException {
        return kernel.root()
                .startProcess(ChildSpec.<String>process(name, () -> (self, message) -> {
                            if (message.equals("quit")) {
                                self.stop();
                            } else {
                                heard.add(message);
                            }
                        })
                        .withRestart(ChildSpec.Restart.TEMPORARY));
    }

    @Test
    void countersLoseNothingUnderContention() throws Exception {
        Table<Integer, Long> table = Table.hashed(kernel, "counters", TableOptions.DEFAULT);
        OrderedTable<Integer, Long> sorted = Table.ordered(kernel, "sorted", TableOptions.DEFAULT);
        kernel.tasks(8).map(IntStream.range(0, 8).boxed().toList(), _ -> {
            for (int i = 0; i < 5_000; i++) {
                Table.increment(table, i % 10, 1);
                Table.increment(sorted, i % 10, 2);
            }
            return 0;
        });
        for (int i = 0; i < 10; i++) {
            assertThat(table.get(i)).contains(4_000L);
            assertThat(sorted.get(i)).contains(8_000L);
        }
    }

    @Test
    void countersMixWithOtherWritesAndLoseNothing() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Table<Integer, Long> table = Table.hashed(kernel, "mixed", TableOptions.DEFAULT);
        List<Long> balances = kernel.tasks(4)
                .map(List.of(random.split(), random.split(), random.split(), random.split()), own -> {
                    long added = 0;
                    for (int i = 0; i < 20_000; i++) {
                        int key = own.nextInt(3);
                        switch (own.nextInt(8)) {
                            case 0 -> added -= table.remove(key).orElse(0L);
                            case 1 -> added += table.update(key, 0L, old -> old + 1) > 0 ? 1 : 0;
                            case 2 -> added += table.putIfAbsent(key, 5L) ? 5 : 0;
                            default -> {
                                Table.increment(table, key, 1);
                                added++;
                            }
                        }
                    }
                    return added;
                });
        long left = IntStream.range(0, 3)
                .mapToLong(key -> table.get(key).orElse(0L))
                .sum();
        assertThat(balances.stream().mapToLong(Long::longValue).sum())
                .as("seed " + seed)
                .isEqualTo(left);
    }

    @Test
    void aSumBeyondTheRangeOfALongIsRefused() {
        Table<String, Long> table = Table.hashed(kernel, "far", TableOptions.DEFAULT);
        assertThat(Table.increment(table, "low", Long.MIN_VALUE + 1)).isEqualTo(Long.MIN_VALUE + 1);
        assertThat(Table.increment(table, "low", -1)).isEqualTo(Long.MIN_VALUE);
        assertThat(table.get("low")).contains(Long.MIN_VALUE);
        assertThatThrownBy(() -> Table.increment(table, "low", -1)).isInstanceOf(ArithmeticException.class);
        assertThat(Table.increment(table, "low", 3)).isEqualTo(Long.MIN_VALUE + 3);
        assertThat(table.remove("low")).contains(Long.MIN_VALUE + 3);
        assertThat(Table.increment(table, "low", 1)).isEqualTo(1);
    }

    @Test
    void aVisitDoesNotHoldUpWriters() throws Exception {
        Table<Integer, Integer> table = Table.hashed(kernel, "visited", TableOptions.DEFAULT);
        for (int i = 0; i < 1_000; i++) {
            table.put(i, i);
        }
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch written = new CountDownLatch(1);
        List<Integer> seen = new ArrayList<>();
        kernel.tasks(2).map(List.of("reader", "writer"), role -> {
            if (role.equals("writer")) {
                inside.await();
                for (int i = 0; i < 1_000; i++) {
                    table.put(i, -i);
                    table.put(10_000 + i, 0);
                }
                written.countDown();
            } else {
                table.forEach((key, _) -> {
                    inside.countDown();
                    try {
                        written.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    if (key < 10_000) {
                        seen.add(key);
                    }
                });
            }
            return 0;
        });
        assertThat(seen).hasSize(1_000).doesNotHaveDuplicates();
    }

    /** Histories of few operations on one key by three threads, each checked against every order that real time allows. */
    @Test
    void operationsAreLinearizable() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 300; round++) {
            Table<Integer, Integer> table = round % 2 == 0
                    ? Table.hashed(kernel, "l", TableOptions.DEFAULT)
                    : Table.ordered(kernel, "l", TableOptions.DEFAULT.withMaxEntries(10, WhenFull.EVICT_OLDEST));
            List<Step> history = new CopyOnWriteArrayList<>();
            CountDownLatch go = new CountDownLatch(1);
            List<SplittableRandom> sources = List.of(random.split(), random.split(), random.split());
            kernel.tasks(3).map(sources, own -> {
                if (own == sources.getLast()) {
                    go.countDown();
                }
                go.await();
                for (int i = 0; i < 3; i++) {
                    int operation = own.nextInt(4);
                    int argument = own.nextInt(100);
                    long from = System.nanoTime();
                    Integer result = apply(table, operation, argument);
                    history.add(new Step(operation, argument, result, from, System.nanoTime()));
                }
                return 0;
            });
            assertThat(explained(new ArrayList<>(history), null))
                    .as("seed " + seed + " round " + round + " " + history)
                    .isTrue();
            table.close();
        }
    }

    private record Step(int operation, int argument, Integer result, long from, long to) {}

    private static Integer apply(Table<Integer, Integer> table, int operation, int argument) {
        return switch (operation) {
            case 0 -> table.get(0).orElse(null);
            case 1 -> table.update(0, 0, old -> old + argument);
            case 2 -> table.remove(0).orElse(null);
            default -> table.putIfAbsent(0, argument) ? 1 : 0;
        };
    }

    private static boolean explained(List<Step> left, Integer value) {
        if (left.isEmpty()) {
            return true;
        }
        long firstEnd = left.stream().mapToLong(Step::to).min().orElseThrow();
        for (Step step : left) {
            if (step.from > firstEnd) {
                continue;
            }
            Integer result = switch (step.operation) {
                case 0, 2 -> value;
                case 1 -> (value == null ? 0 : value) + step.argument;
                default -> value == null ? 1 : 0;
            };
            if (Objects.equals(result, step.result)) {
                Integer next = switch (step.operation) {
                    case 0 -> value;
                    case 1 -> result;
                    case 2 -> null;
                    default -> value == null ? (Integer) step.argument : value;
                };
                List<Step> rest = new ArrayList<>(left);
                rest.remove(step);
                if (explained(rest, next)) {
                    return true;
                }
            }
        }
        return false;
    }

    @Test
    void theBoundHoldsWhateverHappens() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        Table<Integer, Integer> table =
                Table.hashed(kernel, "b", TableOptions.DEFAULT.withMaxEntries(50, WhenFull.EVICT_OLDEST));
        kernel.tasks(4).map(List.of(random.split(), random.split(), random.split(), random.split()), own -> {
            for (int i = 0; i < 5_000; i++) {
                int key = own.nextInt(200);
                switch (own.nextInt(4)) {
                    case 0 -> table.remove(key);
                    case 1 -> table.put(key, i, Duration.ofSeconds(1 + own.nextInt(5)));
                    case 2 -> table.update(key, 0, old -> old + 1);
                    default -> table.put(key, i);
                }
                assertThat(table.size()).as("seed " + seed).isBetween(0, 50);
            }
            return 0;
        });
        Map<Integer, Integer> seen = new TreeMap<>();
        table.forEach(seen::put);
        assertThat(seen).as("seed " + seed).hasSize(table.size());
        clock.advance(Duration.ofSeconds(10));
        assertThat(clock.pending()).isZero();
    }
}
