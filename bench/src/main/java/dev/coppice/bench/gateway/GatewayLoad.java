package dev.coppice.bench.gateway;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * CPU time of a proxy for one request: nginx's, HAProxy's and Coppice's in turns, each alone on the first processor, with the load
 * generator (wrk, or h2load for HTTP/2) and the backend (nginx) on the second. The figure of a round is the proxy's user and system time by
 * the requests that the load generator counted.
 */
public final class GatewayLoad {
    private static final Pattern REQUESTS = Pattern.compile("(\\d+) requests in");
    private static final Pattern P99 = Pattern.compile("(?m)^\\s+99%\\s+(\\S+)");
    private static final Pattern BAD = Pattern.compile("Non-2xx or 3xx responses: (\\d+)");
    private static final Pattern H2_REQUESTS = Pattern.compile("status codes: (\\d+) 2xx");
    private static final Pattern H2_BAD = Pattern.compile("(\\d+) failed");
    private static final int ROUNDS = 5;

    private final Path directory;
    private final List<Process> processes = new ArrayList<>();

    private GatewayLoad(Path directory) {
        this.directory = directory;
    }

    /** What clients speak; backends are spoken to by HTTP/1.1 throughout. */
    private enum Mode {
        HTTP(List.of(64, 256)),
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

    /** A proxy under test. */
    private record Proxy(String name, int plain, int h2c, int secure, int cached, List<Long> pids) {
        String url(Mode mode) {
            int port = switch (mode) {
                case HTTP -> plain;
                case H2C -> h2c;
                case TLS, H2 -> secure;
                case CACHE -> cached;
            };
            return (mode.secure() ? "https" : "http") + "://127.0.0.1:" + port + "/files/1k";
        }
    }

    private record Round(long requests, double cpuMicros, String p99, long bad) {}

    public static void main(String[] arguments) throws Exception {
        int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 4;
        int routes = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 100;
        List<Mode> modes = arguments.length > 2
                ? Arrays.stream(arguments[2].split(","))
                        .map(each -> Mode.valueOf(each.toUpperCase(Locale.ROOT)))
                        .toList()
                : List.of(Mode.values());
        Path directory = Files.createTempDirectory("gateway-bench");
        GatewayLoad load = new GatewayLoad(directory);
        try {
            load.run(seconds, routes, modes);
        } finally {
            load.processes.reversed().forEach(each -> {
                each.descendants().forEach(ProcessHandle::destroy);
                each.destroy();
            });
            for (Process each : load.processes) {
                if (!each.waitFor(5, TimeUnit.SECONDS)) {
                    each.destroyForcibly();
                }
            }
            try (Stream<Path> all = Files.walk(directory)) {
                for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(each);
                }
            }
        }
    }

    private void run(int seconds, int routes, List<Mode> modes) throws Exception {
        int backend = freePort();
        certificate();
        Files.writeString(directory.resolve("1k"), "x".repeat(1024));
        String files = " keepalive_requests 1000000000; access_log off; location /files/ { alias " + directory + "/; ";
        nginx(
                "backend",
                1,
                "server { listen 127.0.0.1:" + backend + ";" + files + "} } server { listen 127.0.0.1:" + backend
                        + "; server_name " + GatewayServer.CACHED + ";" + files
                        + " add_header Cache-Control max-age=3600; } }");
        List<Proxy> proxies = List.of(proxyNginx(backend), haproxy(backend), coppice(backend, routes));
        String host = "h" + (routes - 1) + ".example.org";
        for (Proxy each : proxies) {
            awaitPort(each.plain);
        }
        for (Mode mode : modes) {
            for (int connections : mode.connections) {
                measure(proxies, mode, connections, mode == Mode.CACHE ? GatewayServer.CACHED : host, seconds, routes);
            }
        }
    }

    private void measure(List<Proxy> proxies, Mode mode, int connections, String host, int seconds, int routes)
            throws Exception {
        for (Proxy each : proxies) {
            load(each, mode, connections, host, each.name.equals("coppice") ? 15 : 2);
        }
        Map<String, List<Round>> rounds = new LinkedHashMap<>();
        for (int round = 0; round < ROUNDS; round++) {
            for (Proxy each : proxies) {
                rounds.computeIfAbsent(each.name, _ -> new ArrayList<>())
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
        for (String peer : List.of("nginx", "haproxy")) {
            System.out.printf(
                    "{\"bench\":\"gateway\",\"mode\":\"%s\",\"connections\":%d,\"peer\":\"%s\",\"cpu_ratio\":%.2f}%n",
                    mode, connections, peer, medians.getOrDefault(peer, 0.0) / medians.getOrDefault("coppice", 1.0));
        }
    }

    private void certificate() throws Exception {
        Process openssl = new ProcessBuilder(
                        ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench"
                                        + " -keyout key.pem -out cert.pem")
                                .split(" "))
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("openssl.out").toFile())
                .start();
        if (openssl.waitFor() != 0) {
            throw new IllegalStateException(Files.readString(directory.resolve("openssl.out")));
        }
        Files.writeString(
                directory.resolve("both.pem"),
                Files.readString(directory.resolve("cert.pem")) + Files.readString(directory.resolve("key.pem")));
    }

