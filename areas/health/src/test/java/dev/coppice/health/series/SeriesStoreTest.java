package dev.coppice.health.series;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.health.series.SeriesStore.Retention;
import dev.coppice.health.series.SeriesStore.Window;
import dev.coppice.kernel.SimulatedClock;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The store against a list of all samples, over restarts, torn tails and many days. */
class SeriesStoreTest {
    @TempDir
    Path directory;

    private final SimulatedClock clock = new SimulatedClock(Instant.parse("2026-03-01T10:20:00Z"));

    @Test
    void keepsEverythingOverARestart() throws Exception {
        try (var store = SeriesStore.open(directory, clock, Retention.DEFAULT)) {
            int id = store.number("uid-1");
            for (int i = 0; i < 10; i++) {
                clock.advance(Duration.ofSeconds(30));
                store.append(sample(id, i == 3 ? Sample.Outcome.DOWN : Sample.Outcome.UP, 1000 * i));
            }
        }
        try (var store = SeriesStore.open(directory, clock, Retention.DEFAULT)) {
            int id = store.number("uid-1");
            assertThat(store.recent(id, 100)).hasSize(10);
            assertThat(store.recent(id, 2)).hasSize(2);
            assertThat(store.tally(id, Window.HOUR)).isEqualTo(new Tally(9, 0, 1, 0));
            assertThat(store.tally(id, Window.MONTH).uptime()).isEqualTo(0.9);
            assertThat(store.number("uid-2")).isNotEqualTo(id);
        }
    }

    @Test
    void aTornTailAndADamagedRecordAreLeftOut() throws Exception {
        try (var store = SeriesStore.open(directory, clock, Retention.DEFAULT)) {
            for (int i = 0; i < 5; i++) {
                store.append(sample(1, Sample.Outcome.UP, 1000));
            }
        }
        Path log = Files.list(directory)
                .filter(f -> f.toString().endsWith(".log"))
                .findFirst()
                .orElseThrow();
        try (var file = new RandomAccessFile(log.toFile(), "rw")) {
            file.setLength(4 * 32 + 7);
            file.seek(32 + 5);
            file.write(99);
        }
        try (var store = SeriesStore.open(directory, clock, Retention.DEFAULT)) {
            assertThat(store.recent(1, 100)).hasSize(3);
            assertThat(store.damaged()).isEqualTo(2);
            store.append(sample(1, Sample.Outcome.UP, 1000));
        }
        try (var store = SeriesStore.open(directory, clock, Retention.DEFAULT)) {
            assertThat(store.recent(1, 100)).hasSize(4);
        }
    }

    @Test
    void sumsUpHoursAndDaysAndForgetsWhatIsTooOld() throws Exception {
        var retention = new Retention(24, 2, 5, 1 << 30);
        try (var store = SeriesStore.open(directory, clock, retention)) {
            for (int hour = 0; hour < 8 * 24; hour++) {
                for (int i = 0; i < 4; i++) {
                    clock.advance(Duration.ofMinutes(15));
                    store.append(sample(7, i == 0 ? Sample.Outcome.DOWN : Sample.Outcome.UP, 10_000));
                    store.maintain();
                }
            }
            assertThat(store.tally(7, Window.DAY).total()).isBetween(90L, 96L);
            assertThat(store.tally(7, Window.WEEK).uptime()).isBetween(0.745, 0.755);
            assertThat(store.days(7, 3))
                    .allSatisfy(day -> assertThat(day.tally().total()).isPositive());
            assertThat(store.latency(7, Window.DAY).quantileMicros(0.5)).isBetween(9500.0, 10_500.0);
            assertThat(count(".log")).isEqualTo(1);
            assertThat(count(".block")).isLessThanOrEqualTo(26);
            assertThat(count(".roll")).isLessThanOrEqualTo(2 * 24 + 2 + 7);
            assertThat(store.samples(7, clock.currentTimeMillis() - 6 * 3_600_000, clock.currentTimeMillis()))
                    .hasSize(25);
        }
    }

