package dev.coppice.bench;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.MoreExecutors;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.PutResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Measures puts of 256 bytes with 64 in flight: over gRPC with etcd and with Coppice's store in turns, and inside the
 * process. Server and client are processes of their own; what counts as CPU time is the server's (/proc/PID/stat). Both
 * sync every put to the same disk before they answer.
 */
public final class StorePuts {
    private static final int IN_FLIGHT = 64;

    private final Path folder;
    private final List<Process> children = new ArrayList<>();

    private StorePuts(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 5;
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 4;
        StorePuts bench = new StorePuts(Files.createTempDirectory("coppice-bench"));
        try {
            bench.run(rounds, seconds);
        } finally {
            bench.children.reversed().forEach(Process::destroy);
        }
    }

    /** Puts done, and what they took. */
    private record Measured(double perSecond, double perCpuSecond, double p99Millis) {}

    private void run(int rounds, int seconds) throws Exception {
        int ourPort = freePort();
        Process ours = startStore(ourPort);
        BufferedReader answers =
                new BufferedReader(new InputStreamReader(ours.getInputStream(), StandardCharsets.UTF_8));
        String ready = answers.readLine();
        if (!"ready".equals(ready)) {
            throw new IOException("the store did not start: " + ready);
        }
        int peerPort = freePort();
        Process peer = startEtcd(peerPort);
        System.err.println("Warming up ...");
        overGrpc(ours, ourPort, 3 * seconds);
        overGrpc(peer, peerPort, seconds);
        Measured[] mine = new Measured[rounds];
        Measured[] other = new Measured[rounds];
        Measured[] inside = new Measured[rounds];
        for (int i = 0; i < rounds; i++) {
            other[i] = overGrpc(peer, peerPort, seconds);
            mine[i] = overGrpc(ours, ourPort, seconds);
            inside[i] = inProcess(ours, answers, seconds);
            System.err.printf(
                    Locale.ROOT,
                    "round %d: etcd %s%n  Coppice %s%n  in process %s%n",
                    i + 1,
                    other[i],
                    mine[i],
                    inside[i]);
        }
        compare("store-puts", "puts per second, 64 in flight over gRPC", mine, other, Measured::perSecond, false);
        compare("store-puts-cpu", "puts per CPU-second of the server", mine, other, Measured::perCpuSecond, false);
        compare("store-puts-p99", "ms, 99th percentile of a put", mine, other, Measured::p99Millis, true);
        alone("store-puts-inside", "puts per second, 64 writers in the process", inside, Measured::perSecond);
        alone("store-puts-inside-cpu", "puts per CPU-second of the process", inside, Measured::perCpuSecond);
        ours.outputWriter(StandardCharsets.UTF_8).append("stop\n").flush();
        System.err.println("milliseconds to open and to stop the store: " + answers.readLine());
    }

    private interface Value {
        double of(Measured measured);
    }

