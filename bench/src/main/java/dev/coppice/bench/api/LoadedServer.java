package dev.coppice.bench.api;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server under load: requests to it over HTTP/2 and TLS, and what its processes use, as proc(5) tells. Safe for use by many
 * threads.
 */
final class LoadedServer {
    private static final Pattern USED = Pattern.compile("total \\d+K, used (\\d+)K");

    private final HttpClient[] clients = new HttpClient[4];
    private final AtomicInteger turn = new AtomicInteger();
    private final Access access;
    private final List<Long> pids;

    /** @param pids of what is counted; none when that cannot be known */
    LoadedServer(Access access, List<Long> pids) {
        this.access = access;
        this.pids = pids;
        for (int i = 0; i < clients.length; i++) {
            clients[i] = client();
        }
    }

    /** A client with a connection of its own. */
    HttpClient client() {
        return HttpClient.newBuilder().sslContext(access.tls()).build();
    }

    HttpRequest.Builder base(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(access.url() + path));
        return access.token().isEmpty() ? request : request.header("Authorization", "Bearer " + access.token());
    }

    String request(String method, String path, String body) throws IOException, InterruptedException {
        return request(method, path, "application/json", body);
    }

    String request(String method, String path, String type, String body) throws IOException, InterruptedException {
        HttpResponse<InputStream> answer = send(method, path, type, body);
        try (InputStream in = answer.body()) {
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            if (answer.statusCode() >= 300) {
                throw new IOException(method + " " + path + ": " + answer.statusCode() + " " + text);
            }
            return text;
        }
    }

    int status(String path) throws IOException, InterruptedException {
        HttpResponse<InputStream> answer = send("GET", path, "application/json", "");
        answer.body().close();
        return answer.statusCode();
    }

    private HttpResponse<InputStream> send(String method, String path, String type, String body)
            throws IOException, InterruptedException {
        return clients[Math.floorMod(turn.getAndIncrement(), clients.length)].send(
                base(path)
                        .header("Content-Type", type)
                        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofInputStream());
    }

    /** Whether {@link #cpuMillis} and {@link #residentMebibytes} can be asked for. */
    boolean measured() {
        return !pids.isEmpty();
    }

    /** User and system time of all threads; in hundredths of a second. */
    long cpuMillis() throws IOException {
        long sum = 0;
        for (long pid : pids) {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            sum += (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10;
        }
        return sum;
    }

    double residentMebibytes() throws IOException {
        long kibibytes = 0;
        for (long pid : pids) {
            kibibytes += Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .sum();
        }
        return kibibytes / 1024.0;
    }

    /** Bytes of live objects of a JVM, after a collection. */
    long heapBytes() throws IOException, InterruptedException {
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
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(pids.getFirst()),
                        command)
                .redirectErrorStream(true)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("jcmd " + command + ": " + printed);
        }
        return printed;
    }
}
