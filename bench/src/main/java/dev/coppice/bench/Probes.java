package dev.coppice.bench;

import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/**
 * Measures probes for a second of CPU time. nginx, blackbox_exporter and Coppice's prober each run in a process of their
 * own; what counts is the user and system time of the prober's process (/proc/PID/stat). blackbox_exporter probes when it
 * is asked over HTTP, since it knows no other way; its asker's time does not count.
 */
public final class Probes {
    private static final int CONCURRENCY = 16;

    private final Path folder;
    private final List<Process> children = new ArrayList<>();

    private Probes(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        var folder = Files.createTempDirectory("coppice-bench");
        var bench = new Probes(folder);
        try {
            int nginx = bench.startNginx();
            switch (arguments[0]) {
                case "side-by-side" -> bench.sideBySide(nginx, option(arguments, 1, 5), option(arguments, 2, 20_000));
                case "fleet" -> bench.fleet(nginx, option(arguments, 1, 10_000), option(arguments, 2, 30));
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        } finally {
            bench.children.reversed().forEach(Process::destroy);
        }
    }

    private static int option(String[] arguments, int index, int otherwise) {
        return arguments.length > index ? Integer.parseInt(arguments[index]) : otherwise;
    }

    private void sideBySide(int nginx, int rounds, int count) throws Exception {
        var url = "http://127.0.0.1:" + nginx + "/";
        int port = FreePorts.next();
        var peer = startBlackbox(port);
        var load = new Load(url);
        try (var client = HttpClient.newHttpClient()) {
            var ask = URI.create("http://127.0.0.1:" + port + "/probe?module=http_2xx&target=" + url);
            System.err.println("Warming up ...");
            load.burst(30_000);
            askPeer(client, ask, 3_000);
            var ours = new double[rounds];
            var theirs = new double[rounds];
            for (int i = 0; i < rounds; i++) {
                long before = cpuMillis(peer.pid());
                askPeer(client, ask, count / 4);
                theirs[i] = count / 4 * 1000.0 / Math.max(1, cpuMillis(peer.pid()) - before);
                before = cpuMillis(load.process.pid());
                load.burst(count);
                ours[i] = count * 1000.0 / Math.max(1, cpuMillis(load.process.pid()) - before);
                System.err.printf(
                        Locale.ROOT, "round %d: blackbox_exporter %.0f, Coppice %.0f%n", i + 1, theirs[i], ours[i]);
            }
            double mine = median(ours);
            double other = median(theirs);
            print(
                    "{\"name\":\"probes\",\"unit\":\"HTTP probes per CPU-second\",\"coppice\":%.0f,\"peer\":%.0f,"
                            + "\"peerName\":\"blackbox_exporter\",\"ratio\":%.2f,\"runs\":%d}",
                    mine, other, mine / other, rounds);
        }
    }

    private void fleet(int nginx, int checks, int intervalSeconds) throws Exception {
        var load = new Load("http://127.0.0.1:" + nginx + "/");
        System.err.println("Warming up ...");
        load.burst(10_000);
        long before = cpuMillis(load.process.pid());
        long start = Clock.system().nanoTime();
        load.fleet(checks, intervalSeconds);
        double cores =
                (cpuMillis(load.process.pid()) - before) / ((Clock.system().nanoTime() - start) / 1e6);
        print(
                "{\"name\":\"probes-10k\",\"unit\":\"cores for %d HTTP checks every %d s\",\"coppice\":%.3f,\"peer\":null,"
                        + "\"peerName\":null,\"ratio\":null,\"goal\":1,\"runs\":1}",
                checks, intervalSeconds, cores);
        print(
                "{\"name\":\"probes-10k-memory\",\"unit\":\"MiB resident for %d HTTP checks every %d s\",\"coppice\":%d,"
                        + "\"peer\":null,\"peerName\":null,\"ratio\":null,\"goal\":1024,\"runs\":1}",
                checks, intervalSeconds, residentMebibytes(load.process.pid()));
    }

    private static void print(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }

    private static double median(double[] values) {
        var sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** The child with the prober, driven over its standard streams. */
    private final class Load {
        private final Process process;
        private final BufferedReader answers;

        Load(String url) throws IOException {
            var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
            process = new ProcessBuilder(
                            java,
                            "-XX:+UseCompactObjectHeaders",
                            "-XX:+UseSerialGC",
                            "-Xmx512m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            "dev.coppice.bench.ProbeLoad",
                            url)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            children.add(process);
            answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        }

        void burst(int count) throws IOException {
            tell("burst " + count + " " + CONCURRENCY, count);
        }

        void fleet(int checks, int intervalSeconds) throws IOException {
            tell("fleet " + checks + " " + intervalSeconds + " 1", checks);
        }

        private void tell(String line, int expected) throws IOException {
            process.outputWriter(StandardCharsets.UTF_8)
                    .append(line)
                    .append('\n')
                    .flush();
            var answer = answers.readLine();
            if (answer == null || Long.parseLong(answer) != expected) {
                throw new IOException("of " + expected + " probes only these succeeded: " + answer);
            }
        }
    }

    private static void askPeer(HttpClient client, URI uri, int count) throws Exception {
        var request = HttpRequest.newBuilder(uri).build();
        var waiting = new ArrayList<CompletableFuture<HttpResponse<String>>>();
        for (int i = 0; i < count; i++) {
            waiting.add(client.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
            if (waiting.size() == CONCURRENCY || i == count - 1) {
                for (var each : waiting) {
                    if (!each.get().body().contains("probe_success 1")) {
                        throw new IOException("a probe of blackbox_exporter failed");
                    }
                }
                waiting.clear();
            }
        }
    }

    private int startNginx() throws Exception {
        int port = FreePorts.next();
        var root = Files.createDirectories(folder.resolve("html"));
        Files.writeString(root.resolve("index.html"), "<!DOCTYPE html><title>ok</title>" + "<p>healthy</p>".repeat(40));
        var configuration = folder.resolve("nginx.conf");
        Files.writeString(configuration, """
                worker_processes 1; daemon off; pid %1$s/nginx.pid; error_log stderr crit;
                events { worker_connections 4096; }
                http { access_log off; client_body_temp_path %1$s/b; proxy_temp_path %1$s/p; fastcgi_temp_path %1$s/f;
                  uwsgi_temp_path %1$s/u; scgi_temp_path %1$s/s;
                  server { listen 127.0.0.1:%2$d backlog=4096; root %1$s/html; } }
                """.formatted(folder, port));
        // Workers of a root nginx are another user; they must reach the page.
        var unused =
                folder.toFile().setExecutable(true, false) && folder.toFile().setReadable(true, false);
        start("nginx", "-c", configuration.toString(), "-p", folder.toString());
        awaitPort(port);
        return port;
    }

    private Process startBlackbox(int port) throws Exception {
        var configuration = folder.resolve("blackbox.yml");
        Files.writeString(configuration, """
                modules:
                  http_2xx:
                    prober: http
                    timeout: 10s
                    http: {preferred_ip_protocol: ip4}
                """);
        var process = start(
                "prometheus-blackbox-exporter",
                "--config.file=" + configuration,
                "--log.level=error",
                "--web.listen-address=127.0.0.1:" + port);
        awaitPort(port);
        return process;
    }

    private Process start(String... command) throws IOException {
        var process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(Path.of(command[0]).getFileName() + ".log")
                        .toFile())
                .start();
        children.add(process);
        return process;
    }

    private static void awaitPort(int port) throws Exception {
        try (var kernel = Kernel.start()) {
            for (int i = 0; i < 200; i++) {
                try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                    return;
                } catch (IOException e) {
                    kernel.timers().sleep(Duration.ofMillis(50));
                }
            }
        }
        throw new IOException("nothing listens at port " + port);
    }

    /** User and system time of all threads (proc(5)); the kernel counts in hundredths of a second. */
    private static long cpuMillis(long pid) throws IOException {
        var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10;
    }

    private static long residentMebibytes(long pid) throws IOException {
        for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
            }
        }
        return -1;
    }
}