    private Proxy proxyNginx(int backend) throws Exception {
        int port = freePort();
        int h2c = freePort();
        int secure = freePort();
        int cached = freePort();
        String passed = "keepalive_requests 1000000000; access_log " + directory
                + "/nginx-access.log combined buffer=32k; location / { proxy_pass http://backend;"
                + " proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host;"
                + " proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; ";
        Process process = nginx(
                "proxy",
                0,
                "proxy_cache_path " + directory + "/nginx-cache keys_zone=c:10m; upstream backend { server 127.0.0.1:"
                        + backend + "; keepalive 512; keepalive_requests 1000000000; }"
                        + " server { listen 127.0.0.1:" + port + "; listen 127.0.0.1:" + h2c
                        + " http2; listen 127.0.0.1:" + secure
                        + " ssl http2; ssl_certificate " + directory + "/cert.pem; ssl_certificate_key " + directory
                        + "/key.pem; " + passed + "} } server { listen 127.0.0.1:" + cached + "; " + passed
                        + "proxy_cache c; } }");
        return new Proxy("nginx", port, h2c, secure, cached, pids(process));
    }

    private Process nginx(String name, int processor, String http) throws Exception {
        Path file = directory.resolve(name + ".conf");
        Files.writeString(
                file,
                "daemon off; master_process off; worker_processes 1; pid " + directory + "/" + name + ".pid;"
                        + " error_log " + directory + "/" + name + ".log; events { worker_connections 4096; }"
                        + " http { " + http + " }");
        return start(name, processor, "nginx", "-c", file.toString(), "-p", directory.toString());
    }

    private Proxy haproxy(int backend) throws Exception {
        int port = freePort();
        int h2c = freePort();
        int secure = freePort();
        int cached = freePort();
        Path file = directory.resolve("haproxy.cfg");
        Files.writeString(
                file,
                "global\n nbthread 1\n maxconn 8192\n log " + directory + "/none local0\ndefaults\n mode http\n"
                        + " option http-keep-alive\n http-reuse always\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
                        + " option forwardfor\n option httplog\n log global\nfrontend f\n bind 127.0.0.1:" + port
                        + "\n bind 127.0.0.1:" + h2c + " proto h2\n bind 127.0.0.1:" + secure + " ssl crt " + directory
                        + "/both.pem alpn h2,http/1.1\n default_backend b\nbackend b\n server s 127.0.0.1:" + backend
                        + "\nfrontend g\n bind 127.0.0.1:" + cached
                        + "\n http-request cache-use c\n http-response cache-store c\n default_backend b"
                        + "\ncache c\n total-max-size 16\n max-age 3600\n");
        return new Proxy(
                "haproxy",
                port,
                h2c,
                secure,
                cached,
                pids(start("haproxy", 0, "haproxy", "-db", "-f", file.toString())));
    }

    private Proxy coppice(int backend, int routes) throws Exception {
        int port = freePort();
        int secure = freePort();
        Process process = start(
                "coppice",
                0,
                System.getProperty("java.home") + "/bin/java",
                "-XX:+UseSerialGC",
                "-XX:+UseCompactObjectHeaders",
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                GatewayServer.class.getName(),
                Integer.toString(port),
                Integer.toString(secure),
                directory.toString(),
                Integer.toString(backend),
                Integer.toString(routes),
                directory.resolve("access.log").toString());
        return new Proxy("coppice", port, port, secure, port, pids(process));
    }

    private static List<Long> pids(Process process) {
        return List.of(process.pid());
    }

    private Process start(String name, int processor, String... command) throws IOException {
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", Integer.toString(processor)));
        pinned.addAll(List.of(command));
        Process process = new ProcessBuilder(pinned)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve(name + ".out").toFile())
                .start();
        processes.add(process);
        return process;
    }

    private Round load(Proxy proxy, Mode mode, int connections, String host, int seconds) throws Exception {
        List<String> command = new ArrayList<>(List.of("taskset", "-c", "1"));
        boolean http2 = mode == Mode.H2C || mode == Mode.H2;
        if (http2) {
            // Ten requests at once on each connection.
            command.addAll(List.of("h2load", "-t1", "-m10", "-D" + seconds, "-c" + connections));
            command.addAll(List.of("-H", ":authority: " + host));
        } else {
            command.addAll(List.of("wrk", "-t1", "-c" + connections, "-d" + seconds + "s", "--latency"));
            command.addAll(List.of("-H", "Host: " + host));
        }
        command.add(proxy.url(mode));
        long before = cpuTicks(proxy);
        Process generator =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(generator.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        generator.waitFor();
        long ticks = cpuTicks(proxy) - before;
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

    /** User and system time, in hundredths of a second. */
    private static long cpuTicks(Proxy proxy) throws IOException {
        long ticks = 0;
        for (long pid : proxy.pids) {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            ticks += Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        }
        return ticks;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static void awaitPort(int port) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (true) {
            try (Socket unused = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return;
            } catch (IOException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                Thread.sleep(100);
            }
        }
    }
}
