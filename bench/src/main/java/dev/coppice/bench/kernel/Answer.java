package dev.coppice.bench.kernel;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a side measured, as one line such as {@code ok cpuNanos=1 nanos=2 units=3}. Immutable.
 *
 * @param numbers by name: {@code units} done, in so many {@code nanos} of the clock and {@code cpuNanos} of the whole
 *     process; and what else the job measures
 */
public record Answer(Map<String, Long> numbers) {

    public static Answer parse(String line) {
        if (!line.startsWith("ok ")) {
            throw new IllegalStateException(line);
        }
        Map<String, Long> numbers = new HashMap<>();
        for (String word : line.substring(3).strip().split(" +")) {
            String[] pair = word.split("=", 2);
            numbers.put(pair[0], Long.parseLong(pair[1]));
        }
        return new Answer(Map.copyOf(numbers));
    }

    public Answer with(String name, long number) {
        Map<String, Long> more = new HashMap<>(numbers);
        more.put(name, number);
        return new Answer(Map.copyOf(more));
    }

    /** The 99th percentile of samples in nanoseconds. */
    public Answer withP99(long[] nanos) {
        long[] sorted = nanos.clone();
        Arrays.sort(sorted);
        return with("p99Nanos", sorted.length == 0 ? 0 : sorted[(int) (sorted.length * 0.99)])
                .with("samples", sorted.length);
    }

    public double get(String name) {
        Long number = numbers.get(name);
        if (number == null) {
            throw new IllegalStateException("no " + name + " in " + this);
        }
        return number;
    }

    public double perSecond() {
        return get("units") * 1e9 / get("nanos");
    }

    public double cpuNanosPerUnit() {
        return get("cpuNanos") / get("units");
    }

    @Override
    public String toString() {
        StringBuilder line = new StringBuilder("ok");
        new TreeMap<>(numbers)
                .forEach((name, number) ->
                        line.append(' ').append(name).append('=').append(number));
        return line.toString();
    }
}