    @Test
    void aFullDiskIsToldAndDoesNotStopAnything() throws Exception {
        try (var store = SeriesStore.open(directory, clock, Retention.DEFAULT)) {
            Path log = directory.resolve("raw-" + clock.currentTimeMillis() / 3_600_000 + ".log");
            Files.createSymbolicLink(log, Path.of("/dev/full"));
            store.append(sample(1, Sample.Outcome.UP, 1000));
            assertThat(store.failure()).isPresent();
            assertThat(store.recent(1, 10)).hasSize(1);
        }
    }

    @Property(tries = 40, shrinking = ShrinkingMode.OFF)
    void agreesWithAPlainList(@ForAll long seed) throws Exception {
        Path place = Files.createTempDirectory("series");
        var random = new Random(seed);
        var time = new SimulatedClock(Instant.parse("2026-03-01T22:10:00Z"));
        List<Sample> model = new ArrayList<>();
        var store = SeriesStore.open(place, time, Retention.DEFAULT);
        try {
            for (int i = 0; i < 400; i++) {
                time.advance(Duration.ofSeconds(random.nextInt(random.nextInt(10) == 0 ? 20_000 : 120)));
                switch (random.nextInt(12)) {
                    case 0 -> {
                        if (random.nextBoolean()) {
                            store.close();
                        }
                        store = SeriesStore.open(place, time, Retention.DEFAULT);
                    }
                    case 1, 2 -> store.maintain();
                    default -> {
                        var s = new Sample(
                                1 + random.nextInt(3),
                                time.currentTimeMillis(),
                                Sample.Outcome.values()[random.nextInt(5)],
                                200,
                                random.nextInt(1_000_000),
                                -1);
                        model.add(s);
                        store.append(s);
                    }
                }
                compare(store, model, time, 1 + random.nextInt(3));
            }
        } finally {
            store.close();
            try (var files = Files.walk(place)) {
                files.sorted(Comparator.reverseOrder()).forEach(f -> f.toFile().delete());
            }
        }
    }

    private static void compare(SeriesStore store, List<Sample> model, SimulatedClock time, int check) {
        long now = time.currentTimeMillis();
        long hour = 3_600_000;
        store.maintain();
        assertThat(store.tally(check, Window.HOUR)).isEqualTo(tally(model, check, now - hour));
        assertThat(store.tally(check, Window.DAY)).isEqualTo(tally(model, check, (now / hour - 23) * hour));
        long today = now / (24 * hour) * 24 * hour;
        assertThat(store.tally(check, Window.WEEK)).isEqualTo(tally(model, check, today - 6 * 24 * hour));
        assertThat(store.tally(check, Window.MONTH)).isEqualTo(tally(model, check, today - 29 * 24 * hour));
        assertThat(store.days(check, 90).stream()
                        .mapToLong(d -> d.tally().total())
                        .sum())
                .isEqualTo(model.stream().filter(s -> s.check() == check).count());
        assertThat(store.samples(check, now - 20 * hour, now))
                .isEqualTo(model.stream()
                        .filter(s -> s.check() == check && s.timeMillis() >= now - 20 * hour)
                        .toList());
    }

    private static Tally tally(List<Sample> model, int check, long from) {
        Tally tally = Tally.NONE;
        for (Sample s : model) {
            if (s.check() == check && s.timeMillis() >= from) {
                tally = tally.plus(s.outcome());
            }
        }
        return tally;
    }

    private Sample sample(int check, Sample.Outcome outcome, int latency) {
        return new Sample(check, clock.currentTimeMillis(), outcome, 200, latency, -1);
    }

    private long count(String suffix) throws Exception {
        try (var files = Files.list(directory)) {
            return files.filter(f -> f.toString().endsWith(suffix)).count();
        }
    }
}
