package dev.coppice.kernel;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A concurrent table in memory that many processes share (OTP: ETS), bounded, with entries that may expire on the kernel's
 * clock. Each operation on one key is atomic and linearizable; an expired entry is never seen. Values have to be immutable.
 *
 * <p>A table may have an owner: when that process ends (a restart is an end, too), the table goes to its heir, or it is gone
 * and every further use of it throws {@link IllegalStateException}. Safe for use by many threads.
 */
public sealed class Table<K, V> implements AutoCloseable permits OrderedTable {
    private final Kernel kernel;
    private final String name;
    private final TableOptions options;
    private final ConcurrentMap<K, TableCell<K, V>> cells;
    private final ConcurrentSkipListMap<Long, TableCell<K, V>> ages = new ConcurrentSkipListMap<>();
    private final TableExpiries<K, V> expiries;
    private final AtomicInteger size = new AtomicInteger();
    private final AtomicLong sequence = new AtomicLong();
    private final Object ownership = new Object();
    /** Who has it; written under {@code ownership}, as is {@code gone}. */
    private volatile @Nullable Tenure tenure;

    private volatile @Nullable String gone;
    final LongAdder evicted = new LongAdder();
    final LongAdder expired = new LongAdder();
    final LongAdder refused = new LongAdder();

    Table(Kernel kernel, String name, TableOptions options, ConcurrentMap<K, TableCell<K, V>> cells) {
        this.kernel = kernel;
        this.name = name;
        this.options = options;
        this.cells = cells;
        this.expiries = new TableExpiries<>(kernel, this);
        TableMetrics.of(kernel).add(this);
    }

    /** A table without an order (ETS: set). */
    public static <K, V> Table<K, V> hashed(Kernel kernel, String name, TableOptions options) {
        return new Table<>(kernel, name, options, new ConcurrentHashMap<>());
    }

    /** A table in the natural order of its keys (ETS: ordered_set). */
    public static <K extends Comparable<? super K>, V> OrderedTable<K, V> ordered(
            Kernel kernel, String name, TableOptions options) {
        return OrderedTable.create(kernel, name, options);
    }

    /** Its name in metrics; need not be unique. */
    public String name() {
        return name;
    }

    /** The process it belongs to, if any. */
    public Optional<ProcessRef<?>> owner() {
        Tenure now = tenure;
        return now == null ? Optional.empty() : Optional.of(now.owner);
    }

    /** True once it was closed, or its owner ended without an heir. */
    public boolean isGone() {
        return gone != null;
    }

    /** Ties it to a process: when that one ends, the table is gone (ETS: give_away). */
    public void giveTo(ProcessRef<?> newOwner) {
        belongTo(new Tenure(newOwner, null));
    }

    /**
     * Ties it to a process with an heir: when the owner ends the heir becomes the owner and gets the message, even if its
     * mailbox is full (ETS: ETS-TRANSFER). When the heir is dead by then, or ends later, the table is gone.
     */
    public <M> void giveTo(ProcessRef<?> newOwner, ProcessRef<M> heir, M message) {
        belongTo(new Tenure(newOwner, new Heir<>(heir, message)));
    }

    private void belongTo(Tenure next) {
        Tenure before;
        synchronized (ownership) {
            requireOpen();
            before = tenure;
            tenure = next;
        }
        if (before != null) {
            before.cancel();
        }
        watch(next);
    }

    /** Not under the lock: a dead owner's monitor acts at once. */
    private void watch(Tenure now) {
        now.watch = now.owner.monitor(_ -> ownerEnded(now));
        if (tenure != now || gone != null) {
            now.cancel();
        }
    }

    private void ownerEnded(Tenure ended) {
        Heir<?> heir = ended.heir;
        if (heir == null) {
            end("its owner " + ended.owner.name() + " ended", ended);
            return;
        }
        Tenure next = new Tenure(heir.process, null);
        synchronized (ownership) {
            if (tenure != ended || gone != null) {
                return;
            }
            tenure = next;
        }
        watch(next);
        if (!isGone()) {
            heir.tell();
        }
    }

