package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.kernel.Clock;
import dev.coppice.server.BackupHandler;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** A connection to the API of a running node, as its administrator. */
final class ApiConnection implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    /** Until an answer begins to which much is sent. */
    private static final Duration LONG_TIMEOUT = Duration.ofSeconds(60);

    private final HttpClient client;
    private final String server;
    private final String token;
    private final String user;

    /** An answer of the API. */
    record Answer(int status, String body, List<String> warnings) {}

    private ApiConnection(HttpClient client, String server, String token, String user) {
        this.user = user;
        this.client = client;
        this.server = server;
        this.token = token;
    }

    /** Connects to the node that wrote {@code node.json}. */
    static ApiConnection open(JsonNode node) throws IOException {
        String authority =
                Files.readString(Path.of(node.path("certificateAuthority").asText()));
        String token =
                Files.readString(Path.of(node.path("tokenFile").asText())).strip();
        try {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null, null);
            trusted.setCertificateEntry(
                    "coppice",
                    CertificateFactory.getInstance("X.509")
                            .generateCertificate(
                                    new ByteArrayInputStream(authority.getBytes(StandardCharsets.US_ASCII))));
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(trusted);
            SSLContext tls = SSLContext.getInstance("TLS");
            tls.init(null, managers.getTrustManagers(), null);
            HttpClient client = HttpClient.newBuilder()
                    .sslContext(tls)
                    .connectTimeout(TIMEOUT)
                    .build();
            return new ApiConnection(client, node.path("api").asText(), token, "");
        } catch (GeneralSecurityException e) {
            throw new IOException("the certificate authority of the node cannot be used: " + e.getMessage(), e);
        }
    }

    /** The same connection for requests in the name of a user; empty for the administrator. */
    ApiConnection as(String name) {
        return new ApiConnection(client, server, token, name);
    }

    /** Sends a body; {@code agent} is how the client names itself. */
    Answer send(String method, String path, String type, String body, String agent)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = request(path)
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body))
                .header("User-Agent", agent);
        if (!body.isEmpty()) {
            request.header("Content-Type", type);
        }
        HttpResponse<String> response = sent(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(
                response.statusCode(), response.body(), response.headers().allValues("Warning"));
    }

    /** Told of the lines of an answer as they come. */
    interface Lines {
        void line(String line) throws IOException;
    }

    /** Sends JSON and reads the answer line by line; null when it is one, or what the API says against it. */
    @Nullable
    Answer lines(String path, byte[] body, String agent, Lines lines) throws IOException, InterruptedException {
        HttpRequest request = request(path)
                .timeout(LONG_TIMEOUT)
                .method("POST", HttpRequest.BodyPublishers.ofByteArray(body))
                .header("User-Agent", agent)
                .header("Content-Type", "application/json")
                .build();
        return read(request, lines);
    }

    /** Reads an answer line by line, for as long as it takes; null when it is one, or what the API says against it. */
    @Nullable
    Answer follow(String path, Lines lines) throws IOException, InterruptedException {
        return read(request(path).build(), lines);
    }

    private @Nullable Answer read(HttpRequest request, Lines lines) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = sent(request, HttpResponse.BodyHandlers.ofInputStream());
        try (BufferedReader in = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            if (response.statusCode() >= 300) {
                StringBuilder text = new StringBuilder();
                in.lines().limit(1_000).forEach(text::append);
                return new Answer(response.statusCode(), text.toString(), List.of());
            }
            String line;
            while ((line = in.readLine()) != null) {
                lines.line(line);
            }
            return null;
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server + path))
                .header("Authorization", "Bearer " + token)
                .header("Accept", "application/json")
                .timeout(TIMEOUT);
        return user.isEmpty() ? request : request.header("Impersonate-User", user);
    }

    Answer get(String path) throws IOException, InterruptedException {
        return send("GET", path);
    }

    Answer post(String path) throws IOException, InterruptedException {
        return send("POST", path);
    }

    private Answer send(String method, String path) throws IOException, InterruptedException {
        HttpResponse<String> response = sent(
                request(path)
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        return new Answer(
                response.statusCode(), response.body(), response.headers().allValues("Warning"));
    }

    private <T> HttpResponse<T> sent(HttpRequest request, HttpResponse.BodyHandler<T> handler)
            throws IOException, InterruptedException {
        try {
            return client.send(request, handler);
        } catch (IOException e) {
            // A refused connection has no message.
            String why = e.getMessage() == null ? "" : ": " + e.getMessage();
            throw new IOException(server + " does not answer" + why + ": start the node with `coppice up`", e);
        }
    }

    /** The time, as the node's answers are compared with it. */
    Instant now() {
        return Clock.system().now();
    }

    /** Told how far a download is. */
    interface Progress {
        void reached(long bytes, long ofBytes);
    }

    /**
     * Gets a backup into a file, mode 0600, which takes its name when all of it is on disk and its checksum holds.
     *
     * @return its length
     */
    long download(String path, Path file, Progress progress) throws IOException, InterruptedException {
        HttpResponse<InputStream> response = sent(
                HttpRequest.newBuilder(URI.create(server + path))
                        .header("Authorization", "Bearer " + token)
                        .build(),
                HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream in = response.body()) {
            if (response.statusCode() != 200) {
                throw new IOException("the node answered with status " + response.statusCode() + ": "
                        + new String(in.readNBytes(2000), StandardCharsets.UTF_8));
            }
            long length = response.headers()
                    .firstValueAsLong(BackupHandler.BYTES_HEADER)
                    .orElse(0);
            Path part = file.resolveSibling(file.getFileName() + ".part");
            try {
                Files.deleteIfExists(part);
                Files.createFile(
                        part, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
                copy(in, part, length, progress);
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
            return length;
        }
    }

    private static void copy(InputStream in, Path part, long length, Progress progress) throws IOException {
        BackupChecksum checksum = new BackupChecksum(length);
        try (FileChannel out = FileChannel.open(part, StandardOpenOption.WRITE)) {
            byte[] buffer = new byte[1 << 20];
            long done = 0;
            int read;
            while ((read = in.read(buffer)) >= 0) {
                checksum.update(buffer, read);
                ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, read);
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                done += read;
                progress.reached(done, length);
            }
            out.force(true);
        }
        if (!checksum.holds()) {
            throw new IOException("the backup broke off, or was changed on its way: try again");
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
