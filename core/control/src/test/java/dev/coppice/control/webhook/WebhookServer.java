package dev.coppice.control.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.ListenerOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;

/** Webhooks over HTTPS, each at a path of its own, and what they were asked. */
public final class WebhookServer implements AutoCloseable {
    private final CertificateAuthority authority;
    private final HttpListener listener;
    private final Queue<JsonNode> asked = new ConcurrentLinkedQueue<>();

    public WebhookServer(Kernel kernel, Path directory, String... names) throws Exception {
        authority = CertificateAuthority.open(kernel, directory);
        listener = new HttpListener(
                kernel,
                new ListenerOptions(
                        "webhooks",
                        new InetSocketAddress("127.0.0.1", 0),
                        authority.server(List.of(names), CertificateAuthority.ClientCertificates.NONE),
                        16 << 20,
                        100),
                null);
        listener.start(_ -> {});
    }

    public int port() {
        return listener.address().orElseThrow().getPort();
    }

    /** Answers reviews of any kind: the function makes the response, whose uid is set here. */
    public WebhookServer on(String path, UnaryOperator<JsonNode> response) {
        return raw(path, exchange -> {
            JsonNode review = Json.mapper().readTree(exchange.body().readAllBytes());
            asked.add(review);
            ObjectNode answer = Json.object();
            answer.set("apiVersion", review.path("apiVersion"));
            answer.set("kind", review.path("kind"));
            ObjectNode made = (ObjectNode) response.apply(review.path("request"));
            made.set("uid", review.path("request").path("uid"));
            answer.set("response", made);
            send(exchange, Json.bytes(answer));
        });
    }

    public WebhookServer raw(String path, Handler handler) {
        var _ = listener.routes().mount(path, handler);
        return this;
    }

    static void send(Exchange exchange, byte[] body) throws IOException {
        exchange.status(200).setHeader("Content-Type", "application/json");
        exchange.send(body);
    }

    /** The reviews that came, oldest first; forgets them. */
    public List<JsonNode> asked() {
        List<JsonNode> all = List.copyOf(asked);
        asked.clear();
        return all;
    }

    public String caBundle() {
        return Base64.getEncoder().encodeToString(authority.rootPem().getBytes(StandardCharsets.UTF_8));
    }

    public String clientConfig(String path) {
        return "{\"url\":\"https://127.0.0.1:" + port() + path + "\",\"caBundle\":\"" + caBundle() + "\"}";
    }

    public static ObjectNode allow() {
        return Json.object().put("allowed", true);
    }

    /** Allows with a JSON patch. */
    public static ObjectNode patch(String operations) {
        return allow().put("patchType", "JSONPatch")
                .put("patch", Base64.getEncoder().encodeToString(operations.getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public void close() {
        try {
            listener.stop();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