    /** The time in which a process has the table. Compared by identity: the same process may be given it twice. */
    private static final class Tenure {
        final ProcessRef<?> owner;
        final @Nullable Heir<?> heir;
        volatile @Nullable Monitor watch;

        Tenure(ProcessRef<?> owner, @Nullable Heir<?> heir) {
            this.owner = owner;
            this.heir = heir;
        }

        void cancel() {
            Monitor set = watch;
            if (set != null) {
                set.cancel();
            }
        }
    }

    private record Heir<M>(ProcessRef<M> process, M message) {
        void tell() {
            ProcessAddress.castAlways(process, message);
        }
    }

    /** The value of a key. */
    public Optional<V> get(K key) {
        requireOpen();
        TableCell<K, V> cell = cells.get(key);
        return cell != null && isAlive(cell) ? Optional.of(cell.value()) : Optional.empty();
    }

    /** Sets a value, to live as long as the options say. Throws {@link TableFullException} when there is no room. */
    public void put(K key, V value) {
        put(key, value, options.timeToLive());
    }

    /** Sets a value that lives so long; null for ever. */
    public void put(K key, V value, @Nullable Duration timeToLive) {
        write(key, timeToLive, false, false, _ -> value);
    }

    /** Sets a value unless there is one; true when it did. */
    public boolean putIfAbsent(K key, V value) {
        boolean[] was = new boolean[1];
        write(key, options.timeToLive(), true, false, old -> {
            was[0] = old != null;
            return old == null ? value : old;
        });
        return !was[0];
    }

    /**
     * Replaces a value by a function of it, atomically, and gives the new one. It may call the function several times.
     * The time to live of a present entry goes on.
     *
     * @param initial what the function gets when there is no value
     */
    public V update(K key, V initial, UnaryOperator<V> function) {
        return write(key, options.timeToLive(), true, false, old -> function.apply(old == null ? initial : old));
    }

    /**
     * Adds to a counter, from 0 when there is none, and gives the sum (ETS: update_counter).
     *
     * @throws ArithmeticException when the sum leaves the range of a long; nothing changes then
     */
    public static <K> long increment(Table<K, Long> table, K key, long delta) {
        while (true) {
            table.requireOpen();
            TableCell<K, Long> cell = table.cells.get(key);
            if (cell == null || !(cell instanceof CounterCell<K, Long> counter) || !table.isAlive(cell)) {
                return table.write(
                        key,
                        table.options.timeToLive(),
                        true,
                        true,
                        old -> old == null ? delta : Math.addExact(old, delta));
            }
            OptionalLong sum = counter.add(delta);
            if (sum.isPresent()) {
                return sum.getAsLong();
            }
            // Somebody froze it and is about to replace the entry: whoever comes first.
            long last = counter.lastValue();
            boolean counts = last + delta != CounterCell.FROZEN;
            table.cells.replace(key, cell, newCell(key, last, cell.born, cell.expiry, counts));
        }
    }

    /**
     * Adds to a counter that starts anew when it leaves its range (ETS: update_counter with a threshold).
     *
     * @param threshold the last value of the range: the greatest when it counts up, the least when it counts down
     * @param reset what follows beyond the threshold
     */
    public static <K> long increment(Table<K, Long> table, K key, long delta, long threshold, long reset) {
        return table.update(key, 0L, old -> {
            long sum = Math.addExact(old, delta);
            return (delta >= 0 ? sum > threshold : sum < threshold) ? reset : sum;
        });
    }

    /** Whether there is a value of that key (ETS: member). */
    public boolean contains(K key) {
        return get(key).isPresent();
    }

    /** Replaces a value, if there is one, by a function of it, atomically; gives the new one. */
    public Optional<V> updateIfPresent(K key, UnaryOperator<V> function) {
        return swap(key, function::apply);
    }

    /** Replaces a value that equals the expected one; true when it did. */
    public boolean replace(K key, V expected, V value) {
        return swap(key, old -> old.equals(expected) ? value : null).isPresent();
    }

