package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.TableOptions.WhenFull;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** TTL of tables, and counters just as their entry goes. */
final class TableExpiryTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final TableOptions EXPIRING = TableOptions.DEFAULT.withTimeToLive(SECOND);

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 7);

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    @DisplayName("TTL: from the moment on at which its time is over an entry is never seen, taken out or not")
    void neverSeen() {
        OrderedTable<Integer, Integer> table =
                Table.ordered(kernel, "seen", EXPIRING.withMaxEntries(2, WhenFull.REFUSE));
        List<Object> seen = new ArrayList<>();
        // Set before the table's own timer, so it comes before that at the same time.
        kernel.timers().schedule(SECOND, () -> {
            seen.add(table.get(1));
            seen.add(table.select((key, value) -> true, 10));
            seen.add(table.count((key, value) -> true));
            seen.add(table.first());
            seen.add(table.updateIfPresent(1, old -> old + 1));
            seen.add(table.takeFirst());
            seen.add(table.remove(2));
            seen.add(table.putIfAbsent(1, 7));
        });
        table.put(1, 1);
        table.put(2, 2);
        clock.advance(SECOND);
        assertThat(seen)
                .containsExactly(
                        Optional.empty(),
                        List.of(),
                        0,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        true);
        assertThat(table.get(1)).contains(7);
        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    @DisplayName("TTL: a full table has room as soon as the time of an entry is over")
    void room() {
        Table<Integer, Integer> refusing = Table.hashed(kernel, "full", EXPIRING.withMaxEntries(2, WhenFull.REFUSE));
        Table<Integer, Integer> evicting =
                Table.hashed(kernel, "evicting", TableOptions.DEFAULT.withMaxEntries(2, WhenFull.EVICT_OLDEST));
        kernel.timers().schedule(SECOND, () -> {
            refusing.put(3, 3);
            evicting.put(3, 3);
        });
        refusing.put(1, 1);
        refusing.put(2, 2, null);
        evicting.put(1, 1);
        evicting.put(2, 2, SECOND);
        clock.advance(SECOND);
        assertThat(refusing.get(3)).contains(3);
        assertThat(refusing.refused.sum()).isZero();
        assertThat(refusing.expired.sum()).isEqualTo(1);
        assertThat(evicting.get(1)).contains(1);
        assertThat(evicting.evicted.sum()).isZero();
    }

    @Test
    @DisplayName("TTL: entries are taken out as their times come, also thousands at a time, by one timer a table")
    void takenOut() {
        Table<Integer, Integer> table = Table.hashed(kernel, "many", TableOptions.DEFAULT);
        table.put(-1, 0, SECOND.multipliedBy(3));
        table.put(-2, 0, SECOND.multipliedBy(2));
        for (int i = 0; i < 2_500; i++) {
            table.put(i, 0, SECOND);
        }
        assertThat(clock.pending()).isEqualTo(1);
        clock.advance(SECOND);
        assertThat(table.size()).isEqualTo(2);
        clock.advance(SECOND);
        assertThat(table.size()).isEqualTo(1);
        clock.advance(SECOND);
        assertThat(table.size()).isZero();
        assertThat(table.expired.sum()).isEqualTo(2_502);
        assertThat(clock.pending()).isZero();
    }

    @Test
    @DisplayName("TTL: an entry that is written again, or removed, is forgotten with its old time")
    void writtenAgain() {
        Table<Integer, Long> table = Table.hashed(kernel, "rewritten", EXPIRING);
        for (int i = 0; i < 100; i++) {
            table.put(i % 2, 0L);
            Table.increment(table, i % 2, 1);
            table.put(2, 0L);
            table.remove(2);
        }
        assertThat(table.expiring()).isEqualTo(2);
        table.put(0, 0L, null);
        assertThat(table.expiring()).isEqualTo(1);
    }

    @Test
    @DisplayName("TTL: a table that is gone leaves no timer")
    void gone() {
        Table<Integer, Integer> table = Table.hashed(kernel, "gone", EXPIRING);
        table.put(1, 1);
        table.close();
        assertThat(clock.pending()).isZero();
        assertThat(table.expiring()).isZero();
    }

    /** A clock that lets the test do something at the next look of its own thread. */
    private static final class InterferingClock implements Clock {
        private final Thread test = Thread.currentThread();
        private Runnable next = () -> {};

        @Override
        public Instant now() {
            return Instant.EPOCH;
        }

        @Override
        public long nanoTime() {
            if (Thread.currentThread() == test) {
                Runnable now = next;
                next = () -> {};
                now.run();
            }
            return 0;
        }
    }

    @Test
    @DisplayName("update-counter: what is added just as somebody takes the counter is in one of the two")
    void addedWhileTaken() {
        InterferingClock interfering = new InterferingClock();
        try (Kernel own = Kernel.start(interfering, 1)) {
            Table<String, Long> table = Table.hashed(own, "counters", EXPIRING);
            Table.increment(table, "a", 1);
            List<Optional<Long>> taken = new ArrayList<>();
            interfering.next = () -> taken.add(table.remove("a"));
            Table.increment(table, "a", 1);
            assertThat(taken).containsExactly(Optional.of(1L));
            assertThat(table.get("a")).contains(1L);
        }
    }
}
