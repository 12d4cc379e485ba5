package dev.coppice.bench.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's speed table: the same work by the kernel, by Elixir and by Pekko, in turns, each in a process of its own that
 * warmed up before; medians. Prints one JSON object a line.
 */
public final class SpeedTable {
    private static final List<Row> ROWS = List.of(
            new Row("call", "call clients=1000 millis=3000", "call clients=1000 millis=1000"),
            new Row("cast-1", "cast senders=1 burst=10000 millis=3000", "cast senders=1 burst=10000 millis=1000"),
            new Row("cast-8", "cast senders=8 burst=10000 millis=3000", "cast senders=8 burst=10000 millis=1000"),
            new Row("spawn", "spawn processes=1000000 starters=1", "spawn processes=100000 starters=1"),
            new Row("restart", "restart supervisors=64 millis=3000", "restart supervisors=64 millis=1000"),
            new Row("tasks", "tasks tasks=200000 limit=1000", "tasks tasks=50000 limit=1000"),
            new Row("timers-cancel", "timers-cancel timers=1000000 workers=2", "timers-cancel timers=200000 workers=2"),
            new Row("timers-fire", "timers-fire timers=1000000 workers=2", "timers-fire timers=200000 workers=2"),
            new Row("table", "table keys=1000000 writers=8 millis=3000", "table keys=1000000 writers=8 millis=1000"),
            new Row("idle", "idle processes=200000", "idle processes=50000"),
            new Row("ten-million", "idle processes=10000000", "idle processes=10000000"));

    /** Quick runs of a side on the JVM before it is measured: the compiler is still at work in the first four or five. */
    private static final int WARM_UP = 8;

    private SpeedTable() {}

    private record Row(String name, String full, String quick) {}

    /** One of the peers, or the kernel; answers a line for each line. */
    private static final class Side implements AutoCloseable {
        private final String name;
        private final Process process;
        private final Writer out;
        private final BufferedReader in;

        Side(String name, List<String> command) throws IOException {
            this.name = name;
            process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            out = process.outputWriter(StandardCharsets.UTF_8);
            in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            expect("ready");
        }

        private String expect(String start) throws IOException {
            String line = in.readLine();
            if (line == null || !line.startsWith(start)) {
                throw new IOException(name + " answered " + line);
            }
            return line;
        }

        Answer run(String request) throws IOException {
            out.write(request + "\n");
            out.flush();
            Answer answer = Answer.parse(expect("ok "));
            System.err.println(name + ": " + request + ": " + answer);
            return answer;
        }

        @Override
        public void close() throws Exception {
            out.close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }

    /** Arguments: the Elixir script, then {@code --quick}, {@code --rounds N}, and the rows; all when there are none. */
    public static void main(String[] arguments) throws Exception {
        List<String> words = new ArrayList<>(Arrays.asList(arguments));
        String script = words.removeFirst();
        boolean quick = words.remove("--quick");
        int at = words.indexOf("--rounds");
        int rounds = at < 0 ? 3 : Integer.parseInt(words.get(at + 1));
        if (at >= 0) {
            words.subList(at, at + 2).clear();
        }
        for (String word : words) {
            if (ROWS.stream().noneMatch(row -> row.name.equals(word))) {
                System.err.println("There is no row \"" + word + "\". The rows are: "
                        + ROWS.stream().map(Row::name).toList());
                System.exit(2);
            }
        }
        for (Row row : ROWS) {
            if (words.isEmpty() || words.contains(row.name)) {
                run(row, script, quick, row.name.equals("ten-million") || row.name.equals("idle") ? 1 : rounds);
            }
        }
    }

    private static List<String> java(Class<?> main) {
        return List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:+UseCompactObjectHeaders",
                "-XX:+UseSerialGC",
                "-Xms4g",
                "-Xmx4g",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName());
    }

