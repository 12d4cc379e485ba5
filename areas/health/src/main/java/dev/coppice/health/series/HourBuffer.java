package dev.coppice.health.series;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The results of one hour of all checks, in memory, compact. Guarded by the store's lock. */
final class HourBuffer {
    private final long hour;
    private final Map<Integer, Column> columns = new HashMap<>();

    HourBuffer(long hour) {
        this.hour = hour;
    }

    long hour() {
        return hour;
    }

    void add(Sample sample) {
        columns.computeIfAbsent(sample.check(), id -> new Column()).add(sample);
    }

    /** The samples of a check, oldest first. */
    List<Sample> samples(int check) {
        Column column = columns.get(check);
        return column == null ? List.of() : column.samples(check);
    }

    Tally tally(int check, long fromMillis) {
        Column column = columns.get(check);
        return column == null ? Tally.NONE : column.tally(fromMillis);
    }

    TreeMap<Integer, Rollup> rollups() {
        TreeMap<Integer, Rollup> all = new TreeMap<>();
        columns.forEach((id, column) -> all.put(id, Rollup.of(id, column.samples(id))));
        return all;
    }

    TreeMap<Integer, RollupFile.Entry> sorted() {
        TreeMap<Integer, RollupFile.Entry> all = new TreeMap<>();
        columns.forEach((id, column) -> all.put(
                id, new RollupFile.Entry(column.tally(Long.MIN_VALUE), RollupFile.samplesBlob(column.samples(id)))));
        return all;
    }

    boolean isEmpty() {
        return columns.isEmpty();
    }

    /** Parallel arrays: 21 bytes a sample. */
    private static final class Column {
        private long[] times = new long[8];
        private int[] latencies = new int[8];
        private int[] connects = new int[8];
        private int[] codes = new int[8];
        private byte[] outcomes = new byte[8];
        private int size;

        void add(Sample sample) {
            if (size == times.length) {
                int capacity = size + (size >> 1);
                times = Arrays.copyOf(times, capacity);
                latencies = Arrays.copyOf(latencies, capacity);
                connects = Arrays.copyOf(connects, capacity);
                codes = Arrays.copyOf(codes, capacity);
                outcomes = Arrays.copyOf(outcomes, capacity);
            }
            times[size] = sample.timeMillis();
            latencies[size] = sample.latencyMicros();
            connects[size] = sample.connectMicros();
            codes[size] = sample.code();
            outcomes[size] = (byte) sample.outcome().ordinal();
            size++;
        }

        List<Sample> samples(int check) {
            List<Sample> all = new ArrayList<>(size);
            for (int i = 0; i < size; i++) {
                all.add(new Sample(check, times[i], outcome(i), codes[i], latencies[i], connects[i]));
            }
            return all;
        }

        Tally tally(long fromMillis) {
            Tally tally = Tally.NONE;
            for (int i = 0; i < size; i++) {
                if (times[i] >= fromMillis) {
                    tally = tally.plus(outcome(i));
                }
            }
            return tally;
        }

        private Sample.Outcome outcome(int i) {
            Sample.Outcome outcome = Sample.Outcome.of(outcomes[i]);
            return outcome == null ? Sample.Outcome.DOWN : outcome;
        }
    }
}
