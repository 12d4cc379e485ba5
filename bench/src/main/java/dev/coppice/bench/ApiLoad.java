package dev.coppice.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Loads the resource API of a running node and prints a result a line: {@code ApiLoad URL TOKEN PID OBJECTS WATCHERS}. 32
 * requests are in flight, config maps of 600 bytes, HTTP/2 over TLS. CPU time is the node's, from {@code /proc/PID/stat}.
 */
public final class ApiLoad {
    private static final int IN_FLIGHT = 32;
    private static final int EVENTS = 100;
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";

    private final HttpClient[] clients = new HttpClient[4];
    private final String url;
    private final String token;
    private final long pid;

    private ApiLoad(String url, String token, long pid) throws GeneralSecurityException {
        this.url = url;
        this.token = token;
        this.pid = pid;
        SSLContext trusting = SSLContext.getInstance("TLS");
        trusting.init(null, new TrustManager[] {new TrustingManager()}, null);
        for (int i = 0; i < clients.length; i++) {
            clients[i] = HttpClient.newBuilder().sslContext(trusting).build();
        }
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("jdk.internal.httpclient.disableHostnameVerification", "true");
        ApiLoad load = new ApiLoad(arguments[0], arguments[1], Long.parseLong(arguments[2]));
        load.run(Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]));
        System.exit(0); // watchers may still hold connections
    }

    private void run(int objects, int watchers) throws Exception {
        each("warm-up", objects / 5, i -> request("POST", MAPS, body("warm-" + i)), false);
        each("warm-up", objects / 5, i -> request("GET", MAPS + "/warm-" + i, ""), false);
        each("api-creates", objects, i -> request("POST", MAPS, body("map-" + i)), true);
        each("api-gets", objects * 3, i -> request("GET", MAPS + "/map-" + i % objects, ""), true);
        long cpu = cpuMillis();
        long start = System.nanoTime();
        int lists = 10;
        long bytes = 0;
        for (int i = 0; i < lists; i++) {
            bytes = request("GET", MAPS, "").length();
        }
        result(
                "api-list",
                "milliseconds for a list of " + bytes / 1_000_000.0 + " MB",
                (System.nanoTime() - start) / 1e6 / lists);
        result("api-list-cpu", "CPU milliseconds a list", (cpuMillis() - cpu) / (double) lists);
        watch(watchers);
    }

    @FunctionalInterface
    private interface Step {
        String run(int i) throws Exception;
    }

    private void each(String name, int count, Step step, boolean report) throws Exception {
        AtomicInteger next = new AtomicInteger();
        long cpu = cpuMillis();
        long start = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < IN_FLIGHT; t++) {
                all.add(threads.submit(() -> {
                    for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                        step.run(i);
                    }
                    return null;
                }));
            }
            for (Future<?> future : all) {
                future.get();
            }
        }
        if (report) {
            result(name, "requests a second, 32 in flight", count / ((System.nanoTime() - start) / 1e9));
            result(name + "-cpu", "CPU milliseconds a request", (cpuMillis() - cpu) / (double) count);
        }
    }

    /** Many watchers of one type; the CPU time that each delivered event costs. */
    private void watch(int watchers) throws Exception {
        CountDownLatch open = new CountDownLatch(watchers);
        AtomicLong events = new AtomicLong();
        CountDownLatch all = new CountDownLatch(1);
        for (int i = 0; i < watchers; i++) {
            HttpRequest request =
                    base(MAPS + "?watch=1&resourceVersion=" + version()).GET().build();
            HttpClient client = clients[i % clients.length];
            Thread.startVirtualThread(() -> {
                try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                        client.send(request, BodyHandlers.ofInputStream()).body(), StandardCharsets.UTF_8))) {
                    open.countDown();
                    while (lines.readLine() != null) {
                        if (events.incrementAndGet() == (long) watchers * EVENTS) {
                            all.countDown();
                        }
                    }
                } catch (IOException | InterruptedException e) {
                    System.err.println("a watcher ended: " + e);
                }
            });
        }
        open.await();
        long cpu = cpuMillis();
        long start = System.nanoTime();
        for (int i = 0; i < EVENTS; i++) {
            request("POST", MAPS, body("event-" + i));
        }
        all.await();
        double seconds = (System.nanoTime() - start) / 1e9;
        result("api-watch", "events a second to " + watchers + " watchers", (long) watchers * EVENTS / seconds);
        result(
                "api-watch-cpu",
                "CPU microseconds a delivered event",
                (cpuMillis() - cpu) * 1000.0 / ((long) watchers * EVENTS));
    }

    private String version() throws Exception {
        String list = request("GET", MAPS + "?limit=1", "");
        String mark = "\"resourceVersion\":\"";
        int at = list.indexOf(mark) + mark.length();
        return list.substring(at, list.indexOf('"', at));
    }

    private final AtomicInteger turn = new AtomicInteger();

    private HttpRequest.Builder base(String path) {
        return HttpRequest.newBuilder(URI.create(url + path)).header("Authorization", "Bearer " + token);
    }

    private String request(String method, String path, String body) throws Exception {
        HttpResponse<InputStream> answer = clients[Math.floorMod(turn.getAndIncrement(), clients.length)].send(
                base(path)
                        .header("Content-Type", "application/json")
                        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofInputStream());
        try (InputStream in = answer.body()) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            if (answer.statusCode() >= 300) {
                throw new IOException(method + " " + path + ": " + answer.statusCode() + " " + text);
            }
            return text;
        }
    }

    private static String body(String name) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                + "\"},\"data\":{\"text\":\"" + "x".repeat(500) + "\"}}";
    }

    /** User and system time of the node, all threads (proc(5)); in hundredths of a second. */
    private long cpuMillis() throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10;
    }

    private static void result(String name, String unit, double value) {
        System.out.printf(
                Locale.ROOT,
                "{\"name\":\"%s\",\"unit\":\"%s\",\"coppice\":%.3f,\"peer\":null,\"peerName\":null,\"ratio\":null,\"goal\":null,\"runs\":1}%n",
                name,
                unit,
                value);
    }

    /** Trusts any certificate: the node makes its own, and this is a load on loopback. */
    private static final class TrustingManager extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
