package dev.coppice.bench.store;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.store.api.PutRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The store's speed table: Coppice's store and Debian's etcd under the same load from the same client, in turns after a
 * warm-up; medians. Prints one JSON object a line: figures a second, the client's percentiles, and the CPU time that servers
 * and client took for one operation.
 *
 * <p>Arguments: {@code [--nodes 1|3] [--rounds N] [--seconds N] [--warm-up N] [--connections N] [--puts N]
 * [--gib N] [--options JVM-OPTIONS] [--alone] [ROW ...]}, with the rows puts-1, puts-64, puts-512, reads-64, reads-512, txns-64, watch, memory, large (which runs
 * alone, and only when it is named).
 */
public final class StoreTable {

    private static final List<String> ROWS =
            List.of("puts-1", "puts-64", "puts-512", "reads-64", "reads-512", "txns-64", "watch", "memory", "large");
    private static final String LARGE = "large";
    private static final int WATCHES = 10_000;
    private static final int WATCHES_PER_STREAM = 1_000;
    private static final int KEYS_TO_KEEP = 1_000_000;
    private static final int FILL_IN_FLIGHT = 512;

    /** How long what was freed may take to go back to the operating system. */
    private static final Duration SETTLE = Duration.ofSeconds(15);

    private static final int MOST_SECONDS_TO_FILL = 60;

    private final Kernel kernel;
    private final Clock clock;
    private final ClosedLoop loop;
    private final Map<String, String> settings = new TreeMap<>(Map.of(
            "--nodes",
            "1",
            "--rounds",
            "5",
            "--seconds",
            "3",
            "--warm-up",
            "10",
            "--connections",
            "3",
            "--puts",
            "200",
            "--gib",
            "20",
            "--options",
            ""));
    private final List<String> rows = new ArrayList<>();
    private final Path folder;
    private boolean alone;

    private StoreTable(Kernel kernel, Path folder) {
        this.kernel = kernel;
        this.clock = kernel.clock();
        this.loop = new ClosedLoop(clock);
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("coppice-bench");
        try (Kernel kernel = Kernel.start()) {
            StoreTable table = new StoreTable(kernel, folder);
            table.read(arguments);
            table.run();
        } finally {
            new ProcessBuilder("rm", "-rf", folder.toString()).start().waitFor();
        }
    }

    private void read(String[] arguments) {
        for (int i = 0; i < arguments.length; i++) {
            if (arguments[i].equals("--alone")) {
                alone = true;
            } else if (settings.containsKey(arguments[i]) && i + 1 < arguments.length) {
                settings.put(arguments[i], arguments[++i]);
            } else if (ROWS.contains(arguments[i])) {
                rows.add(arguments[i]);
            } else {
                throw new IllegalArgumentException(arguments[i] + " is none of the rows " + ROWS
                        + " and none of the settings " + settings.keySet());
            }
        }
        if (rows.isEmpty()) {
            rows.addAll(ROWS);
            rows.remove(LARGE);
        }
    }

    private int number(String setting) {
        return Integer.parseInt(settings.getOrDefault(setting, "0"));
    }

    private List<String> jvmOptions() {
        List<String> options = new ArrayList<>(
                Arrays.asList(settings.getOrDefault("--options", "").trim().split(" +", -1)));
        options.removeIf(String::isEmpty);
        return options;
    }

    private Servers coppice() throws Exception {
        Path directory = folder.resolve("coppice");
        if (number("--nodes") > 1) {
            // Before the members look for it all at once.
            var _ = CertificateAuthority.open(kernel, directory.resolve("pki"));
        }
        return Servers.coppice(directory, number("--nodes"), jvmOptions());
    }

    private List<Servers> sides() throws Exception {
        List<Servers> sides = new ArrayList<>();
        sides.add(coppice());
        if (!alone) {
            sides.add(Servers.etcd(folder.resolve("etcd"), number("--nodes")));
        }
        return sides;
    }

