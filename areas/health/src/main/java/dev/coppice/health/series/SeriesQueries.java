package dev.coppice.health.series;

import dev.coppice.health.series.SeriesStore.Day;
import dev.coppice.health.series.SeriesStore.Period;
import dev.coppice.health.series.SeriesStore.Window;
import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/** The reading side of a {@link SeriesStore}, which describes the methods: sums over what is in memory and in its files. */
final class SeriesQueries {
    private static final System.Logger LOG = System.getLogger(SeriesQueries.class.getName());
    private static final long HOUR_MILLIS = 3_600_000;

    private final KeptResults kept;
    private final SeriesFiles files;
    private final Clock clock;
    private final ReentrantLock lock;
    private final TreeMap<Long, RollupFile.Table> hours;
    private final TreeMap<Long, RollupFile.Table> days;
    private final List<HourBuffer> unsealed;

    SeriesQueries(KeptResults kept, SeriesFiles files, Clock clock) {
        this.kept = kept;
        this.files = files;
        this.clock = clock;
        this.lock = kept.lock;
        this.hours = kept.hours;
        this.days = kept.days;
        this.unsealed = kept.unsealed;
    }

    Tally tally(int check, Window window) {
        long nowMillis = clock.currentTimeMillis();
        long nowHour = SeriesStore.hourOf(nowMillis);
        lock.lock();
        try {
            if (window == Window.HOUR) {
                long from = nowMillis - HOUR_MILLIS;
                Tally tally = kept.current.tally(check, from);
                return kept.previous.hour() == kept.current.hour()
                        ? tally
                        : tally.plus(kept.previous.tally(check, from));
            }
            long firstHour = window == Window.DAY ? nowHour - 23 : nowHour / 24 * 24;
            Tally tally = unsealedTally(check, firstHour);
            for (RollupFile.Table table : hours.tailMap(firstHour).values()) {
                tally = tally.plus(table.tally(check));
            }
            if (window != Window.DAY) {
                long firstDay = nowHour / 24 - (window == Window.WEEK ? 6 : 29);
                for (RollupFile.Table table :
                        days.subMap(firstDay, nowHour / 24).values()) {
                    tally = tally.plus(table.tally(check));
                }
            }
            return tally;
        } finally {
            lock.unlock();
        }
    }

    private Tally unsealedTally(int check, long firstHour) {
        Tally tally = kept.current.hour() >= firstHour ? kept.current.tally(check, Long.MIN_VALUE) : Tally.NONE;
        for (HourBuffer hour : unsealed) {
            if (hour.hour() >= firstHour) {
                tally = tally.plus(hour.tally(check, Long.MIN_VALUE));
            }
        }
        return tally;
    }

    LatencySketch latency(int check, Window window) {
        long nowMillis = clock.currentTimeMillis();
        LatencySketch sum = new LatencySketch();
        if (window == Window.HOUR) {
            for (Sample sample : recent(check, Integer.MAX_VALUE)) {
                if (sample.timeMillis() >= nowMillis - HOUR_MILLIS && successful(sample)) {
                    sum.add(sample.latencyMicros());
                }
            }
            return sum;
        }
        int span = window == Window.DAY ? 24 : window == Window.WEEK ? 7 * 24 : 30 * 24;
        for (Period period : hourly(check, span)) {
            sum.add(period.latency());
        }
        return sum;
    }

    List<Sample> recent(int check, int max) {
        lock.lock();
        try {
            List<Sample> all = new ArrayList<>(kept.previous.samples(check));
            all.addAll(kept.current.samples(check));
            return all.size() <= max ? all : List.copyOf(all.subList(all.size() - max, all.size()));
        } finally {
            lock.unlock();
        }
    }

    List<Sample> samples(int check, long fromMillis, long toMillis) {
        List<Sample> found = new ArrayList<>();
        List<Sample> memory = new ArrayList<>();
        long firstInMemory;
        lock.lock();
        try {
            firstInMemory = unsealed.isEmpty()
                    ? kept.current.hour()
                    : unsealed.getFirst().hour();
            unsealed.forEach(hour -> memory.addAll(hour.samples(check)));
            memory.addAll(kept.current.samples(check));
        } finally {
            lock.unlock();
        }
        for (long hour : files.numbersIn("raw-", ".block")) {
            if (hour < firstInMemory && (hour + 1) * HOUR_MILLIS >= fromMillis && hour * HOUR_MILLIS <= toMillis) {
                found.addAll(files.readBlock(hour, check));
            }
        }
        found.addAll(memory);
        found.removeIf(s -> s.timeMillis() < fromMillis || s.timeMillis() > toMillis);
        return found;
    }

    List<Period> hourly(int check, int span) {
        long now = SeriesStore.hourOf(clock.currentTimeMillis());
        List<Period> periods = new ArrayList<>();
        List<HourBuffer> memory;
        lock.lock();
        try {
            memory = new ArrayList<>(unsealed);
            memory.add(kept.current);
        } finally {
            lock.unlock();
        }
        long firstInMemory = memory.getFirst().hour();
        for (long hour : files.numbersIn("hour-", ".roll")) {
            if (hour > now - span && hour < firstInMemory) {
                addPeriod(periods, hour, check);
            }
        }
        for (HourBuffer buffer : memory) {
            List<Sample> samples;
            lock.lock();
            try {
                samples = buffer.samples(check);
            } finally {
                lock.unlock();
            }
            if (!samples.isEmpty() && buffer.hour() > now - span) {
                Rollup rollup = Rollup.of(check, samples);
                periods.add(new Period(buffer.hour() * HOUR_MILLIS, rollup.tally(), rollup.latency()));
            }
        }
        return periods;
    }

    private void addPeriod(List<Period> periods, long hour, int check) {
        try {
            RollupFile.Table table;
            lock.lock();
            try {
                table = hours.get(hour);
            } finally {
                lock.unlock();
            }
            if (table == null) {
                table = RollupFile.readTable(files.hourRollup(hour));
            }
            if (table != null && table.tally(check).total() > 0) {
                periods.add(new Period(
                        hour * HOUR_MILLIS,
                        table.tally(check),
                        RollupFile.sketch(RollupFile.readBlob(files.hourRollup(hour), table, check))));
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "an hour of results could not be read", e);
        }
    }

    List<Day> days(int check, int count) {
        long nowHour = SeriesStore.hourOf(clock.currentTimeMillis());
        long today = nowHour / 24;
        List<Day> all = new ArrayList<>(count);
        lock.lock();
        try {
            for (long day = today - count + 1; day < today; day++) {
                RollupFile.Table table = days.get(day);
                all.add(new Day(day, table == null ? Tally.NONE : table.tally(check)));
            }
            Tally tally = unsealedTally(check, today * 24);
            for (RollupFile.Table table : hours.tailMap(today * 24).values()) {
                tally = tally.plus(table.tally(check));
            }
            all.add(new Day(today, tally));
            return all;
        } finally {
            lock.unlock();
        }
    }

    private static boolean successful(Sample sample) {
        return sample.outcome() == Sample.Outcome.UP || sample.outcome() == Sample.Outcome.DEGRADED;
    }
}
