package dev.coppice.bench.gateway;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long requests take through each proxy while it has half of what the slowest of them can do: h2load sends HTTP/1.1 at a fixed rate on 64
 * connections.
 */
public final class GatewayLatency {
    private static final Pattern RATE = Pattern.compile("Requests/sec:\\s+([0-9.]+)");
    private static final int ROUNDS = 5;
    private static final int ROUTES = 100;
    private static final int CONNECTIONS = 64;

    private GatewayLatency() {}

    public static void main(String[] arguments) throws Exception {
        int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 5;
        Path log = Files.createTempFile("gateway-latency", ".log");
        try (Testbed bed = Testbed.open()) {
            List<Testbed.Proxy> proxies = bed.proxies(ROUTES);
            double least = Double.MAX_VALUE;
            for (Testbed.Proxy each : proxies) {
                double unused = most(each, each.warmUpSeconds());
                least = Math.min(least, most(each, seconds));
            }
            int rate = Math.max(1, (int) (least / 2 / CONNECTIONS));
            Map<String, List<long[]>> rounds = new LinkedHashMap<>();
            for (int round = 0; round < ROUNDS; round++) {
                for (Testbed.Proxy each : proxies) {
                    rounds.computeIfAbsent(each.name(), _ -> new ArrayList<>())
                            .add(durations(each, rate, seconds, log));
                }
            }
            rounds.forEach((name, all) -> System.out.printf(
                    "{\"bench\":\"gateway-latency\",\"proxy\":\"%s\",\"requests_per_second\":%d,\"p50_us\":%d,\"p99_us\":%d,\"p999_us\":%d}%n",
                    name, rate * CONNECTIONS, median(all, 0.5), median(all, 0.99), median(all, 0.999)));
        } finally {
            Files.delete(log);
        }
    }

    private static String run(List<String> command) throws IOException, InterruptedException {
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", "1"));
        pinned.addAll(command);
        Process process = new ProcessBuilder(pinned).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException(output);
        }
        return output;
    }

    private static String url(Testbed.Proxy proxy) {
        return "http://127.0.0.1:" + proxy.plain() + Testbed.FILE;
    }

    private static double most(Testbed.Proxy proxy, int seconds) throws Exception {
        String output = run(List.of(
                "wrk",
                "-t1",
                "-c" + CONNECTIONS,
                "-d" + seconds + "s",
                "-H",
                "Host: " + Testbed.host(ROUTES),
                url(proxy)));
        Matcher rate = RATE.matcher(output);
        if (!rate.find()) {
            throw new IllegalStateException(output);
        }
        return Double.parseDouble(rate.group(1));
    }

    /** Of all requests that were answered with 200, in microseconds, the shortest first. */
    private static long[] durations(Testbed.Proxy proxy, int rate, int seconds, Path log) throws Exception {
        Files.writeString(log, "");
        String output = run(List.of(
                "h2load",
                "--h1",
                "-t1",
                "-c" + CONNECTIONS,
                "--rps=" + rate,
                "-n" + rate * CONNECTIONS * seconds,
                "--log-file=" + log,
                "-H",
                ":authority: " + Testbed.host(ROUTES),
                url(proxy)));
        long[] sorted = Files.readAllLines(log).stream()
                .map(each -> each.split("\t"))
                .filter(each -> each[1].equals("200"))
                .mapToLong(each -> Long.parseLong(each[2]))
                .sorted()
                .toArray();
        if (sorted.length < rate * CONNECTIONS * seconds) {
            throw new IllegalStateException(output);
        }
        return sorted;
    }

    /** Of the rounds' quantiles. */
    private static long median(List<long[]> rounds, double quantile) {
        long[] all = rounds.stream()
                .mapToLong(each -> each[(int) Math.min(each.length - 1, each.length * quantile)])
                .toArray();
        Arrays.sort(all);
        return all[all.length / 2];
    }
}
