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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Loads the resource API of a running node and prints a result a line: {@code ApiLoad URL TOKEN PID OBJECTS WATCHERS TYPES}. 32
 * requests are in flight, config maps of 600 bytes, HTTP/2 over TLS. CPU time is the node's, from {@code /proc/PID/stat}; heap
 * is what {@code jcmd} tells after a collection.
 */
public final class ApiLoad {
    private static final int IN_FLIGHT = 32;
    private static final int EVENTS = 100;
    private static final Pattern USED = Pattern.compile("total \\d+K, used (\\d+)K");
    private static final String DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";

    /** So that no connection has more streams than servers allow. */
    private static final int WATCHES_PER_CONNECTION = 80;

    private final HttpClient[] clients = new HttpClient[4];
    private final SSLContext trusting;
    private final String url;
    private final String token;
    private final long pid;

    private ApiLoad(String url, String token, long pid) throws GeneralSecurityException {
        this.url = url;
        this.token = token;
        this.pid = pid;
        SSLContext trusting = SSLContext.getInstance("TLS");
        trusting.init(null, new TrustManager[] {new TrustingManager()}, null);
        this.trusting = trusting;
        for (int i = 0; i < clients.length; i++) {
            clients[i] = client();
        }
    }

    private HttpClient client() {
        return HttpClient.newBuilder().sslContext(trusting).build();
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("jdk.internal.httpclient.disableHostnameVerification", "true");
        ApiLoad load = new ApiLoad(arguments[0], arguments[1], Long.parseLong(arguments[2]));
        load.run(Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]), Integer.parseInt(arguments[5]));
        System.exit(0); // watchers may still hold connections
    }

    private void run(int objects, int watchers, int types) throws Exception {
        int warm = Math.min(objects / 5, 4_000);
        each("warm-up", warm, i -> request("POST", MAPS, body("warm-" + i)), false);
        each("warm-up", warm * 2, i -> request("GET", MAPS + "/warm-" + i % warm, ""), false);
        each("warm-up", warm, i -> apply("warm-" + i, i), false);
        long heap = heapBytes();
        each("api-creates", objects, i -> request("POST", MAPS, body("map-" + i)), true);
        result("api-object", "bytes of live heap an object", (heapBytes() - heap) / (double) objects);
        result("api-resident", "MiB resident with " + (objects + warm) + " objects", residentMebibytes());
        each("api-gets", objects, i -> request("GET", MAPS + "/map-" + i, ""), true);
        int applies = Math.min(objects, 10_000);
        each("api-applies", applies, i -> apply("map-" + i, i), true);
        list();
        listByChunks();
        watch(watchers);
        types(types);
    }

    private String apply(String name, int value) throws Exception {
        return request(
                "PATCH",
                MAPS + "/" + name + "?fieldManager=bench&force=true",
                "application/apply-patch+yaml",
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                        + "\"},\"data\":{\"applied\":\"" + value + "\"}}");
    }

    private void list() throws Exception {
        int lists = 5;
        long bytes = request("GET", MAPS, "").length();
        long cpu = cpuMillis();
        long start = System.nanoTime();
        for (int i = 0; i < lists; i++) {
            bytes = request("GET", MAPS, "").length();
        }
        result(
                "api-list",
                "milliseconds for a list of " + bytes / 1_000_000.0 + " MB",
                (System.nanoTime() - start) / 1e6 / lists);
        result("api-list-cpu", "CPU milliseconds a list", (cpuMillis() - cpu) / (double) lists);
    }

    private void listByChunks() throws Exception {
        long cpu = cpuMillis();
        long start = System.nanoTime();
        long longest = 0;
        int chunks = 0;
        String from = "";
        do {
            long began = System.nanoTime();
            String chunk = request("GET", MAPS + "?limit=500" + (from.isEmpty() ? "" : "&continue=" + from), "");
            longest = Math.max(longest, System.nanoTime() - began);
            from = field(chunk, "continue");
            chunks++;
        } while (!from.isEmpty());
        result(
                "api-chunks",
                "milliseconds for the same by " + chunks + " chunks of 500",
                (System.nanoTime() - start) / 1e6);
        result("api-chunks-longest", "milliseconds, the longest", longest / 1e6);
        result("api-chunks-cpu", "CPU milliseconds", cpuMillis() - cpu);
    }

    /** Many types: until all of them are served, and what asking for all of them takes then. */
    private void types(int count) throws Exception {
        long cpu = cpuMillis();
        long start = System.nanoTime();
        each("types", count, i -> request("POST", DEFINITIONS, definition(i)), false);
        String last = "/apis/bench.example.dev/v1/things" + (count - 1);
        while (status(last) != 200) {
            Thread.sleep(5);
        }
        result("api-types", "milliseconds until " + count + " new types are served", (System.nanoTime() - start) / 1e6);
        result("api-types-cpu", "CPU milliseconds a type", (cpuMillis() - cpu) / (double) count);
        timed("api-discovery", "/apis/bench.example.dev/v1");
        timed("api-openapi-v2", "/openapi/v2");
        timed("api-openapi-v3", "/openapi/v3/apis/bench.example.dev/v1");
    }

    /** The first answer, which may have to be made, and the next one. */
    private void timed(String name, String path) throws Exception {
        for (String which : List.of("first", "next")) {
            long start = System.nanoTime();
            long bytes = request("GET", path, "").length();
            result(
                    name + "-" + which,
                    "milliseconds for " + bytes / 1_000_000.0 + " MB",
                    (System.nanoTime() - start) / 1e6);
        }
    }

    private static String definition(int i) {
        return """
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                 "metadata":{"name":"things%1$d.bench.example.dev"},
                 "spec":{"group":"bench.example.dev","scope":"Namespaced",
                  "names":{"kind":"Thing%1$d","listKind":"Thing%1$dList","plural":"things%1$d","singular":"thing%1$d"},
                  "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
                   "schema":{"openAPIV3Schema":{"type":"object","properties":{
                    "spec":{"type":"object","properties":{"replicas":{"type":"integer","minimum":0},
                     "name":{"type":"string","maxLength":63},"labels":{"type":"object","additionalProperties":{"type":"string"}}}},
                    "status":{"type":"object","properties":{"phase":{"type":"string"}}}}}}}]}}""".formatted(i);
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
        HttpRequest request =
                base(MAPS + "?watch=1&resourceVersion=" + version()).GET().build();
        HttpClient shared = client();
        for (int i = 0; i < watchers; i++) {
            if (i % WATCHES_PER_CONNECTION == 0) {
                shared = client();
            }
            HttpClient client = shared;
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
        result("api-watch-resident", "MiB resident with the watchers", residentMebibytes());
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
        return field(request("GET", MAPS + "?limit=1", ""), "resourceVersion");
    }

    /** The first field of that name; empty when there is none. */
    private static String field(String json, String name) {
        String mark = "\"" + name + "\":\"";
        int at = json.indexOf(mark);
        return at < 0 ? "" : json.substring(at + mark.length(), json.indexOf('"', at + mark.length()));
    }

    private final AtomicInteger turn = new AtomicInteger();

    private HttpRequest.Builder base(String path) {
        return HttpRequest.newBuilder(URI.create(url + path)).header("Authorization", "Bearer " + token);
    }

    private String request(String method, String path, String body) throws Exception {
        return request(method, path, "application/json", body);
    }

    private String request(String method, String path, String type, String body) throws Exception {
        HttpResponse<InputStream> answer = send(method, path, type, body);
        try (InputStream in = answer.body()) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            if (answer.statusCode() >= 300) {
                throw new IOException(method + " " + path + ": " + answer.statusCode() + " " + text);
            }
            return text;
        }
    }

    private int status(String path) throws Exception {
        HttpResponse<InputStream> answer = send("GET", path, "application/json", "");
        answer.body().close();
        return answer.statusCode();
    }

    private HttpResponse<InputStream> send(String method, String path, String type, String body) throws Exception {
        return clients[Math.floorMod(turn.getAndIncrement(), clients.length)].send(
                base(path)
                        .header("Content-Type", type)
                        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofInputStream());
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

    private double residentMebibytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                        .filter(line -> line.startsWith("VmRSS:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                        .sum()
                / 1024.0;
    }

    /** Bytes of live objects, after a collection. */
    private long heapBytes() throws IOException, InterruptedException {
        String unused = jcmd("GC.run");
        Matcher used = USED.matcher(jcmd("GC.heap_info"));
        long sum = 0;
        while (used.find()) {
            sum += Long.parseLong(used.group(1)) << 10;
        }
        return sum;
    }

    private String jcmd(String command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), Long.toString(pid), command)
                .redirectErrorStream(true)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("jcmd " + command + ": " + printed);
        }
        return printed;
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
