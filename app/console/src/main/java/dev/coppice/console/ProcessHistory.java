package dev.coppice.console;

import dev.coppice.kernel.Vitals;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * How the children that somebody looks at went over the last minutes: one sample a second while a page is open. The last 64
 * children are kept. Safe for many threads.
 */
final class ProcessHistory {
    private static final int MAX_CHILDREN = 64;
    private static final int MAX_SAMPLES = 120;
    private static final long BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(800);
    private static final long GAP_NANOS = TimeUnit.SECONDS.toNanos(30);

    private record Sample(long atNanos, double mailbox, double rate, double cpu) {}

    /** Lines as SVG paths in a box of 100 by 28, and the greatest value of each. */
    record Lines(String mailbox, String rate, String cpu, long mostMailbox, double mostRate, double mostCpu) {}

    private final Map<String, ArrayDeque<Sample>> samples = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, ArrayDeque<Sample>> eldest) {
            return size() > MAX_CHILDREN;
        }
    };

    /** Takes note, and gives the lines so far. */
    synchronized Lines add(Vitals vitals, long nowNanos) {
        ArrayDeque<Sample> known = samples.computeIfAbsent(vitals.path(), path -> new ArrayDeque<>());
        if (!known.isEmpty() && nowNanos - known.getLast().atNanos > GAP_NANOS) {
            known.clear();
        }
        if (known.isEmpty() || nowNanos - known.getLast().atNanos >= BEAT_NANOS) {
            known.addLast(new Sample(nowNanos, vitals.mailbox(), vitals.rate(), vitals.cpuShare()));
        }
        while (known.size() > MAX_SAMPLES) {
            known.removeFirst();
        }
        List<Sample> all = new ArrayList<>(known);
        return new Lines(
                line(all, Sample::mailbox, 1),
                line(all, Sample::rate, 1),
                line(all, Sample::cpu, 0.05),
                (long) most(all, Sample::mailbox),
                most(all, Sample::rate),
                most(all, Sample::cpu));
    }

    private static double most(List<Sample> samples, ToDoubleFunction<Sample> value) {
        return samples.stream().mapToDouble(value).max().orElse(0);
    }

    /** The newest sample stands at the right edge; {@code least} keeps small values small. */
    private static String line(List<Sample> samples, ToDoubleFunction<Sample> value, double least) {
        if (samples.size() < 2) {
            return "";
        }
        double most = Math.max(least, most(samples, value));
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < samples.size(); i++) {
            double x = 100.0 - 100.0 * (samples.size() - 1 - i) / (MAX_SAMPLES - 1);
            double y = 26 - 24.0 * value.applyAsDouble(samples.get(i)) / most;
            path.append(i == 0 ? 'M' : 'L').append(String.format(Locale.ROOT, "%.1f %.1f", x, y));
        }
        return path.toString();
    }
}