    private static void run(Row row, String script, boolean quick, int rounds) throws Exception {
        Map<String, List<Answer>> answers = new LinkedHashMap<>();
        List<Side> sides = new ArrayList<>();
        boolean alone = row.name.equals("ten-million");
        // What a run leaves to the collector would be counted in the next.
        boolean fresh = alone || row.name.equals("idle");
        try {
            sides.add(new Side("Coppice", java(CoppiceJobs.class)));
            if (!alone) {
                sides.add(new Side("Elixir", List.of("elixir", "--erl", "+P 20000000 +Q 1000000", script)));
            }
            if (!alone && !row.name.equals("table")) {
                sides.add(new Side("Pekko", java(Class.forName("dev.coppice.bench.pekko.PekkoJobs"))));
            }
            for (Side side : sides) {
                answers.put(side.name, new ArrayList<>());
                int warm = alone || side.name.equals("Elixir") ? 1 : WARM_UP;
                for (int i = 0; i < warm && !fresh; i++) {
                    side.run(row.quick);
                }
            }
            for (int round = 0; round < rounds; round++) {
                for (Side side : sides) {
                    answers.computeIfAbsent(side.name, _ -> new ArrayList<>())
                            .add(side.run(quick ? row.quick : row.full));
                }
            }
        } finally {
            for (Side side : sides) {
                side.close();
            }
        }
        report(row, rounds, answers);
    }

    private static void report(Row row, int rounds, Map<String, List<Answer>> answers) {
        if (row.name.equals("ten-million")) {
            print(
                    "kernel ten-million",
                    "bytes a process, all alive in a heap of 4 GiB",
                    false,
                    rounds,
                    answers,
                    SpeedTable::bytes);
            return;
        }
        if (row.name.equals("idle")) {
            print("kernel idle", "bytes a process", false, rounds, answers, SpeedTable::bytes);
            return;
        }
        print("kernel " + row.name, "a second", true, rounds, answers, Answer::perSecond);
        print("kernel " + row.name + " cpu", "a CPU second", true, rounds, answers, a -> 1e9 / a.cpuNanosPerUnit());
        if (row.name.equals("call")) {
            print("kernel call p99", "µs", false, rounds, answers, a -> a.get("p99Nanos") / 1e3);
        }
    }

    private static double bytes(Answer answer) {
        return answer.get("bytes") / answer.get("units");
    }

    private static void print(
            String name,
            String unit,
            boolean more,
            int rounds,
            Map<String, List<Answer>> answers,
            ToDoubleFunction<Answer> figure) {
        Map<String, Double> medians = new LinkedHashMap<>();
        answers.forEach((side, all) -> {
            double[] sorted = all.stream().mapToDouble(figure).sorted().toArray();
            medians.put(side, sorted[sorted.length / 2]);
        });
        Double measured = medians.remove("Coppice");
        double own = measured == null ? 0 : measured;
        if (medians.isEmpty()) {
            line(name, unit, own, null, null, more, rounds);
        }
        medians.forEach((side, peer) -> line(name, unit, own, side, peer, more, rounds));
    }

    private static void line(
            String name,
            String unit,
            double own,
            @Nullable String side,
            @Nullable Double peer,
            boolean more,
            int rounds) {
        String against = side == null || peer == null
                ? "\"peer\":null,\"peerName\":null,\"ratio\":null,\"goal\":150"
                : String.format(
                        Locale.ROOT,
                        "\"peer\":%.1f,\"peerName\":\"%s\",\"ratio\":%.2f",
                        peer,
                        side.equals("Elixir") ? "Elixir 1.14, OTP 25" : "Apache Pekko 1.7.0",
                        more ? own / peer : peer / own);
        System.out.println(String.format(
                Locale.ROOT,
                "{\"name\":\"%s\",\"unit\":\"%s\",\"coppice\":%.1f,%s,\"runs\":%d}",
                name,
                unit,
                own,
                against,
                rounds));
    }
}
