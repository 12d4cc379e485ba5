package dev.coppice.health.series;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The files of a store of results: their names, what is read from and written to them as a whole, and their end. */
final class SeriesFiles {
    private final Path directory;

    SeriesFiles(Path directory) {
        this.directory = directory;
    }

    Path rawLog(long hour) {
        return directory.resolve("raw-" + hour + ".log");
    }

    Path rawBlock(long hour) {
        return directory.resolve("raw-" + hour + ".block");
    }

    Path hourRollup(long hour) {
        return directory.resolve("hour-" + hour + ".roll");
    }

    Path dayRollup(long day) {
        return directory.resolve("day-" + day + ".roll");
    }

    List<Long> numbersIn(String prefix, String suffix) {
        String[] names = directory.toFile().list();
        List<Long> found = new ArrayList<>();
        for (String name : names == null ? new String[0] : names) {
            if (name.startsWith(prefix) && name.endsWith(suffix)) {
                try {
                    found.add(Long.parseLong(name.substring(prefix.length(), name.length() - suffix.length())));
                } catch (NumberFormatException notOurs) {
                    continue;
                }
            }
        }
        found.sort(null);
        return found;
    }

    List<Sample> readBlock(long hour, int check) {
        try {
            byte[] blob = RollupFile.readBlob(rawBlock(hour), null, check);
            List<Sample> samples = new ArrayList<>();
            if (blob != null) {
                ByteBuffer buffer = ByteBuffer.wrap(blob);
                while (buffer.remaining() >= Sample.BYTES) {
                    Sample sample = Sample.read(buffer);
                    if (sample != null) {
                        samples.add(sample);
                    }
                }
            }
            return samples;
        } catch (IOException e) {
            return List.of();
        }
    }

    static RollupFile.Table writeRollups(Path path, long period, TreeMap<Integer, Rollup> rollups) throws IOException {
        TreeMap<Integer, RollupFile.Entry> entries = new TreeMap<>();
        rollups.forEach(
                (id, r) -> entries.put(id, new RollupFile.Entry(r.tally(), RollupFile.sketchBlob(r.latency()))));
        RollupFile.write(path, period, entries);
        RollupFile.Table table = RollupFile.readTable(path);
        if (table == null) {
            throw new IOException(path + " reads back damaged; check the disk");
        }
        return table;
    }

    boolean newerThan(Path day, List<Long> hoursOfDay) throws IOException {
        var made = Files.getLastModifiedTime(day);
        for (long hour : hoursOfDay) {
            if (Files.getLastModifiedTime(hourRollup(hour)).compareTo(made) >= 0) {
                return false;
            }
        }
        return true;
    }

    void deleteBelow(String prefix, String suffix, long least) throws IOException {
        for (long number : numbersIn(prefix, suffix)) {
            if (number < least) {
                Files.deleteIfExists(directory.resolve(prefix + number + suffix));
            }
        }
    }

    void deleteTemporaries() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".tmp")).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Sums up the hours of a day; those that are damaged are left out and counted in {@code damaged}. */
    TreeMap<Integer, Rollup> sum(List<Long> hoursOfDay, int[] damaged) throws IOException {
        TreeMap<Integer, Rollup> sum = new TreeMap<>();
        for (long hour : hoursOfDay) {
            Path source = hourRollup(hour);
            RollupFile.Table table = RollupFile.readTable(source);
            if (table == null) {
                damaged[0]++;
                continue;
            }
            List<Integer> checks = new ArrayList<>();
            table.forEach((check, tally) -> checks.add(check));
            for (int check : checks) {
                Rollup rollup = new Rollup(
                        check, table.tally(check), RollupFile.sketch(RollupFile.readBlob(source, table, check)));
                sum.merge(check, rollup, Rollup::plus);
            }
        }
        return sum;
    }

    /** Deletes what is older than it is to be kept. */
    void retain(SeriesStore.Retention retention, long nowHour) throws IOException {
        deleteBelow("raw-", ".block", nowHour - retention.rawHours());
        deleteBelow("hour-", ".roll", nowHour - 24L * retention.hourlyDays());
        deleteBelow("day-", ".roll", nowHour / 24 - retention.dailyDays());
        long bytes = 0;
        for (Long hour : numbersIn("raw-", ".block").reversed()) {
            bytes += Files.size(rawBlock(hour));
            if (bytes > retention.maxRawBytes()) {
                Files.deleteIfExists(rawBlock(hour));
            }
        }
    }
}
