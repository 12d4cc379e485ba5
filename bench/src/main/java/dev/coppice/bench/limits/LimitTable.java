package dev.coppice.bench.limits;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Checks a CPU second of the gateway's limits beside bucket4j and resilience4j, in turns, each in a process of its own that warmed up
 * before; medians. Prints one JSON object a line.
 */
public final class LimitTable {
    private static final List<String> SIDES = List.of("bucket", "window", "bucket4j", "resilience4j");

    private LimitTable() {}

    private static final class Side implements AutoCloseable {
        private final String name;
        private final Process process;
        private final Writer out;
        private final BufferedReader in;
        private final List<Double> perSecond = new ArrayList<>();
        final long bytesPerKey;

        Side(String name, String keys) throws IOException {
            this.name = name;
            process = new ProcessBuilder(
                            System.getProperty("java.home") + "/bin/java",
                            "-XX:+UseCompactObjectHeaders",
                            "-XX:+UseSerialGC",
                            "-Xms2g",
                            "-Xmx2g",
                            "-cp",
                            System.getProperty("java.class.path"),
                            LimitChecks.class.getName(),
                            name,
                            keys)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            out = process.outputWriter(StandardCharsets.UTF_8);
            in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            bytesPerKey = Long.parseLong(words("ready")[1]);
        }

        private String[] words(String first) throws IOException {
            String line = in.readLine();
            if (line == null || !line.startsWith(first + " ")) {
                throw new IOException(name + " answered " + line);
            }
            return line.split(" ");
        }

        void run(long millis, boolean counts) throws IOException {
            out.write(millis + "\n");
            out.flush();
            String[] words = words("ok");
            double figure = Double.parseDouble(words[1]) / Double.parseDouble(words[3]) * 1e9;
            System.err.printf(
                    Locale.ROOT,
                    "%s: %.2f million checks a CPU second, %.0f%% passed%n",
                    name,
                    figure / 1e6,
                    100 * Double.parseDouble(words[2]) / Double.parseDouble(words[1]));
            if (counts) {
                perSecond.add(figure);
            }
        }

        double median() {
            return perSecond.stream()
                    .sorted()
                    .skip(perSecond.size() / 2)
                    .findFirst()
                    .orElse(0.0);
        }

        @Override
        public void close() throws Exception {
            out.close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }

    /** Arguments: {@code --rounds N} (5) and {@code --millis N} (2000). */
    public static void main(String[] arguments) throws Exception {
        List<String> words = Arrays.asList(arguments);
        int rounds = number(words, "--rounds", 5);
        int millis = number(words, "--millis", 2000);
        for (String keys : List.of("kept", "fresh")) {
            run(keys, rounds, millis);
        }
    }

    private static void run(String keys, int rounds, int millis) throws Exception {
        List<Side> sides = new ArrayList<>();
        try {
            for (String name : SIDES) {
                Side side = new Side(name, keys);
                sides.add(side);
                side.run(2L * millis, false);
                side.run(millis, false);
            }
            for (int round = 0; round < rounds; round++) {
                for (Side side : sides) {
                    side.run(millis, true);
                }
            }
            for (Side own : sides.subList(0, 2)) {
                for (Side peer : sides.subList(2, SIDES.size())) {
                    print(keys, own, peer, rounds);
                }
            }
        } finally {
            for (Side side : sides) {
                side.close();
            }
        }
    }

    private static int number(List<String> words, String name, int usual) {
        int at = words.indexOf(name);
        return at < 0 ? usual : Integer.parseInt(words.get(at + 1));
    }

    private static void print(String keys, Side own, Side peer, int rounds) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"limits %s, %s keys\",\"unit\":\"checks a CPU second\",\"coppice\":%.0f,\"peer\":%.0f,\"peerName\":\"%s\","
                        + "\"ratio\":%.2f,\"goal\":3,\"bytesPerKey\":%d,\"peerBytesPerKey\":%d,\"runs\":%d}%n",
                own.name,
                keys,
                own.median(),
                peer.median(),
                peer.name,
                own.median() / peer.median(),
                own.bytesPerKey,
                peer.bytesPerKey,
                rounds);
    }
}
