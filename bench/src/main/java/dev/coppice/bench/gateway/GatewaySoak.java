package dev.coppice.bench.gateway;

import dev.coppice.bench.gateway.FaultyBackend.Message;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Coppice under a load of every kind for minutes, with clients and endpoints that fail in every way, and changes of its configuration all along. Each minute
 * it says what the process holds; at the end all clients go, and it says what is left. Netty looks for lost buffers meanwhile.
 */
public final class GatewaySoak {
    private static final int ROUTES = 100;
    private static final int CLIENTS = 48;
    private static final int PAUSE_MILLIS = 20;

    private final long seed;
    private final Testbed.Proxy proxy;
    private final FaultyBackend backend;
    /** What clients saw, by a word for it. */
    private final ConcurrentSkipListMap<String, LongAdder> seen = new ConcurrentSkipListMap<>();

    private volatile boolean over;

    private GatewaySoak(long seed, Testbed.Proxy proxy, FaultyBackend backend) {
        this.seed = seed;
        this.proxy = proxy;
        this.backend = backend;
    }

    public static void main(String[] arguments) throws Exception {
        int minutes = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 30;
        long seed = arguments.length > 1 ? Long.parseLong(arguments[1]) : System.nanoTime();
        System.err.println("seed " + seed);
        try (Testbed bed = Testbed.open();
                FaultyBackend backend = new FaultyBackend(seed)) {
            Testbed.Proxy proxy =
                    bed.coppice(List.of(backend.port()), ROUTES, "-Dio.netty.leakDetection.level=advanced", "-Xmx256m");
            new GatewaySoak(seed, proxy, backend).run(minutes);
            System.out.printf("{\"bench\":\"gateway-soak\",\"lost_buffers\":%d}%n", bed.said("coppice", "LEAK"));
        }
    }