    /** Replaces a value unless the function gives null. Its time to live goes on. */
    private Optional<V> swap(K key, Function<V, @Nullable V> function) {
        while (true) {
            requireOpen();
            TableCell<K, V> old = cells.get(key);
            if (old == null || !isAlive(old)) {
                return Optional.empty();
            }
            V value = function.apply(old.lastValue());
            if (value == null) {
                return Optional.empty();
            }
            if (cells.replace(key, old, newCell(key, value, old.born, old.expiry, false))) {
                return Optional.of(value);
            }
        }
    }

    /** Removes a key and gives its value (ETS: take). */
    public Optional<V> remove(K key) {
        requireOpen();
        while (true) {
            TableCell<K, V> cell = cells.get(key);
            if (cell == null) {
                return Optional.empty();
            }
            boolean alive = isAlive(cell);
            if (discard(cell)) {
                return alive ? Optional.of(cell.value()) : Optional.empty();
            }
        }
    }

    /** Entries now, expired ones that were not yet swept included. */
    public int size() {
        return size.get();
    }

    /**
     * Visits all entries without holding up writers: an entry there during the whole visit is seen exactly once, one that
     * is written meanwhile may be seen or not.
     */
    public void forEach(BiConsumer<? super K, ? super V> visitor) {
        visit(cells, visitor);
    }

    /** The entries that match, at most {@code limit}; see {@link #forEach} (ETS: select). */
    public List<Map.Entry<K, V>> select(BiPredicate<? super K, ? super V> predicate, int limit) {
        requireOpen();
        List<Map.Entry<K, V>> found = new ArrayList<>();
        for (TableCell<K, V> cell : cells.values()) {
            if (found.size() >= limit) {
                break;
            }
            V value = cell.value();
            if (isAlive(cell) && predicate.test(cell.key, value)) {
                found.add(Map.entry(cell.key, value));
            }
        }
        return found;
    }

    /** The number of entries that match (ETS: select_count). */
    public int count(BiPredicate<? super K, ? super V> predicate) {
        int[] found = new int[1];
        forEach((key, value) -> found[0] += predicate.test(key, value) ? 1 : 0);
        return found[0];
    }

    /** Removes the entries that match, each atomically; gives their number (ETS: select_delete). */
    public int removeIf(BiPredicate<? super K, ? super V> predicate) {
        requireOpen();
        int removed = 0;
        for (K key : cells.keySet()) {
            TableCell<K, V> cell = cells.get(key);
            while (cell != null && isAlive(cell) && predicate.test(key, cell.value())) {
                // A counter may have gone on since: what is tested is what is removed.
                if (predicate.test(key, cell.lastValue()) && discard(cell)) {
                    removed++;
                    break;
                }
                cell = cells.get(key);
            }
        }
        return removed;
    }

    /** What the tables of a kernel are like that are not gone, the greatest first (ETS: i). */
    public static List<TableInfo> infos(Kernel kernel, int limit) {
        return TableMetrics.of(kernel).infos(limit);
    }

    /** What it is like now. */
    public TableInfo info() {
        Tenure now = tenure;
        return new TableInfo(
                name,
                this instanceof OrderedTable<?, ?>,
                size(),
                options.maxEntries(),
                now == null ? "" : now.owner.name(),
                evicted.sum(),
                expired.sum(),
                refused.sum());
    }

    /** Removes everything. */
    public void clear() {
        requireOpen();
        cells.values().forEach(this::discard);
    }

    /** Ends it: every further use throws. */
    @Override
    public void close() {
        end("it was closed", null);
    }

    final void visit(Map<K, TableCell<K, V>> view, BiConsumer<? super K, ? super V> visitor) {
        requireOpen();
        for (TableCell<K, V> cell : view.values()) {
            if (isAlive(cell)) {
                visitor.accept(cell.key, cell.value());
            }
        }
    }

    final boolean isAlive(TableCell<K, V> cell) {
        return expiries.isAlive(cell);
    }

    final @Nullable TableCell<K, V> cell(K key) {
        return cells.get(key);
    }

    /** Entries that will expire. */
    final int expiring() {
        return expiries.size();
    }

    final void requireOpen() {
        String why = gone;
        if (why != null) {
            throw new IllegalStateException("table " + name + " is gone: " + why);
        }
    }