    private void run() throws Exception {
        List<String> speed = rows.stream()
                .filter(row -> !row.equals("memory") && !row.equals(LARGE))
                .toList();
        if (!speed.isEmpty()) {
            List<Servers> sides = sides();
            try {
                for (Servers side : sides) {
                    prepare(side);
                }
                for (String row : speed) {
                    measure(row, sides);
                }
            } finally {
                close(sides);
            }
        }
        if (rows.contains("memory")) {
            memory();
        }
        if (rows.contains(LARGE)) {
            new LargeData(clock, folder.resolve("coppice"), jvmOptions()).run(number("--gib"));
        }
    }

    private static void close(List<Servers> sides) throws Exception {
        for (Servers side : sides) {
            side.close();
        }
    }

    /** Every key that is read later; and whether each put is synced before it is answered. */
    private void prepare(Servers side) throws Exception {
        loop.run(side.ports(), number("--connections"), 64, MOST_SECONDS_TO_FILL, Load.each(64));
        SyncCheck check = SyncCheck.begin(side, folder);
        if (check == null) {
            return;
        }
        long puts;
        try (check) {
            puts = loop.run(side.ports(), 1, 1, 1, Load::puts).calls();
        }
        List<Long> syncs = check.end();
        long enough = syncs.stream().filter(each -> each >= puts).count();
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"synced\",\"side\":\"%s\",\"puts\":%d,\"syncs\":%s,\"majority\":%b}%n",
                side.name(),
                puts,
                syncs,
                enough > syncs.size() / 2);
    }

    // ---- speed

    private record Measured(double perSecond, double p50, double p99, double serverMicros, double clientMicros) {}

    private static Load.Kind kind(String row) {
        return row.startsWith("puts") ? Load::puts : row.startsWith("reads") ? Load::reads : Load::swaps;
    }

    private void measure(String row, List<Servers> sides) throws Exception {
        Map<String, List<Measured>> all = new TreeMap<>();
        if (row.equals("watch")) {
            watch(sides, all);
        } else {
            int inFlight = Integer.parseInt(row.substring(row.lastIndexOf('-') + 1));
            for (Servers side : sides) {
                load(side, inFlight, number("--warm-up"), kind(row));
            }
            for (int round = 0; round < number("--rounds"); round++) {
                for (Servers side : sides.reversed()) {
                    note(row, side, load(side, inFlight, number("--seconds"), kind(row)), all);
                }
            }
        }
        report(row, all);
    }

    private static void note(String row, Servers side, Measured measured, Map<String, List<Measured>> all) {
        System.err.printf(Locale.ROOT, "%s %s: %s%n", row, side.name(), measured);
        all.computeIfAbsent(side.name(), name -> new ArrayList<>()).add(measured);
    }

    private Measured load(Servers side, int inFlight, int seconds, Load.Kind kind) throws IOException {
        long server = side.cpuMillis();
        long client = Servers.cpuMillis("self");
        ClosedLoop.Done done = loop.run(side.ports(), number("--connections"), inFlight, seconds, kind);
        return new Measured(
                done.perSecond(),
                done.millis(0.5),
                done.millis(0.99),
                (side.cpuMillis() - server) * 1e3 / done.calls(),
                (Servers.cpuMillis("self") - client) * 1e3 / done.calls());
    }

    private void watch(List<Servers> sides, Map<String, List<Measured>> all) throws IOException {
        List<WatchLoad> loads = new ArrayList<>();
        for (Servers side : sides) {
            loads.add(new WatchLoad(clock, side.ports(), WATCHES, WATCHES_PER_STREAM));
        }
        int puts = number("--puts");
        for (WatchLoad each : loads) {
            long end = clock.nanoTime() + number("--warm-up") * 1_000_000_000L;
            do {
                each.run(puts);
            } while (clock.nanoTime() < end);
        }
        for (int round = 0; round < number("--rounds"); round++) {
            for (int i = sides.size() - 1; i >= 0; i--) {
                long server = sides.get(i).cpuMillis();
                long client = Servers.cpuMillis("self");
                long responses = loads.get(i).responses();
                double perSecond = loads.get(i).run(puts);
                System.err.printf(
                        Locale.ROOT,
                        "watch %s: %.1f events a response%n",
                        sides.get(i).name(),
                        (double) puts * WATCHES / (loads.get(i).responses() - responses));
                double events = (double) puts * WATCHES;
                note(
                        "watch",
                        sides.get(i),
                        new Measured(
                                perSecond,
                                Double.NaN,
                                Double.NaN,
                                (sides.get(i).cpuMillis() - server) * 1e3 / events,
                                (Servers.cpuMillis("self") - client) * 1e3 / events),
                        all);
            }
        }
        for (WatchLoad each : loads) {
            each.close();
        }
    }

    private void report(String row, Map<String, List<Measured>> all) {
        compare(row, row.equals("watch") ? "events/s" : "operations/s", all, Measured::perSecond, false);
        compare(
                row + "-server",
                "microseconds of CPU of the servers, one operation",
                all,
                Measured::serverMicros,
                true);
        compare(row + "-client", "microseconds of CPU of the client, one operation", all, Measured::clientMicros, true);
        if (!row.equals("watch")) {
            compare(row + "-p50", "ms", all, Measured::p50, true);
            compare(row + "-p99", "ms", all, Measured::p99, true);
        }
    }

    private void compare(
            String name,
            String unit,
            Map<String, List<Measured>> all,
            ToDoubleFunction<Measured> value,
            boolean lessIsBetter) {
        double ours = median(all.getOrDefault("Coppice", List.of()), value);
        double theirs = median(all.getOrDefault("etcd", List.of()), value);
        line(name, unit, ours, theirs, lessIsBetter, number("--rounds"));
    }

    private void line(String name, String unit, double ours, double theirs, boolean lessIsBetter, int rounds) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"store-%s\",\"nodes\":%d,\"unit\":\"%s\",\"coppice\":%.2f,\"peer\":%.2f,\"peerName\":\"etcd\",\"ratio\":%.2f,\"runs\":%d}%n",
                name,
                number("--nodes"),
                unit,
                ours,
                theirs,
                lessIsBetter ? theirs / ours : ours / theirs,
                rounds);
    }

    private static double median(List<Measured> measured, ToDoubleFunction<Measured> value) {
        double[] sorted = measured.stream().mapToDouble(value).sorted().toArray();
        return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
    }

    // ---- memory

    /** A million small keys, each with 32 bytes. */
    private static Load fill(int place) {
        return new Load() {
            private int number = place;

            @Override
            public String path() {
                return PUT;
            }

            @Override
            public byte @Nullable [] next() {
                if (number >= KEYS_TO_KEEP) {
                    return null;
                }
                byte[] request = PutRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8(String.format(Locale.ROOT, "registry/items/%07d", number)))
                        .setValue(VALUE.substring(0, 32))
                        .build()
                        .toByteArray();
                number += FILL_IN_FLIGHT;
                return request;
            }
        };
    }

    private void memory() throws Exception {
        long[][] bytes = new long[2][3];
        for (int i = 0; i < (alone ? 1 : 2); i++) {
            try (Servers side = i == 0 ? coppice() : Servers.etcd(folder.resolve("etcd"), number("--nodes"))) {
                long before = side.residentBytes();
                loop.run(side.ports(), number("--connections"), FILL_IN_FLIGHT, 600, StoreTable::fill);
                kernel.timers().sleep(SETTLE);
                bytes[i][0] = side.residentBytes() - before;
                bytes[i][1] = side.diskBytes();
                bytes[i][2] = side.residentBytes();
                System.err.printf("memory %s: %s%n", side.name(), Arrays.toString(bytes[i]));
            }
        }
        double keys = KEYS_TO_KEEP * number("--nodes");
        line(
                "memory-per-key",
                "bytes resident more than empty, a key",
                bytes[0][0] / keys,
                bytes[1][0] / keys,
                true,
                1);
        line("memory", "MiB resident altogether, a member", mib(bytes[0][2]), mib(bytes[1][2]), true, 1);
        line("disk-per-key", "bytes on disk, a key", bytes[0][1] / keys, bytes[1][1] / keys, true, 1);
    }

    private double mib(long bytes) {
        return bytes / 1048576.0 / number("--nodes");
    }
}
