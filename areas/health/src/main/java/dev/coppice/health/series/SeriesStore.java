package dev.coppice.health.series;

import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * All results of all checks over time, in a directory: durable, bounded, queryable.
 *
 * <p>A result is written as it comes to the {@linkplain RawLog log} of the current hour (so it survives the end of the
 * process) and reaches the disk within a second ({@link #maintain}, one fsync for all). When the hour is over, the log is
 * replaced by the same results sorted by check, kept for a day, and by a rollup (tally and latency sketch of each check),
 * kept for 31 days; 24 of those make a day's rollup, kept for 100 days. Every replacement can be done again after a
 * crash. When the disk fails, results stay in memory for the hour, {@link #failure} says why, and everything goes on.
 *
 * <p>Windows of 7 and 30 days begin at midnight UTC, those of 24 hours at the full hour. Safe for use by many threads.
 */
public final class SeriesStore implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(SeriesStore.class.getName());
    private static final long HOUR_MILLIS = 3_600_000;
    private static final int HOURS_IN_MEMORY = 48;
    private static final int MAX_UNSEALED = 3;

    /**
     * How much is kept.
     *
     * @param rawHours hours of single results
     * @param hourlyDays days of hourly rollups
     * @param dailyDays days of daily rollups
     * @param maxRawBytes the most bytes of single results; the oldest hours go first
     */
    public record Retention(int rawHours, int hourlyDays, int dailyDays, long maxRawBytes) {
        public static final Retention DEFAULT = new Retention(24, 31, 100, 2L << 30);
    }

    /** Windows over which results are summed up. */
    public enum Window {
        HOUR,
        DAY,
        WEEK,
        MONTH
    }

    /** One hour or day of one check. */
    public record Period(long startMillis, Tally tally, LatencySketch latency) {}

    /** One day of one check. */
    public record Day(long epochDay, Tally tally) {}

    private final Path directory;
    private final SeriesFiles files;
    private final Clock clock;
    private final Retention retention;
    private final Ledger ids;
    private final KeptResults kept;
    private final ReentrantLock lock;
    private final Map<String, Integer> numbers = new HashMap<>();
    private final TreeMap<Long, RollupFile.Table> hours;
    private final TreeMap<Long, RollupFile.Table> days;
    private final List<HourBuffer> unsealed;
    private final SeriesQueries queries;
    private @Nullable RawLog log;
    private int nextNumber = 1;
    private long damaged;
    private volatile long daysBuilt = -1;
    private long appended;
    private long failures;
    private long failuresBefore;
    private volatile @Nullable String failure;

    private SeriesStore(Path directory, Clock clock, Retention retention, Ledger ids) {
        this.directory = directory;
        this.files = new SeriesFiles(directory);
        this.clock = clock;
        this.retention = retention;
        this.ids = ids;
        this.kept = new KeptResults(hourOf(clock.currentTimeMillis()));
        this.lock = kept.lock;
        this.hours = kept.hours;
        this.days = kept.days;
        this.unsealed = kept.unsealed;
        this.queries = new SeriesQueries(kept, files, clock);
    }

    /** Opens the store in the directory, making it where there is none. */
    public static SeriesStore open(Path directory, Clock clock, Retention retention) throws IOException {
        Files.createDirectories(directory);
        SeriesStore store =
                new SeriesStore(directory, clock, retention, Ledger.open(directory.resolve("checks.ledger")));
        store.load();
        return store;
    }

    /** The number of the check with this lasting key (its uid), given now when it has none. */
    public int number(String key) {
        lock.lock();
        try {
            Integer known = numbers.get(key);
            if (known != null) {
                return known;
            }
            int number = nextNumber++;
            numbers.put(key, number);
            try {
                ids.write(new Ledger.Batch()
                        .put(key, ByteBuffer.allocate(4).putInt(number).array()));
            } catch (IOException e) {
                failed("write the number of a check", e);
            }
            return number;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets a check; what is kept about it ages out. */
    public void forget(String key) {
        lock.lock();
        try {
            if (numbers.remove(key) != null) {
                ids.write(new Ledger.Batch().remove(key));
            }
        } catch (IOException e) {
            failed("forget a check", e);
        } finally {
            lock.unlock();
        }
    }

    /** Adds a result. Never throws for the disk's sake: see {@link #failure}. */
    public void append(Sample sample) {
        lock.lock();
        try {
            long hour = Math.max(kept.current.hour(), hourOf(sample.timeMillis()));
            if (hour > kept.current.hour()) {
                turn(hour);
            }
            kept.current.add(sample);
            appended++;
            RawLog to = log;
            if (to == null) {
                to = new RawLog(files.rawLog(kept.current.hour()));
                log = to;
            }
            to.append(sample);
        } catch (IOException e) {
            failed("write a result", e);
        } finally {
            lock.unlock();
        }
    }

    private void turn(long hour) {
        RawLog old = log;
        log = null;
        if (old != null) {
            try {
                old.sync();
                old.close();
            } catch (IOException e) {
                failed("close the log of an hour", e);
            }
        }
        if (!kept.current.isEmpty()) {
            unsealed.add(kept.current);
            while (unsealed.size() > MAX_UNSEALED) {
                unsealed.removeFirst();
            }
        }
        kept.previous = kept.current;
        kept.current = new HourBuffer(hour);
    }

    /**
     * Brings what was appended to the disk, and does what falls due: sums up hours and days that are over, deletes what is
     * too old. To be called every second or so by one thread.
     */
    public void maintain() {
        try {
            ids.sync();
            syncLog();
            List<HourBuffer> due;
            lock.lock();
            try {
                long now = hourOf(clock.currentTimeMillis());
                if (now > kept.current.hour() && !kept.current.isEmpty()) {
                    turn(now);
                }
                due = List.copyOf(unsealed);
            } finally {
                lock.unlock();
            }
            for (HourBuffer hour : due) {
                seal(hour);
            }
            long today = clock.currentTimeMillis() / (24 * HOUR_MILLIS);
            if (!due.isEmpty() || today != daysBuilt) {
                buildDays();
                retain();
                daysBuilt = today;
            }
            succeeded();
        } catch (IOException e) {
            failed("sum up results", e);
        }
    }

    private void syncLog() throws IOException {
        RawLog dirty = null;
        lock.lock();
        try {
            RawLog now = log;
            if (now != null && now.takeDirty()) {
                dirty = now;
            }
        } finally {
            lock.unlock();
        }
        if (dirty != null) {
            try {
                dirty.sync();
            } catch (IOException e) {
                if (dirty == log) {
                    throw e;
                }
            }
        }
    }

    private void seal(HourBuffer hour) throws IOException {
        TreeMap<Integer, Rollup> rollups = hour.rollups();
        RollupFile.write(files.rawBlock(hour.hour()), hour.hour(), hour.sorted());
        RollupFile.Table table = SeriesFiles.writeRollups(files.hourRollup(hour.hour()), hour.hour(), rollups);
        lock.lock();
        try {
            hours.put(hour.hour(), table);
            unsealed.remove(hour);
            while (hours.size() > HOURS_IN_MEMORY) {
                hours.pollFirstEntry();
            }
        } finally {
            lock.unlock();
        }
        Files.deleteIfExists(files.rawLog(hour.hour()));
    }

    /** Sums up the hours of days that are over and have no rollup, or one that misses hours. */
    private void buildDays() throws IOException {
        long today = clock.currentTimeMillis() / (24 * HOUR_MILLIS);
        Map<Long, List<Long>> byDay = new TreeMap<>();
        for (long hour : files.numbersIn("hour-", ".roll")) {
            byDay.computeIfAbsent(hour / 24, d -> new ArrayList<>()).add(hour);
        }
        for (var e : byDay.entrySet()) {
            long day = e.getKey();
            Path path = files.dayRollup(day);
            if (day >= today || (Files.exists(path) && files.newerThan(path, e.getValue()))) {
                continue;
            }
            int[] broken = new int[1];
            RollupFile.Table table = SeriesFiles.writeRollups(path, day, files.sum(e.getValue(), broken));
            lock.lock();
            try {
                damaged += broken[0];
                days.put(day, table);
            } finally {
                lock.unlock();
            }
        }
    }

    private void retain() throws IOException {
        long now = hourOf(clock.currentTimeMillis());
        files.retain(retention, now);
        lock.lock();
        try {
            days.headMap(now / 24 - retention.dailyDays()).clear();
        } finally {
            lock.unlock();
        }
    }

    /** The tally of a check over a window that ends now. */
    public Tally tally(int check, Window window) {
        return queries.tally(check, window);
    }

    /** The latencies of the successes of a check over a window that ends now. */
    public LatencySketch latency(int check, Window window) {
        return queries.latency(check, window);
    }

    /** The results of the last one to two hours, oldest first, at most so many of the newest. */
    public List<Sample> recent(int check, int max) {
        return queries.recent(check, max);
    }

    /** Single results between two times, oldest first; they go back a day. */
    public List<Sample> samples(int check, long fromMillis, long toMillis) {
        return queries.samples(check, fromMillis, toMillis);
    }

    /** The last so many hours that have results, oldest first. */
    public List<Period> hourly(int check, int span) {
        return queries.hourly(check, span);
    }

    /** The last so many days, today last; days without results have an empty tally. */
    public List<Day> days(int check, int count) {
        return queries.days(check, count);
    }

    /** Why results do not reach the disk at the moment; empty when they do. */
    public Optional<String> failure() {
        return Optional.ofNullable(failure);
    }

    /** Results added since opening. */
    public long appended() {
        lock.lock();
        try {
            return appended;
        } finally {
            lock.unlock();
        }
    }

    /** Writes that failed since opening. */
    public long failures() {
        lock.lock();
        try {
            return failures;
        } finally {
            lock.unlock();
        }
    }

    /** Damaged records and files found since opening. */
    public long damaged() {
        lock.lock();
        try {
            return damaged;
        } finally {
            lock.unlock();
        }
    }

    /** Goes on after {@link #close}; does nothing while it is open. */
    public void reopen() throws IOException {
        ids.reopen();
    }

    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            RawLog old = log;
            log = null;
            if (old != null) {
                try (old) {
                    old.sync();
                } catch (IOException e) {
                    failed("close the log of an hour", e);
                }
            }
            ids.close();
        } finally {
            lock.unlock();
        }
    }

    private void load() throws IOException {
        ids.entries("").forEach((key, value) -> {
            int number = ByteBuffer.wrap(value).getInt();
            numbers.put(key, number);
            nextNumber = Math.max(nextNumber, number + 1);
        });
        files.deleteTemporaries();
        long nowHour = kept.current.hour();
        for (long hour : files.numbersIn("raw-", ".log")) {
            HourBuffer buffer = new HourBuffer(hour);
            damaged += RawLog.read(files.rawLog(hour), buffer::add);
            if (hour >= nowHour) {
                kept.current = buffer;
            } else if (!buffer.isEmpty()) {
                unsealed.add(buffer);
            }
        }
        kept.previous = previousHour();
        for (long hour : files.numbersIn("hour-", ".roll")) {
            if (hour > nowHour - HOURS_IN_MEMORY) {
                loadTable(files.hourRollup(hour), hours, hour);
            }
        }
        unsealed.forEach(buffer -> hours.remove(buffer.hour()));
        for (long day : files.numbersIn("day-", ".roll")) {
            loadTable(files.dayRollup(day), days, day);
        }
    }

    private HourBuffer previousHour() {
        for (HourBuffer buffer : unsealed) {
            if (buffer.hour() == kept.current.hour() - 1) {
                return buffer;
            }
        }
        HourBuffer buffer = new HourBuffer(kept.current.hour() - 1);
        Path block = files.rawBlock(buffer.hour());
        if (Files.exists(block)) {
            try {
                RollupFile.Table table = RollupFile.readTable(block);
                if (table != null) {
                    table.forEach((check, tally) ->
                            files.readBlock(buffer.hour(), check).forEach(buffer::add));
                }
            } catch (IOException e) {
                damaged++;
            }
        }
        return buffer;
    }

    private void loadTable(Path path, TreeMap<Long, RollupFile.Table> into, long period) throws IOException {
        RollupFile.Table table = RollupFile.readTable(path);
        if (table == null) {
            damaged++;
            LOG.log(Level.WARNING, "{0} is damaged and is left out", path);
        } else {
            into.put(period, table);
        }
    }

    private void failed(String what, IOException e) {
        lock.lock();
        try {
            failures++;
        } finally {
            lock.unlock();
        }
        if (failure == null) {
            LOG.log(
                    Level.WARNING,
                    "results cannot be kept: could not {0} in {1}: {2}",
                    what,
                    directory,
                    e.getMessage());
        }
        failure = "could not " + what + " in " + directory + ": " + e.getMessage();
    }

    /** The failure is over when nothing failed between two maintenances. */
    private void succeeded() {
        lock.lock();
        try {
            if (failures == failuresBefore) {
                failure = null;
            }
            failuresBefore = failures;
        } finally {
            lock.unlock();
        }
    }

    static long hourOf(long millis) {
        return Math.floorDiv(millis, HOUR_MILLIS);
    }

    /** The lasting keys of all known checks. */
    public List<String> keys() {
        lock.lock();
        try {
            return ids.keys();
        } finally {
            lock.unlock();
        }
    }
}
