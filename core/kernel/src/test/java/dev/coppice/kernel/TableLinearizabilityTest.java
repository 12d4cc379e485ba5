package dev.coppice.kernel;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tables under Lincheck: whatever threads do with few keys at a time could have happened one after the other. The number of
 * entries, and so the bound, is not part of that: room is taken before the entry is there.
 */
public final class TableLinearizabilityTest {
    private static final Kernel KERNEL = Kernel.start(new SimulatedClock(), 1);

    /** What both sorts of table do. */
    @Param(name = "key", gen = IntGen.class, conf = "1:2")
    @Param(name = "value", gen = IntGen.class, conf = "1:3")
    abstract static class Operations {
        private final Table<Integer, Long> table;

        Operations(Table<Integer, Long> table) {
            this.table = table;
        }

        @Operation
        public Optional<Long> get(@Param(name = "key") int key) {
            return table.get(key);
        }

        @Operation
        public void put(@Param(name = "key") int key, @Param(name = "value") int value) {
            table.put(key, (long) value);
        }

        @Operation
        public boolean putIfAbsent(@Param(name = "key") int key, @Param(name = "value") int value) {
            return table.putIfAbsent(key, (long) value);
        }

        @Operation
        public long increment(@Param(name = "key") int key, @Param(name = "value") int value) {
            return Table.increment(table, key, value);
        }

        @Operation
        public long incrementTo4(@Param(name = "key") int key, @Param(name = "value") int value) {
            return Table.increment(table, key, value, 4, 0);
        }

        @Operation
        public Optional<Long> triple(@Param(name = "key") int key) {
            return table.updateIfPresent(key, old -> old * 3);
        }

        @Operation
        public boolean replace(@Param(name = "key") int key, @Param(name = "value") int value) {
            return table.replace(key, (long) value, value + 1L);
        }

        @Operation
        public Optional<Long> remove(@Param(name = "key") int key) {
            return table.remove(key);
        }

        final void checkSize() {
            int entries = table.count((key, value) -> true);
            if (table.size() != entries) {
                throw new IllegalStateException("size " + table.size() + ", entries " + entries);
            }
        }
    }

    public static final class Hashed extends Operations {
        public Hashed() {
            super(Table.hashed(KERNEL, "hashed", TableOptions.DEFAULT));
        }

        @Validate
        public void sizeIsTheNumberOfEntries() {
            checkSize();
        }
    }

    public static final class Ordered extends Operations {
        private final OrderedTable<Integer, Long> table;

        public Ordered() {
            this(Table.ordered(KERNEL, "ordered", TableOptions.DEFAULT));
        }

        private Ordered(OrderedTable<Integer, Long> table) {
            super(table);
            this.table = table;
        }

        @Validate
        public void sizeIsTheNumberOfEntries() {
            checkSize();
        }

        @Operation
        public Optional<Map.Entry<Integer, Long>> first() {
            return table.first();
        }

        @Operation
        public Optional<Map.Entry<Integer, Long>> next(@Param(name = "key") int key) {
            return table.next(key);
        }
    }

    /** One thread, an ordinary map. */
    public static final class Sequential {
        private final Map<Integer, Long> map = new HashMap<>();

        public Optional<Long> get(int key) {
            return Optional.ofNullable(map.get(key));
        }

        public void put(int key, int value) {
            map.put(key, (long) value);
        }

        public boolean putIfAbsent(int key, int value) {
            return map.putIfAbsent(key, (long) value) == null;
        }

        public long increment(int key, int value) {
            return map.merge(key, (long) value, Long::sum);
        }

        public long incrementTo4(int key, int value) {
            long sum = map.getOrDefault(key, 0L) + value;
            map.put(key, sum > 4 ? 0 : sum);
            return map.get(key);
        }

        public Optional<Long> triple(int key) {
            return Optional.ofNullable(map.computeIfPresent(key, (_, old) -> old * 3));
        }

        public boolean replace(int key, int value) {
            return map.replace(key, (long) value, value + 1L);
        }

        public Optional<Long> remove(int key) {
            return Optional.ofNullable(map.remove(key));
        }

        public Optional<Map.Entry<Integer, Long>> first() {
            return next(Integer.MIN_VALUE);
        }

        public Optional<Map.Entry<Integer, Long>> next(int key) {
            return map.entrySet().stream()
                    .filter(entry -> entry.getKey() > key)
                    .min(Map.Entry.comparingByKey())
                    .map(entry -> Map.entry(entry.getKey(), entry.getValue()));
        }
    }

    @Test
    @DisplayName("a hashed table is linearizable")
    void hashed() {
        Linearizability.stress(Hashed.class, Sequential.class);
    }

    @Test
    @DisplayName("an ordered table is linearizable")
    void ordered() {
        Linearizability.stress(Ordered.class, Sequential.class);
    }
}