    private void run(int minutes) throws Exception {
        say("at first");
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            SplittableRandom random = new SplittableRandom(seed + i);
            clients.add(Thread.ofVirtual().start(() -> client(random)));
        }
        clients.add(Thread.ofVirtual().start(this::http2));
        clients.add(Thread.ofVirtual().start(this::changes));
        for (int minute = 1; minute <= minutes; minute++) {
            TimeUnit.MINUTES.sleep(1);
            say("minute " + minute);
        }
        over = true;
        for (Thread each : clients) {
            each.join();
        }
        // Kept connections to endpoints end after a minute.
        TimeUnit.SECONDS.sleep(75);
        say("after all clients");
    }

    private void say(String when) throws Exception {
        TreeMap<String, Long> sums = new TreeMap<>();
        seen.forEach((word, count) -> sums.put("\"" + word + "\"", count.sum()));
        System.out.printf(
                "{\"bench\":\"gateway-soak\",\"when\":\"%s\",\"resident_mib\":%d,\"heap_live_mib\":%.1f,\"descriptors\":%d,\"asked\":%d,\"seen\":%s}%n",
                when,
                proxy.resident() >> 20,
                proxy.liveHeap() / 1024.0 / 1024,
                proxy.descriptors(),
                backend.asked.get(),
                sums.toString().replace('=', ':'));
    }

    private void saw(String word) {
        seen.computeIfAbsent(word, _ -> new LongAdder()).increment();
    }

    /** The configuration is given anew twice a second, with a route more and a route fewer. */
    private void changes() {
        OutputStream lines = proxy.process().getOutputStream();
        try {
            while (!over) {
                lines.write('\n');
                lines.flush();
                saw("changes");
                TimeUnit.MILLISECONDS.sleep(500);
            }
        } catch (IOException | InterruptedException e) {
            saw("changes stopped");
        }
    }

    /** HTTP/2 in TLS by h2load, every second time until it is killed. */
    private void http2() {
        SplittableRandom random = new SplittableRandom(seed - 1);
        try {
            while (!over) {
                Process process = new ProcessBuilder(
                                "h2load",
                                "-t1",
                                "-m10",
                                "-c8",
                                "--rps=20",
                                "-D5",
                                "-H",
                                ":authority: " + Testbed.host(ROUTES),
                                "https://127.0.0.1:" + proxy.secure() + Testbed.FILE)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
                if (random.nextBoolean()) {
                    TimeUnit.MILLISECONDS.sleep(random.nextInt(4000));
                    process.destroyForcibly();
                }
                process.waitFor();
                saw("rounds of HTTP/2");
            }
        } catch (IOException | InterruptedException e) {
            saw("HTTP/2 stopped");
        }
    }

    private void client(SplittableRandom random) {
        while (!over) {
            boolean stream = random.nextInt(10) == 0;
            try (Socket socket =
                    new Socket(InetAddress.getLoopbackAddress(), stream ? proxy.streams() : proxy.plain())) {
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(45_000);
                use(socket, random, stream);
            } catch (IOException | NumberFormatException e) {
                saw("connections that broke");
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void use(Socket socket, SplittableRandom random, boolean stream) throws IOException, InterruptedException {
        InputStream in = new BufferedInputStream(socket.getInputStream());
        OutputStream out = socket.getOutputStream();
        int kind = random.nextInt(20);
        switch (kind) {
            case 0 -> {
                // Gone in the middle of a request, or before its answer.
                String request = post(random, 20_000, "gone");
                say(out, request.substring(0, 1 + random.nextInt(request.length())));
                socket.setSoLinger(random.nextBoolean(), 0);
                saw("clients gone");
            }
            case 1 -> {
                byte[] rubbish = new byte[1 + random.nextInt(4000)];
                random.nextBytes(rubbish);
                out.write(rubbish);
                socket.shutdownOutput();
                in.skip(Long.MAX_VALUE);
                saw("rubbish");
            }
            case 2 -> {
                for (char each : get("slow").toCharArray()) {
                    out.write(each);
                    TimeUnit.MILLISECONDS.sleep(random.nextInt(10));
                }
                answer(in, "slow", stream);
            }
            case 3 -> {
                StringBuilder all = new StringBuilder();
                for (int i = 0; i < 10; i++) {
                    all.append(get("pipelined-" + i));
                }
                say(out, all.toString());
                for (int i = 0; i < 10; i++) {
                    answer(in, "pipelined-" + i, stream);
                }
            }
            case 4 -> {
                say(
                        out,
                        get("socket")
                                .replace(
                                        "\r\n\r\n",
                                        "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
                Message head = Message.read(in);
                if (head == null || !head.start().contains(" 101 ")) {
                    saw("no WebSocket");
                    return;
                }
                byte[] bytes = new byte[1 + random.nextInt(20_000)];
                out.write(bytes);
                in.skipNBytes(bytes.length);
                TimeUnit.MILLISECONDS.sleep(random.nextInt(2000));
                socket.setSoLinger(random.nextBoolean(), 0);
                saw("WebSockets");
            }
            default -> {
                int requests = 1 + random.nextInt(100);
                for (int i = 0; i < requests && !over; i++) {
                    String id = Long.toHexString(random.nextLong());
                    say(out, random.nextInt(5) == 0 ? post(random, 100_000, id) : get(id));
                    if (!answer(in, id, stream)) {
                        return;
                    }
                    TimeUnit.MILLISECONDS.sleep(random.nextInt(PAUSE_MILLIS));
                }
            }
        }
    }

    /** @return whether another request may follow */
    private boolean answer(InputStream in, String id, boolean stream) throws IOException {
        Message head = Message.read(in);
        if (head == null) {
            saw("ends instead of answers");
            return false;
        }
        String status = head.start().split(" ", 3)[1];
        String answered = head.header("x-id");
        long body;
        try {
            body = head.skipBody(in);
        } catch (IOException e) {
            saw("bodies broken off");
            return false;
        }
        if (stream) {
            // The endpoint itself speaks, nonsense too.
            saw("answers by TCP");
            return status.equals("200") && !"none".equals(answered);
        }
        saw(status);
        if (status.equals("200") && !id.equals(answered)) {
            saw("ANSWERS TO OTHERS");
        }
        if (status.equals("200") && body != FaultyBackend.BODY && body != 1 << 20) {
            saw("BODIES OF A WRONG LENGTH");
        }
        return !"close".equals(head.header("connection"));
    }

    private static String get(String id) {
        return "GET " + Testbed.FILE + " HTTP/1.1\r\nHost: " + Testbed.host(ROUTES) + "\r\nX-Id: " + id + "\r\n\r\n";
    }

    /** To a route that takes GET only, every second time: the gateway answers itself, and has a body to read. */
    private static String post(SplittableRandom random, int most, String id) {
        int length = random.nextInt(most);
        String method = random.nextBoolean() ? "POST" : "GET";
        return method + " " + Testbed.FILE + " HTTP/1.1\r\nHost: " + Testbed.host(ROUTES) + "\r\nX-Id: " + id
                + "\r\nContent-Length: " + length + "\r\n\r\n" + "y".repeat(length);
    }

    private static void say(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    }
}
