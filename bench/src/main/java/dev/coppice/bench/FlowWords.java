package dev.coppice.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.flow.Flow;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Counts the words of a large file: in a loop, in a parallel stream, and in a flow, in turns. The text is made from a fixed
 * seed: 100,000 different words, some of them far more often than others.
 */
public final class FlowWords {
    private static final int WORDS = 100_000;

    private FlowWords() {}

    private interface Way {
        Map<String, Long> count(Path file) throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("write")) {
            write(Path.of(arguments[1]), Integer.parseInt(arguments[2]));
            return;
        }
        Path file = Path.of(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        try (Kernel kernel = Kernel.start()) {
            long words = -1;
            for (int round = 1; round <= rounds; round++) {
                words = measure("loop", round, file, FlowWords::loop, words);
                words = measure("parallel-stream", round, file, FlowWords::stream, words);
                words = measure("flow", round, file, path -> flow(kernel, path), words);
            }
        }
    }

    private static long measure(String side, int round, Path file, Way way, long expected) throws Exception {
        long start = Clock.system().nanoTime();
        long startCpu = cpuNanos();
        Map<String, Long> counts = way.count(file);
        double seconds = (Clock.system().nanoTime() - start) / 1e9;
        double cpuSeconds = (cpuNanos() - startCpu) / 1e9;
        long words = counts.values().stream().mapToLong(Long::longValue).sum();
        if (expected >= 0 && words != expected) {
            throw new IllegalStateException(side + " counted " + words + " words, not " + expected);
        }
        double megabytes = Files.size(file) / 1e6;
        System.out.println(String.format(
                Locale.ROOT,
                "{\"bench\":\"flow-words\",\"side\":\"%s\",\"round\":%d,\"seconds\":%.3f,"
                        + "\"cpu_seconds\":%.3f,\"mb_per_s\":%.0f,\"words\":%d,\"different\":%d}",
                side,
                round,
                seconds,
                cpuSeconds,
                megabytes / seconds,
                words,
                counts.size()));
        return words;
    }

    private static long cpuNanos() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                ? system.getProcessCpuTime()
                : 0;
    }

    private static Map<String, Long> loop(Path file) throws Exception {
        Map<String, long[]> counts = new HashMap<>();
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            String line = "";
            while ((line = reader.readLine()) != null) {
                split(line, word -> counts.computeIfAbsent(word, _ -> new long[1])[0]++);
            }
        }
        return counts.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, each -> each.getValue()[0]));
    }

    private static Map<String, Long> stream(Path file) throws Exception {
        try (var lines = Files.lines(file)) {
            return lines.parallel()
                    .<String>mapMulti(FlowWords::split)
                    .collect(Collectors.groupingByConcurrent(word -> word, Collectors.counting()));
        }
    }

    private static Map<String, Long> flow(Kernel kernel, Path file) throws Exception {
        return Flow.lines(file)
                .<String>expand(FlowWords::split)
                .countBy(word -> word)
                .toMap(Map.Entry::getKey, Map.Entry::getValue)
                .run(kernel);
    }

    /** The same for all. */
    private static void split(String line, Consumer<? super String> out) {
        int from = 0;
        int to = line.indexOf(' ');
        while (to >= 0) {
            if (to > from) {
                out.accept(line.substring(from, to));
            }
            from = to + 1;
            to = line.indexOf(' ', from);
        }
        if (from < line.length()) {
            out.accept(line.substring(from));
        }
    }

    private static void write(Path file, int megabytes) throws Exception {
        SplittableRandom random = new SplittableRandom(1);
        String[] words = new String[WORDS];
        for (int i = 0; i < WORDS; i++) {
            words[i] = random.ints(2 + random.nextInt(9), 'a', 'z' + 1)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();
        }
        long left = megabytes * 1_000_000L;
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            StringBuilder line = new StringBuilder();
            while (left > 0) {
                line.setLength(0);
                for (int i = 0; i < 12; i++) {
                    double skewed = random.nextDouble() * random.nextDouble() * random.nextDouble();
                    line.append(words[(int) (skewed * WORDS)]).append(i < 11 ? ' ' : '\n');
                }
                writer.append(line);
                left -= line.length();
            }
        }
    }
}
