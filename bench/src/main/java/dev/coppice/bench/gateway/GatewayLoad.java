package dev.coppice.bench.gateway;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * CPU time of a proxy for one request: Coppice's and its peers' in turns, each alone on the first processor, with the load
 * generator (wrk, or h2load for HTTP/2) and the backend on the second. The figure of a round is the proxy's user and system time by
 * the requests that the load generator counted.
 */
public final class GatewayLoad {
    private static final Pattern REQUESTS = Pattern.compile("(\\d+) requests in");
    private static final Pattern P99 = Pattern.compile("(?m)^\\s+99%\\s+(\\S+)");
    private static final Pattern BAD = Pattern.compile("Non-2xx or 3xx responses: (\\d+)");
    private static final Pattern H2_REQUESTS = Pattern.compile("status codes: (\\d+) 2xx");
    private static final Pattern H2_BAD = Pattern.compile("(\\d+) failed");
    private static final int ROUNDS = 5;
    private static final List<String> BROWSER_HEADERS = List.of(
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language: en-US,en;q=0.5",
            "Accept-Encoding: gzip, deflate, br, zstd",
            "Referer: https://example.org/files/",
            "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes",
            "Sec-Fetch-Dest: document",
            "Sec-Fetch-Mode: navigate",
            "Sec-Fetch-Site: same-origin",
            "Sec-Fetch-User: ?1",
            "Upgrade-Insecure-Requests: 1",
            "Priority: u=0, i",
            "Pragma: no-cache",
            "Cache-Control: no-cache");

    private final Testbed bed;

    private GatewayLoad(Testbed bed) {
        this.bed = bed;
    }

    /** What clients speak; backends are spoken to by HTTP/1.1 throughout. */
    private enum Mode {
        HTTP(List.of(64, 256)),
        /** HTTP/1.1 with the headers that a browser sends. */
        BROWSER(List.of(64)),
        /** HTTP/1.1 in TLS. */
        TLS(List.of(64)),
        /** HTTP/2 without TLS. */
        H2C(List.of(16)),
        /** HTTP/2 in TLS. */
        H2(List.of(16)),
        /** HTTP/1.1, answered from a cache in memory (nginx's in files that the system has in memory). */
        CACHE(List.of(64));

        final List<Integer> connections;

        Mode(List<Integer> connections) {
            this.connections = connections;
        }

        boolean secure() {
            return this == TLS || this == H2;
        }
    }

    /** 0: the proxy does not have it. */
    private static int port(Testbed.Proxy proxy, Mode mode) {
        return switch (mode) {
            case HTTP, BROWSER -> proxy.plain();
            case H2C -> proxy.h2c();
            case TLS, H2 -> proxy.secure();
            case CACHE -> proxy.cached();
        };
    }

    private static String url(Testbed.Proxy proxy, Mode mode) {
        return (mode.secure() ? "https" : "http") + "://127.0.0.1:" + port(proxy, mode) + Testbed.FILE;
    }

    private record Round(long requests, double cpuMicros, String p99, long bad) {}

    /** Arguments: PEERS [SECONDS [ROUTES [MODES]]]. */
    public static void main(String[] arguments) throws Exception {
        Set<Peer> peers = Peer.parse(arguments[0]);
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 4;
        int routes = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 100;
        List<Mode> modes = arguments.length > 3
                ? Arrays.stream(arguments[3].split(","))
                        .map(each -> Mode.valueOf(each.toUpperCase(Locale.ROOT)))
                        .toList()
                : List.of(Mode.values());
        try (Testbed bed = Testbed.open()) {
            new GatewayLoad(bed).run(peers, seconds, routes, modes);
        }
    }

