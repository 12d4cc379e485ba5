package dev.coppice.kernel;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** When the entries of a {@link Table} expire, and the timer that takes them out. Safe for use by many threads. */
final class TableExpiries<K, V> {
    /** Entries taken out at a time, at most, before other timers get their turn. */
    private static final int SWEEP = 1_000;

    private final Kernel kernel;
    private final Table<K, V> table;
    private final ConcurrentSkipListMap<TableCell.Expiry, TableCell<K, V>> waiting = new ConcurrentSkipListMap<>();
    private final AtomicLong sequence = new AtomicLong();
    private final Object sweeping = new Object();
    private Timers.@Nullable Timer sweep;
    private boolean closed;
    private volatile long sweepNanos = Long.MAX_VALUE;

    TableExpiries(Kernel kernel, Table<K, V> table) {
        this.kernel = kernel;
        this.table = table;
    }

    /** The moment after a time to live; null for ever. */
    TableCell.@Nullable Expiry after(@Nullable Duration timeToLive) {
        return timeToLive == null
                ? null
                : new TableCell.Expiry(
                        kernel.clock().nanoTime() + WheelTimers.nanos(timeToLive), sequence.incrementAndGet());
    }

    boolean isAlive(TableCell<K, V> cell) {
        return cell.expiry == null || cell.expiry.nanos() > kernel.clock().nanoTime();
    }

    /** Takes note of a cell that has been put into the table. */
    void add(TableCell<K, V> cell) {
        TableCell.Expiry expiry = cell.expiry;
        if (expiry == null) {
            return;
        }
        waiting.put(expiry, cell);
        TableCell<K, V> now = table.cell(cell.key);
        if (now == null || now.expiry != expiry) {
            waiting.remove(expiry);
        } else if (expiry.nanos() < sweepNanos) {
            planSweep();
        }
    }

    /** Forgets an expiry that no cell in the table has any more. */
    void remove(TableCell.@Nullable Expiry expiry) {
        if (expiry != null) {
            waiting.remove(expiry);
        }
    }

    /** Entries that will expire. */
    int size() {
        return waiting.size();
    }

    private void planSweep() {
        synchronized (sweeping) {
            Map.Entry<TableCell.Expiry, TableCell<K, V>> first = waiting.firstEntry();
            if (first == null || closed || first.getKey().nanos() >= sweepNanos) {
                return;
            }
            Timers.Timer old = sweep;
            if (old != null) {
                old.cancel();
            }
            sweepNanos = first.getKey().nanos();
            long delay = Math.max(0, sweepNanos - kernel.clock().nanoTime());
            sweep = kernel.timers().schedule(Duration.ofNanos(delay), this::sweepDue);
        }
    }

    private void sweepDue() {
        int swept = 0;
        while (swept < SWEEP && sweepOne()) {
            swept++;
        }
        synchronized (sweeping) {
            sweep = null;
            sweepNanos = Long.MAX_VALUE;
        }
        planSweep();
    }

    /** Takes out one entry whose time is over; false when there is none. */
    boolean sweepOne() {
        while (true) {
            Map.Entry<TableCell.Expiry, TableCell<K, V>> first = waiting.firstEntry();
            if (first == null || first.getKey().nanos() > kernel.clock().nanoTime()) {
                return false;
            }
            TableCell.Expiry expiry = first.getKey();
            waiting.remove(expiry);
            // A value that was replaced meanwhile may live under the same expiry.
            TableCell<K, V> cell = table.cell(first.getValue().key);
            while (cell != null && cell.expiry == expiry) {
                if (table.discard(cell)) {
                    table.expired.increment();
                    return true;
                }
                cell = table.cell(cell.key);
            }
        }
    }

    void close() {
        synchronized (sweeping) {
            closed = true;
            Timers.Timer timer = sweep;
            if (timer != null) {
                timer.cancel();
            }
        }
        waiting.clear();
    }
}
