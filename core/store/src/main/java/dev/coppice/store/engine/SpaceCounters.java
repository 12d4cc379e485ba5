package dev.coppice.store.engine;

import dev.coppice.store.api.Event;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/** Counts what is done to a keyspace, as etcd counts it. Safe for use by many threads. */
public final class SpaceCounters {

    private final LongAdder ranges = new LongAdder();
    private final LongAdder puts = new LongAdder();
    private final LongAdder deletes = new LongAdder();
    private final LongAdder transactions = new LongAdder();

    void range() {
        ranges.increment();
    }

    void transaction() {
        transactions.increment();
    }

    void changed(List<Event> events) {
        for (Event event : events) {
            (event.getType() == Event.EventType.PUT ? puts : deletes).increment();
        }
    }

    public long ranges() {
        return ranges.sum();
    }

    public long puts() {
        return puts.sum();
    }

    public long deletes() {
        return deletes.sum();
    }

    public long transactions() {
        return transactions.sum();
    }
}