    private void run(Set<Peer> peers, int seconds, int routes, List<Mode> modes) throws Exception {
        List<Testbed.Proxy> all = bed.proxies(peers, routes);
        String host = Testbed.host(routes);
        for (Mode mode : modes) {
            List<Testbed.Proxy> proxies = new ArrayList<>();
            for (Testbed.Proxy each : all) {
                if (port(each, mode) > 0) {
                    proxies.add(each);
                } else {
                    System.err.println(each.name() + " is not measured in mode " + mode + ": it has HTTP only here");
                }
            }
            for (int connections : mode.connections) {
                measure(proxies, mode, connections, mode == Mode.CACHE ? GatewayServer.CACHED : host, seconds, routes);
            }
        }
    }

    private void measure(List<Testbed.Proxy> proxies, Mode mode, int connections, String host, int seconds, int routes)
            throws Exception {
        for (Testbed.Proxy each : proxies) {
            load(each, mode, connections, host, each.warmUpSeconds());
        }
        Map<String, List<Round>> rounds = new LinkedHashMap<>();
        for (int round = 0; round < ROUNDS; round++) {
            for (Testbed.Proxy each : proxies) {
                rounds.computeIfAbsent(each.name(), _ -> new ArrayList<>())
                        .add(load(each, mode, connections, host, seconds));
            }
        }
        Map<String, Double> medians = new LinkedHashMap<>();
        rounds.forEach((name, all) -> {
            List<Round> sorted = all.stream()
                    .sorted(Comparator.comparingDouble(Round::cpuMicros))
                    .toList();
            Round median = sorted.get(sorted.size() / 2);
            medians.put(name, median.cpuMicros);
            System.out.printf(
                    "{\"bench\":\"gateway\",\"proxy\":\"%s\",\"mode\":\"%s\",\"connections\":%d,\"routes\":%d,\"cpu_us\":%.1f,"
                            + "\"cpu_us_least\":%.1f,\"cpu_us_most\":%.1f,\"requests_per_second\":%d,\"p99\":\"%s\",\"bad\":%d}%n",
                    name,
                    mode,
                    connections,
                    routes,
                    median.cpuMicros,
                    sorted.getFirst().cpuMicros,
                    sorted.getLast().cpuMicros,
                    median.requests / seconds,
                    median.p99,
                    all.stream().mapToLong(Round::bad).sum());
        });
        double coppice = Objects.requireNonNull(medians.remove("coppice"));
        medians.forEach((peer, micros) -> System.out.printf(
                "{\"bench\":\"gateway\",\"mode\":\"%s\",\"connections\":%d,\"peer\":\"%s\",\"cpu_ratio\":%.2f}%n",
                mode, connections, peer, micros / coppice));
    }

    private Round load(Testbed.Proxy proxy, Mode mode, int connections, String host, int seconds) throws Exception {
        List<String> command = new ArrayList<>(List.of("taskset", "-c", "1"));
        boolean http2 = mode == Mode.H2C || mode == Mode.H2;
        if (http2) {
            // Ten requests at once on each connection.
            command.addAll(List.of("h2load", "-t1", "-m10", "-D" + seconds, "-c" + connections));
            command.addAll(List.of("-H", ":authority: " + host));
        } else {
            command.addAll(List.of("wrk", "-t1", "-c" + connections, "-d" + seconds + "s", "--latency"));
            command.addAll(List.of("-H", "Host: " + host));
            if (mode == Mode.BROWSER) {
                BROWSER_HEADERS.forEach(each -> command.addAll(List.of("-H", each)));
            }
        }
        command.add(url(proxy, mode));
        long before = proxy.cpuTicks();
        Process generator =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(generator.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        generator.waitFor();
        long ticks = proxy.cpuTicks() - before;
        Matcher requests = (http2 ? H2_REQUESTS : REQUESTS).matcher(output);
        if (!requests.find()) {
            throw new IllegalStateException(output);
        }
        long count = Long.parseLong(requests.group(1));
        Matcher p99 = P99.matcher(output);
        Matcher bad = (http2 ? H2_BAD : BAD).matcher(output);
        return new Round(
                count,
                ticks * 10_000.0 / count,
                p99.find() ? p99.group(1) : "",
                bad.find() ? Long.parseLong(bad.group(1)) : 0);
    }
}
