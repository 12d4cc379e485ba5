package dev.coppice.kernel;

import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BiConsumer;

/** A {@link Table} that keeps its keys in their natural order (ETS: ordered_set). Safe for use by many threads. */
public final class OrderedTable<K extends Comparable<? super K>, V> extends Table<K, V> {
    private final ConcurrentSkipListMap<K, TableCell<K, V>> sorted;

    private OrderedTable(
            Kernel kernel, String name, TableOptions options, ConcurrentSkipListMap<K, TableCell<K, V>> sorted) {
        super(kernel, name, options, sorted);
        this.sorted = sorted;
    }

    static <K extends Comparable<? super K>, V> OrderedTable<K, V> create(
            Kernel kernel, String name, TableOptions options) {
        return new OrderedTable<K, V>(kernel, name, options, new ConcurrentSkipListMap<K, TableCell<K, V>>());
    }

    /** The entry with the least key. */
    public Optional<Map.Entry<K, V>> first() {
        return firstAlive(sorted);
    }

    /** The entry with the greatest key. */
    public Optional<Map.Entry<K, V>> last() {
        return firstAlive(sorted.descendingMap());
    }

    /** The entry with the least key that is not below the given one. */
    public Optional<Map.Entry<K, V>> ceiling(K key) {
        return firstAlive(sorted.tailMap(key, true));
    }

    /** The entry with the greatest key that is not above the given one. */
    public Optional<Map.Entry<K, V>> floor(K key) {
        return firstAlive(sorted.headMap(key, true).descendingMap());
    }

    /** The entry with the least key above the given one (ETS: next). */
    public Optional<Map.Entry<K, V>> next(K key) {
        return firstAlive(sorted.tailMap(key, false));
    }

    /** The entry with the greatest key below the given one (ETS: prev). */
    public Optional<Map.Entry<K, V>> previous(K key) {
        return firstAlive(sorted.headMap(key, false).descendingMap());
    }

    /** Removes the entry with the least key and gives it; each entry goes to one caller. */
    public Optional<Map.Entry<K, V>> takeFirst() {
        return take(sorted);
    }

    /** Removes the entry with the greatest key and gives it; each entry goes to one caller. */
    public Optional<Map.Entry<K, V>> takeLast() {
        return take(sorted.descendingMap());
    }

    private Optional<Map.Entry<K, V>> take(NavigableMap<K, TableCell<K, V>> view) {
        requireOpen();
        Map.Entry<K, TableCell<K, V>> first = view.firstEntry();
        while (first != null) {
            TableCell<K, V> cell = first.getValue();
            boolean alive = isAlive(cell);
            if (discard(cell) && alive) {
                return Optional.of(Map.entry(cell.key, cell.value()));
            }
            first = view.firstEntry();
        }
        return Optional.empty();
    }

    /** Visits, in order, the keys from {@code from} up to, not including, {@code to}; see {@link #forEach}. */
    public void range(K from, K to, BiConsumer<? super K, ? super V> visitor) {
        visit(sorted.subMap(from, true, to, false), visitor);
    }

    private Optional<Map.Entry<K, V>> firstAlive(NavigableMap<K, TableCell<K, V>> view) {
        requireOpen();
        for (TableCell<K, V> cell : view.values()) {
            if (isAlive(cell)) {
                return Optional.of(Map.entry(cell.key, cell.value()));
            }
        }
        return Optional.empty();
    }
}