    private static void compare(
            String name, String unit, Measured[] mine, Measured[] other, Value value, boolean lessIsBetter) {
        double ours = median(mine, value);
        double theirs = median(other, value);
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"%s\",\"unit\":\"%s\",\"coppice\":%.2f,\"peer\":%.2f,\"peerName\":\"etcd\",\"ratio\":%.2f,\"runs\":%d}%n",
                name,
                unit,
                ours,
                theirs,
                lessIsBetter ? theirs / ours : ours / theirs,
                mine.length);
    }

    private static void alone(String name, String unit, Measured[] measured, Value value) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"%s\",\"unit\":\"%s\",\"coppice\":%.0f,\"peer\":null,\"peerName\":null,\"ratio\":null,\"runs\":%d}%n",
                name,
                unit,
                median(measured, value),
                measured.length);
    }

    private static double median(Measured[] measured, Value value) {
        double[] sorted =
                Arrays.stream(measured).mapToDouble(value::of).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    // ---- the load

    private static Measured overGrpc(Process server, int port, int seconds) throws Exception {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", port)
                .usePlaintext()
                .directExecutor()
                .build();
        try {
            Load load = new Load(KVGrpc.newFutureStub(channel));
            load.run(1);
            long before = cpuMillis(server.pid());
            load.run(seconds);
            return load.measured(seconds, cpuMillis(server.pid()) - before);
        } finally {
            channel.shutdownNow();
        }
    }

    private static Measured inProcess(Process server, BufferedReader answers, int seconds) throws IOException {
        long before = cpuMillis(server.pid());
        server.outputWriter(StandardCharsets.UTF_8)
                .append("puts " + IN_FLIGHT + " " + seconds + "\n")
                .flush();
        double done = Double.parseDouble(String.valueOf(answers.readLine()));
        return new Measured(done / seconds, done * 1000 / Math.max(1, cpuMillis(server.pid()) - before), Double.NaN);
    }

    /** Keeps puts in flight: each answer sends the next. */
    private static final class Load {
        private final KVGrpc.KVFutureStub stub;
        private final Clock clock = Clock.system();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicInteger failed = new AtomicInteger();
        private final long[] nanos = new long[1 << 20];
        private volatile long deadline;
        private volatile CountDownLatch ended = new CountDownLatch(0);

        Load(KVGrpc.KVFutureStub stub) {
            this.stub = stub;
        }

        void run(int seconds) throws InterruptedException {
            done.set(0);
            deadline = clock.nanoTime() + seconds * 1_000_000_000L;
            ended = new CountDownLatch(IN_FLIGHT);
            for (int i = 0; i < IN_FLIGHT; i++) {
                send(i);
            }
            ended.await();
        }

        private void send(int number) {
            long begin = clock.nanoTime();
            if (begin > deadline) {
                ended.countDown();
                return;
            }
            Futures.addCallback(
                    stub.put(StoreServer.request(number)),
                    new FutureCallback<PutResponse>() {
                        @Override
                        public void onSuccess(PutResponse answer) {
                            nanos[done.getAndIncrement() % nanos.length] = clock.nanoTime() - begin;
                            send(number + 31);
                        }

                        @Override
                        public void onFailure(Throwable error) {
                            if (failed.getAndIncrement() == 0) {
                                System.err.println(error);
                            }
                            ended.countDown();
                        }
                    },
                    MoreExecutors.directExecutor());
        }

        Measured measured(int seconds, long cpuMillis) throws IOException {
            if (failed.get() > 0) {
                throw new IOException(failed.get() + " puts failed");
            }
            long[] sorted = Arrays.copyOf(nanos, Math.min(done.get(), nanos.length));
            Arrays.sort(sorted);
            return new Measured(
                    (double) done.get() / seconds,
                    done.get() * 1000.0 / Math.max(1, cpuMillis),
                    sorted[(int) (sorted.length * 0.99)] / 1e6);
        }
    }

    // ---- the servers

    private Process startStore(int port) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseCompactObjectHeaders",
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow"));
        String more = System.getProperty("bench.store.options", "");
        if (!more.isEmpty()) {
            command.addAll(List.of(more.split(" ", -1)));
        }
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                "dev.coppice.bench.StoreServer",
                folder.resolve("coppice").toString(),
                Integer.toString(port)));
        Process process = new ProcessBuilder(command)
                .redirectError(folder.resolve("coppice.log").toFile())
                .start();
        children.add(process);
        return process;
    }

    private Process startEtcd(int port) throws Exception {
        String client = "http://127.0.0.1:" + port;
        String peers = "http://127.0.0.1:" + freePort();
        Process process = new ProcessBuilder(
                        "etcd",
                        "--data-dir",
                        folder.resolve("etcd").toString(),
                        "--listen-client-urls",
                        client,
                        "--advertise-client-urls",
                        client,
                        "--listen-peer-urls",
                        peers,
                        "--initial-advertise-peer-urls",
                        peers,
                        "--initial-cluster",
                        "default=" + peers)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("etcd.log").toFile())
                .start();
        children.add(process);
        try (var kernel = Kernel.start()) {
            for (int i = 0; i < 200; i++) {
                try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                    kernel.timers().sleep(Duration.ofSeconds(2));
                    return process;
                } catch (IOException e) {
                    kernel.timers().sleep(Duration.ofMillis(50));
                }
            }
        }
        throw new IOException("etcd does not listen at port " + port);
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** User and system time of all threads (proc(5)); the kernel counts in hundredths of a second. */
    private static long cpuMillis(long pid) throws IOException {
        var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10;
    }
}
