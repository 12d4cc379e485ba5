package dev.coppice.control;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.Identity;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.CompactionRequest;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** An API server on a real store, and a client of it over HTTP. */
public final class ServedApi implements AutoCloseable {
    private static final String TOKEN = "test-token";

    private final Kernel kernel = Kernel.start();
    private final ApiServer server;
    private final String base;
    private final Keyspace keyspace;
    private final HttpClient http = HttpClient.newHttpClient();

    /** An answer: its code, its body (an empty object when it is no JSON) and its warnings. */
    public record Answer(int code, JsonNode body, List<String> warnings) {
        public String message() {
            return body.path("message").asText();
        }
    }

    public ServedApi(Path directory) throws Exception {
        this(directory, ApiOptions.DEFAULT);
    }

    public ServedApi(Path directory, ApiOptions options) throws Exception {
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        keyspace = store.keyspace("control");
        var _ = CertificateAuthority.open(kernel, directory.resolve("control"));
        server = new ApiServer(kernel, keyspace, directory.resolve("control"), options);
        server.addToken("admin", TOKEN, BearerTokens.ADMIN);
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions("api", new InetSocketAddress("127.0.0.1", 0), null, 16 << 20, 1_000),
                server.authenticator());
        server.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
        server.mount(listener.routes());
        kernel.root().start(ChildSpec.service("api", () -> listener));
        base = "http://127.0.0.1:" + listener.address().orElseThrow().getPort();
    }

    /** Where it is served, without a slash at its end. */
    public String base() {
        return base;
    }

    public Kernel kernel() {
        return kernel;
    }

    /** Where objects are kept. */
    public Keyspace keyspace() {
        return keyspace;
    }

    public ApiServer server() {
        return server;
    }

    /** Lets the store forget everything but what is there now. */
    public void compact() {
        var unused = keyspace.compact(
                CompactionRequest.newBuilder().setRevision(keyspace.revision()).build());
    }

    /** Makes a token for a user without any rights. */
    public void user(String name) {
        server.addToken(name, name, new Identity(name, "", List.of("system:authenticated"), Map.of()));
    }

    public Answer call(String method, String path, String body, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .timeout(Duration.ofSeconds(60))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + TOKEN);
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json");
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        HttpResponse<byte[]> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        JsonNode tree = Json.object();
        try {
            tree = Json.mapper().readTree(answer.body());
        } catch (java.io.IOException e) {
            tree = Json.object().put("text", new String(answer.body(), StandardCharsets.UTF_8));
        }
        return new Answer(answer.statusCode(), tree, answer.headers().allValues("Warning"));
    }

    /** The same until the answer's code is the one wanted; for what needs a moment to be served. */
    public Answer await(int code, String method, String path, String body, String... headers) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            Answer answer = call(method, path, body, headers);
            if (answer.code() == code) {
                return answer;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        method + " " + path + " answers " + answer.code() + ", not " + code + ": " + answer.body());
            }
            Thread.sleep(5);
        }
    }

    @Override
    public void close() {
        http.close();
        kernel.close();
    }
}
