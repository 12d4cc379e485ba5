package dev.coppice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.SimulatedClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AutoCompactionTest {

    private static final long MINUTE = Duration.ofMinutes(1).toNanos();

    @TempDir
    Path directory;

    @Test
    void keepsSomeRevisions() {
        AutoCompaction compaction = new AutoCompaction(Retention.parse("revision", "100"));
        assertThat(compaction.due(0, 50)).isZero();
        assertThat(compaction.due(4 * MINUTE, 500)).isZero();
        assertThat(compaction.due(5 * MINUTE, 600)).isEqualTo(500);
        compaction.done(5 * MINUTE, 500);
        assertThat(compaction.due(6 * MINUTE, 700)).isZero();
        assertThat(compaction.due(10 * MINUTE, 600)).isZero();
        assertThat(compaction.due(15 * MINUTE, 800)).isEqualTo(700);
        // It did not work: tried again.
        assertThat(compaction.due(20 * MINUTE, 800)).isEqualTo(700);
    }

    @Test
    void keepsSomeTime() {
        AutoCompaction compaction = new AutoCompaction(Retention.parse("periodic", "1"));
        for (int minute = 0; minute < 60; minute++) {
            assertThat(compaction.due(minute * MINUTE, 100 + minute)).isZero();
        }
        assertThat(compaction.due(60 * MINUTE, 160)).isEqualTo(100);
        compaction.done(60 * MINUTE, 100);
        for (int minute = 61; minute < 120; minute++) {
            assertThat(compaction.due(minute * MINUTE, 100 + minute)).isZero();
        }
        assertThat(compaction.due(120 * MINUTE, 220)).isEqualTo(154);
    }

    /** As etcd's own example: with ten hours, every hour to what was ten hours before. */
    @Test
    void keepsMoreThanAnHourByTheHour() {
        AutoCompaction compaction = new AutoCompaction(Retention.parse("periodic", "10h"));
        for (int minute = 0; minute < 600; minute++) {
            assertThat(compaction.due(minute * MINUTE, 100 + minute)).isZero();
        }
        assertThat(compaction.due(600 * MINUTE, 700)).isEqualTo(100);
        compaction.done(600 * MINUTE, 100);
        for (int minute = 601; minute < 660; minute++) {
            assertThat(compaction.due(minute * MINUTE, 100 + minute)).isZero();
        }
        assertThat(compaction.due(660 * MINUTE, 760)).isEqualTo(154);
    }

    @Test
    void readsEtcdsOptions() {
        assertThat(Retention.parse("periodic", "0")).isEqualTo(Retention.EVERYTHING);
        assertThat(Retention.parse("periodic", "30m")).isEqualTo(new Retention.Age(Duration.ofMinutes(30)));
        assertThat(Retention.parse("periodic", "8")).isEqualTo(new Retention.Age(Duration.ofHours(8)));
        assertThatThrownBy(() -> Retention.parse("revision", "30m"))
                .hasMessageContaining("--auto-compaction-retention");
        assertThatThrownBy(() -> Retention.parse("sometimes", "1")).hasMessageContaining("--auto-compaction-mode");
    }

    @Test
    void aStoreCompactsItself() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (StoreFixture store = new StoreFixture(
                directory,
                clock,
                List.of(
                        new StoreOptions.KeyspaceOptions("control", 1L << 30),
                        new StoreOptions.KeyspaceOptions("etcd", 1L << 30, new Retention.Revisions(5))))) {
            for (int i = 0; i < 20; i++) {
                store.put("a", "v" + i);
            }
            ClusterFixture.await(() -> {
                clock.advance(Duration.ofSeconds(10));
                assertThat(store.get("a")).isEqualTo("v19");
                return store.keyspace.compactedRevision() != 0;
            });
            assertThat(store.keyspace.compactedRevision()).isEqualTo(16);
        }
    }
}
