package dev.coppice.bench.store;

import dev.coppice.bench.FreePorts;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** One member or three of one kind of store, each a process of its own with a directory of its own. */
final class Servers implements AutoCloseable {

    private final String name;
    private final Path folder;
    private final List<Process> processes = new ArrayList<>();
    private final List<Integer> ports = new ArrayList<>();

    private Servers(String name, Path folder) {
        this.name = name;
        this.folder = folder;
    }

    String name() {
        return name;
    }

    /** Where each listens for clients. */
    List<Integer> ports() {
        return ports;
    }

    List<Long> pids() {
        return processes.stream().map(Process::pid).toList();
    }

    /** Coppice's store, on a JVM with the options of the launcher. */
    static Servers coppice(Path folder, int nodes, List<String> jvmOptions) throws Exception {
        Servers servers = new Servers("Coppice", Files.createDirectories(folder));
        List<Integer> peers = freePorts(nodes);
        String allPeers = peers.stream().map(String::valueOf).collect(Collectors.joining(","));
        for (int i = 0; i < nodes; i++) {
            int port = FreePorts.next();
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:+UseCompactObjectHeaders",
                    "-XX:+UseSerialGC",
                    "-Xss512k",
                    "-Xms128m",
                    "-XX:NewSize=80m",
                    "-XX:MinHeapFreeRatio=20",
                    "-XX:MaxHeapFreeRatio=40",
                    "-XX:TrimNativeHeapInterval=60000",
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow"));
            command.addAll(jvmOptions);
            command.addAll(List.of(
                    "-cp",
                    System.getProperty("java.class.path"),
                    StoreServer.class.getName(),
                    folder.resolve("data-" + i).toString(),
                    Integer.toString(port)));
            if (nodes > 1) {
                command.addAll(List.of(
                        Integer.toString(i + 1), allPeers, folder.resolve("pki").toString()));
            }
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectError(folder.resolve("log-" + i).toFile());
            builder.environment().put("MALLOC_ARENA_MAX", "2");
            servers.add(builder, port);
        }
        try {
            for (Process each : servers.processes) {
                awaitLine(each, "ready");
            }
        } catch (IOException e) {
            servers.close();
            throw e;
        }
        return servers;
    }

    private static void awaitLine(Process process, String start) throws IOException {
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = lines.readLine();
        if (line == null || !line.startsWith(start)) {
            throw new IOException("the store did not start: " + line);
        }
    }

    /** Debian's etcd; its members talk with TLS to each other, too. */
    static Servers etcd(Path folder, int nodes) throws Exception {
        Servers servers = new Servers("etcd", Files.createDirectories(folder));
        List<Integer> peers = freePorts(nodes);
        String scheme = nodes > 1 ? "https" : "http";
        String cluster = IntStream.range(0, nodes)
                .mapToObj(i -> "n" + i + "=" + scheme + "://127.0.0.1:" + peers.get(i))
                .collect(Collectors.joining(","));
        for (int i = 0; i < nodes; i++) {
            int port = FreePorts.next();
            String client = "http://127.0.0.1:" + port;
            String peer = scheme + "://127.0.0.1:" + peers.get(i);
            List<String> command = new ArrayList<>(List.of(
                    "etcd",
                    "--name",
                    "n" + i,
                    "--data-dir",
                    folder.resolve("data-" + i).toString(),
                    "--listen-client-urls",
                    client,
                    "--advertise-client-urls",
                    client,
                    "--listen-peer-urls",
                    peer,
                    "--initial-advertise-peer-urls",
                    peer,
                    "--initial-cluster",
                    cluster,
                    "--quota-backend-bytes",
                    Long.toString(8L << 30)));
            if (nodes > 1) {
                command.add("--peer-auto-tls");
            }
            servers.add(
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve("log-" + i).toFile()),
                    port);
        }
        servers.awaitEtcd();
        return servers;
    }

    /** Until each answers a linearizable read. */
    private void awaitEtcd() throws Exception {
        for (int port : ports) {
            Process asked = null;
            for (int i = 0; i < 100 && (asked == null || asked.exitValue() != 0); i++) {
                asked = new ProcessBuilder("etcdctl", "--endpoints", "127.0.0.1:" + port, "get", "none")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
                asked.waitFor();
            }
        }
    }

    private void add(ProcessBuilder builder, int port) throws IOException {
        processes.add(builder.start());
        ports.add(port);
    }

    private static List<Integer> freePorts(int count) throws IOException {
        List<Integer> ports = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ports.add(FreePorts.next());
        }
        return ports;
    }

    // ---- what they use

    /** User and system time of all threads of all members, in milliseconds (proc(5)). */
    long cpuMillis() throws IOException {
        long sum = 0;
        for (long pid : pids()) {
            sum += cpuMillis(Long.toString(pid));
        }
        return sum;
    }

    /** The kernel counts in hundredths of a second. */
    static long cpuMillis(String pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", pid, "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10;
    }

    /** Bytes resident, of all members together. */
    long residentBytes() throws IOException {
        long sum = 0;
        for (long pid : pids()) {
            for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"))) {
                if (line.startsWith("VmRSS:")) {
                    sum += Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
        }
        return sum;
    }

    /** Bytes on disk, of all members together; a file with several names counts once. */
    long diskBytes() throws Exception {
        Process du = new ProcessBuilder("du", "-s", "--block-size=1", folder.toString()).start();
        String line = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        du.waitFor();
        return Long.parseLong(line.split("\t", -1)[0]);
    }

    /** Ends them, and leaves their data. */
    void stop() throws Exception {
        for (Process each : processes) {
            each.destroy();
        }
        for (Process each : processes) {
            if (!each.waitFor(20, TimeUnit.SECONDS)) {
                each.destroyForcibly();
                each.waitFor();
            }
        }
    }

    @Override
    public void close() throws Exception {
        stop();
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path each :
                    files.sorted((left, right) -> right.compareTo(left)).toList()) {
                Files.delete(each);
            }
        }
    }
}
