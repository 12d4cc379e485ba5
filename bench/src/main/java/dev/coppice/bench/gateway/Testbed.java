package dev.coppice.bench.gateway;

import dev.coppice.bench.FreePorts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Coppice and its peers as proxies in front of a backend (nginx), each proxy on the first processor and the backend on the second, as processes
 * of their own in a directory of their own. Closing it ends and removes all of it.
 */
final class Testbed implements AutoCloseable {
    /** A file of 1 KB. */
    static final String FILE = "/files/1k";

    private static final int COMPILED = 2;
    private static final int COMPILES = 40;

    private static final Pattern HEAP_USED = Pattern.compile("(?m)^(?:DefNew|Tenured)\\s+total \\d+K, used (\\d+)K");

    private final Path directory;
    private final List<Process> processes = new ArrayList<>();

    private Testbed(Path directory) {
        this.directory = directory;
    }

    static Testbed open() throws IOException {
        return new Testbed(Files.createTempDirectory("gateway-bench"));
    }

    /**
     * A proxy under test.
     *
     * @param plain its port for HTTP/1.1
     * @param h2c its port for HTTP/2 without TLS; 0 here and below: it has none
     * @param secure its port for HTTP in TLS
     * @param cached its port for HTTP/1.1 where it caches
     * @param streams its port for TCP, which goes to the same backend
     * @param warmUpSeconds what it takes until its compiler, on the same processor, is done
     */
    record Proxy(
            String name, int plain, int h2c, int secure, int cached, int streams, int warmUpSeconds, Process process) {

        /** One that has HTTP/1.1 without TLS only. */
        Proxy(Peer peer, int plain, int warmUpSeconds, Process process) {
            this(peer.proxy(), plain, 0, 0, 0, 0, warmUpSeconds, process);
        }

        long pid() {
            return process.pid();
        }

        /** User and system time, in hundredths of a second. */
        long cpuTicks() throws IOException {
            String stat = Files.readString(Path.of("/proc/" + pid() + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        }

        /** Resident memory, in bytes. */
        long resident() throws IOException {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid() + "/status"))) {
                if (line.startsWith("VmRSS:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) << 10;
                }
            }
            throw new IOException("/proc/" + pid() + "/status has no VmRSS");
        }

        /** Open files and connections. */
        int descriptors() throws IOException {
            try (Stream<Path> all = Files.list(Path.of("/proc/" + pid() + "/fd"))) {
                return (int) all.count();
            }
        }

        /** Of a JVM with the serial collector: what lives after a collection, in bytes. */
        long liveHeap() throws IOException, InterruptedException {
            jcmd("GC.run");
            Matcher used = HEAP_USED.matcher(jcmd("GC.heap_info"));
            long live = 0;
            int generations = 0;
            while (used.find()) {
                live += Long.parseLong(used.group(1)) << 10;
                generations++;
            }
            if (generations != 2) {
                throw new IllegalStateException("jcmd GC.heap_info names " + generations + " generations; expected 2");
            }
            return live;
        }

        private String jcmd(String command) throws IOException, InterruptedException {
            Process process = new ProcessBuilder(
                            System.getProperty("java.home") + "/bin/jcmd", Long.toString(pid()), command)
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException(output);
            }
            return output;
        }
    }

    /** The host name of the last of so many routes. */
    static String host(int routes) {
        return "h" + (routes - 1) + ".example.org";
    }

    /** Starts the backend and the proxies that every run has, and waits until they take connections. */
    List<Proxy> proxies(int routes, String... options) throws Exception {
        return proxies(Peer.DEFAULT, routes, options);
    }

    /**
     * Starts the backend and the proxies, Coppice as the last, and waits until they take connections.
     *
     * @param routes that Coppice chooses from
     * @param options further ones for its JVM
     */
    List<Proxy> proxies(Set<Peer> peers, int routes, String... options) throws Exception {
        int backend = FreePorts.next();
        certificate();
        Files.writeString(directory.resolve("1k"), "x".repeat(1024));
        Files.writeString(directory.resolve("1m"), "x".repeat(1 << 20));
        String files = " keepalive_requests 1000000000; access_log off; location /files/ { alias " + directory + "/; ";
        nginx(
                "backend",
                1,
                "server { listen 127.0.0.1:" + backend + ";" + files + "} } server { listen 127.0.0.1:" + backend
                        + "; server_name " + GatewayServer.CACHED + ";" + files
                        + " add_header Cache-Control max-age=3600; } }");
        List<Proxy> proxies = new ArrayList<>();
        for (Peer each : peers) {
            proxies.add(
                    switch (each) {
                        case NGINX -> proxyNginx(backend);
                        case HAPROXY -> haproxy(backend);
                        case CADDY -> caddy(backend);
                        case SPRING -> spring(backend);
                        case VERTX -> vertx(backend);
                    });
        }
        proxies.add(coppice(Integer.toString(backend), routes, List.of(options)));
        for (Proxy each : proxies) {
            await(each, each.plain);
            if (each.streams > 0) {
                await(each, each.streams);
            }
        }
        return proxies;
    }

    /** Coppice alone, in front of a backend of the caller's, at these ports. */
    Proxy coppice(List<Integer> backend, int routes, String... options) throws Exception {
        certificate();
        Proxy proxy = coppice(
                backend.stream().map(String::valueOf).collect(Collectors.joining(",")), routes, List.of(options));
        await(proxy, proxy.plain);
        return proxy;
    }

    /** Lines with a word in them that a process wrote. */
    long said(String name, String word) throws IOException {
        try (Stream<String> lines = Files.lines(directory.resolve(name + ".out"), StandardCharsets.ISO_8859_1)) {
            return lines.filter(each -> each.contains(word)).count();
        }
    }

    private static void pause() throws InterruptedException {
        Thread.sleep(100);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        processes.reversed().forEach(each -> {
            each.descendants().forEach(ProcessHandle::destroy);
            each.destroy();
        });
        for (Process each : processes) {
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
        int port = FreePorts.next();
        int h2c = FreePorts.next();
        int secure = FreePorts.next();
        int cached = FreePorts.next();
        String passed = "keepalive_requests 1000000000; access_log " + directory
                + "/nginx-access.log combined buffer=32k; location / { proxy_pass http://backend;"
                + " proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host;"
                + " proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; ";
        Process process = nginx(
                "nginx",
                0,
                "proxy_cache_path " + directory + "/nginx-cache keys_zone=c:10m; upstream backend { server 127.0.0.1:"
                        + backend + "; keepalive 512; keepalive_requests 1000000000; }"
                        + " server { listen 127.0.0.1:" + port + "; listen 127.0.0.1:" + h2c
                        + " http2; listen 127.0.0.1:" + secure
                        + " ssl http2; ssl_certificate " + directory + "/cert.pem; ssl_certificate_key " + directory
                        + "/key.pem; " + passed + "} } server { listen 127.0.0.1:" + cached + "; " + passed
                        + "proxy_cache c; } }");
        return new Proxy("nginx", port, h2c, secure, cached, 0, COMPILED, process);
    }

    private Process nginx(String name, int processor, String http) throws Exception {
        Path file = directory.resolve(name + ".conf");
        Files.writeString(
                file,
                "daemon off; master_process off; worker_processes 1; pid " + directory + "/" + name + ".pid;"
                        + " error_log " + directory + "/" + name + ".log; events { worker_connections 16384; }"
                        + " http { " + http + " }");
        return start(name, processor, "nginx", "-c", file.toString(), "-p", directory.toString());
    }

    private Proxy haproxy(int backend) throws Exception {
        int port = FreePorts.next();
        int h2c = FreePorts.next();
        int secure = FreePorts.next();
        int cached = FreePorts.next();
        int streams = FreePorts.next();
        Path file = directory.resolve("haproxy.cfg");
        Files.writeString(
                file,
                "global\n nbthread 1\n maxconn 16000\n no strict-limits\n log " + directory
                        + "/none local0\ndefaults\n mode http\n"
                        + " option http-keep-alive\n http-reuse always\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
                        + " option forwardfor\n option httplog\n log global\nfrontend f\n bind 127.0.0.1:" + port
                        + "\n bind 127.0.0.1:" + h2c + " proto h2\n bind 127.0.0.1:" + secure + " ssl crt " + directory
                        + "/both.pem alpn h2,http/1.1\n default_backend b\nbackend b\n server s 127.0.0.1:" + backend
                        + "\nfrontend g\n bind 127.0.0.1:" + cached
                        + "\n http-request cache-use c\n http-response cache-store c\n default_backend b"
                        + "\ncache c\n total-max-size 16\n max-age 3600\nlisten t\n mode tcp\n option tcplog\n bind 127.0.0.1:"
                        + streams + "\n server s 127.0.0.1:" + backend + "\n");
        return new Proxy(
                "haproxy",
                port,
                h2c,
                secure,
                cached,
                streams,
                COMPILED,
                start("haproxy", 0, "haproxy", "-db", "-f", file.toString()));
    }

    private Proxy caddy(int backend) throws Exception {
        int port = FreePorts.next();
        Path file = directory.resolve("Caddyfile");
        Files.writeString(file, """
                {
                    admin off
                    auto_https off
                }
                :%2$d {
                    bind 127.0.0.1
                    log {
                        output file %1$s/caddy-access.log {
                            roll_disabled
                        }
                    }
                    reverse_proxy 127.0.0.1:%3$d {
                        transport http {
                            dial_timeout 5s
                            response_header_timeout 10s
                            keepalive 60s
                            keepalive_idle_conns 512
                            keepalive_idle_conns_per_host 512
                        }
                    }
                }
                """.formatted(directory, port, backend));
        // What it keeps it does not keep in the home of who measures.
        Process process = start(
                "caddy",
                0,
                "env",
                "XDG_CONFIG_HOME=" + directory,
                "XDG_DATA_HOME=" + directory,
                "caddy",
                "run",
                "--adapter",
                "caddyfile",
                "--config",
                file.toString());
        return new Proxy(Peer.CADDY, port, COMPILED, process);
    }

    private Proxy spring(int backend) throws Exception {
        int port = FreePorts.next();
        return new Proxy(
                Peer.SPRING,
                port,
                COMPILES,
                jvm(
                        "spring",
                        List.of(
                                "-Dreactor.netty.http.server.accessLogEnabled=true",
                                "-Dreactor.netty.ioWorkerCount=1",
                                "-Daccess-log=" + directory + "/spring-access.log"),
                        peerClassPath("spring-cloud-gateway"),
                        "dev.coppice.peers.SpringGateway",
                        "--server.port=" + port,
                        "--backend=http://127.0.0.1:" + backend));
    }

    private Proxy vertx(int backend) throws Exception {
        int port = FreePorts.next();
        return new Proxy(
                Peer.VERTX,
                port,
                COMPILES,
                jvm(
                        "vertx",
                        List.of(
                                "-Dvertx.logger-delegate-factory-class-name=io.vertx.core.logging.SLF4JLogDelegateFactory",
                                "-Daccess-log=" + directory + "/vertx-access.log"),
                        peerClassPath("vertx"),
                        "dev.coppice.peers.VertxProxy",
                        Integer.toString(port),
                        Integer.toString(backend)));
    }

    /** What bench/lib.sh built. */
    private static String peerClassPath(String name) throws IOException {
        Path target = Path.of(System.getenv("BENCH_HOME"), "peers", name, "target");
        return target.resolve("classes") + ":" + Files.readString(target.resolve("class-path"));
    }

    /** A JVM with the options that all of them have, so that none is ahead by those. */
    private Process jvm(String name, List<String> options, String classPath, String main, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:+UseSerialGC",
                "-XX:+UseCompactObjectHeaders",
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dio.netty.leakDetection.level=disabled"));
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, main));
        command.addAll(List.of(arguments));
        return start(name, 0, command.toArray(String[]::new));
    }

    private Proxy coppice(String backend, int routes, List<String> options) throws Exception {
        int port = FreePorts.next();
        int secure = FreePorts.next();
        int streams = FreePorts.next();
        Process process = jvm(
                "coppice",
                options,
                System.getProperty("java.class.path"),
                GatewayServer.class.getName(),
                Integer.toString(port),
                Integer.toString(secure),
                directory.toString(),
                backend,
                Integer.toString(routes),
                directory.resolve("access.log").toString(),
                Integer.toString(streams));
        return new Proxy("coppice", port, port, secure, port, streams, COMPILES, process);
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

    /** Waits until a proxy takes connections; one that ended instead fails with what it said. */
    private void await(Proxy proxy, int port) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (true) {
            try (Socket unused = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return;
            } catch (IOException e) {
                if (!proxy.process.isAlive() || System.nanoTime() > end) {
                    String said = Files.readString(directory.resolve(proxy.name + ".out"), StandardCharsets.ISO_8859_1);
                    throw new IOException(proxy.name + " takes no connections; it said: " + said, e);
                }
                pause();
            }
        }
    }
}