    private interface Change<V> {
        V apply(@Nullable V old);
    }

    private V write(K key, @Nullable Duration timeToLive, boolean keepExpiry, boolean counting, Change<V> change) {
        while (true) {
            requireOpen();
            TableCell<K, V> old = cells.get(key);
            if (old != null && !isAlive(old)) {
                if (discard(old)) {
                    expired.increment();
                }
                continue;
            }
            V before = old == null ? null : old.lastValue();
            V value = change.apply(before);
            if (old != null && before == value && keepExpiry && !counting) {
                return value;
            }
            TableCell.Expiry expiry = old != null && keepExpiry ? old.expiry : expiries.after(timeToLive);
            if (old != null) {
                TableCell<K, V> cell = newCell(key, value, old.born, expiry, counting);
                if (cells.replace(key, old, cell)) {
                    replaced(old, cell);
                    return value;
                }
            } else {
                reserve();
                TableCell<K, V> cell = newCell(key, value, sequence.incrementAndGet(), expiry, counting);
                if (cells.putIfAbsent(key, cell) == null) {
                    inserted(cell);
                    return value;
                }
                size.decrementAndGet();
            }
        }
    }

    private static <K, V> TableCell<K, V> newCell(
            K key, V value, long born, TableCell.@Nullable Expiry expiry, boolean counting) {
        return counting && value instanceof Long sum && sum != CounterCell.FROZEN
                ? new CounterCell<>(key, sum, born, expiry)
                : new TableCell<>(key, value, born, expiry);
    }

    private void reserve() {
        while (true) {
            int now = size.get();
            if (now < options.maxEntries()) {
                if (size.compareAndSet(now, now + 1)) {
                    return;
                }
            } else if (!expiries.sweepOne()) {
                if (options.whenFull() == TableOptions.WhenFull.REFUSE) {
                    refused.increment();
                    throw new TableFullException("table " + name + " holds " + options.maxEntries()
                            + " entries, its limit: remove some, or raise maxEntries");
                }
                evictOne();
            }
        }
    }

    private void evictOne() {
        Map.Entry<Long, TableCell<K, V>> oldest = ages.pollFirstEntry();
        if (oldest == null) {
            Thread.onSpinWait();
            return;
        }
        while (true) {
            TableCell<K, V> cell = cells.get(oldest.getValue().key);
            if (cell == null || cell.born != oldest.getKey()) {
                return;
            }
            if (discard(cell)) {
                evicted.increment();
                return;
            }
        }
    }

    private void inserted(TableCell<K, V> cell) {
        if (options.whenFull() == TableOptions.WhenFull.EVICT_OLDEST) {
            ages.put(cell.born, cell);
            TableCell<K, V> now = cells.get(cell.key);
            if (now == null || now.born != cell.born) {
                ages.remove(cell.born);
            }
        }
        expiries.add(cell);
        if (gone != null) {
            cells.clear();
        }
    }

    private void replaced(TableCell<K, V> old, TableCell<K, V> cell) {
        if (old.expiry != cell.expiry) {
            expiries.remove(old.expiry);
            expiries.add(cell);
        }
    }

    /** Takes out exactly this cell; false when another value took its place. */
    final boolean discard(TableCell<K, V> cell) {
        cell.lastValue();
        if (!cells.remove(cell.key, cell)) {
            return false;
        }
        size.decrementAndGet();
        if (options.whenFull() == TableOptions.WhenFull.EVICT_OLDEST) {
            ages.remove(cell.born);
        }
        expiries.remove(cell.expiry);
        return true;
    }

    /** @param of ends it only if it still belongs to that one; null in any case */
    private void end(String why, @Nullable Tenure of) {
        Tenure last;
        synchronized (ownership) {
            last = tenure;
            if (gone != null || (of != null && of != last)) {
                return;
            }
            gone = why;
        }
        if (last != null) {
            last.cancel();
        }
        expiries.close();
        cells.clear();
        ages.clear();
        size.set(0);
        TableMetrics.of(kernel).remove(this);
    }
}
