package dev.coppice.gateway.explain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.control.Authorizer;
import dev.coppice.gateway.DataPlane;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Answers {@code GET /gateway/routes} and {@code GET /gateway/explain?method=GET&url=…&header=Name: value}, both with
 * {@code &gateway=NAMESPACE/NAME}, in JSON. Whoever asks has to be allowed to get that path (nonResourceURLs). Safe for use by many
 * threads.
 */
public final class ExplainHandler implements Handler {
    public static final String PREFIX = "/gateway";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_CHARACTERS = 16_384;

    private final Supplier<GatewayConfig> config;
    private final DataPlane plane;
    private final Authorizer authorizer;

    /**
     * Answers for a data plane.
     *
     * @param config what it serves now
     */
    public ExplainHandler(Supplier<GatewayConfig> config, DataPlane plane, Authorizer authorizer) {
        this.config = config;
        this.plane = plane;
        this.authorizer = authorizer;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        String path = exchange.path();
        if (!authorizer.authorizePath(exchange.identity(), "get", path).allowed()) {
            refuse(
                    exchange,
                    403,
                    "you may not get " + path + "; an administrator can grant it by RBAC (nonResourceURLs)");
        } else if (exchange.rawQuery().length() > MOST_CHARACTERS) {
            refuse(exchange, 414, "the query is longer than " + MOST_CHARACTERS + " characters");
        } else if (path.equals(PREFIX + "/routes")) {
            send(
                    exchange,
                    200,
                    new Explainer(config.get(), plane)
                            .routes(exchange.query("gateway").orElse("")));
        } else if (path.equals(PREFIX + "/explain")) {
            explain(exchange);
        } else {
            refuse(
                    exchange,
                    404,
                    "there is no " + path + "; expected " + PREFIX + "/routes, " + PREFIX + "/explain or " + PREFIX
                            + "/tap");
        }
    }

    private void explain(Exchange exchange) throws IOException {
        try {
            Question question = Question.of(
                    exchange.query("method").orElse("GET"),
                    exchange.query("url").orElse(""),
                    exchange.queries().getOrDefault("header", List.of()));
            send(
                    exchange,
                    200,
                    new Explainer(config.get(), plane)
                            .explain(question, exchange.query("gateway").orElse("")));
        } catch (IllegalArgumentException e) {
            refuse(exchange, 400, String.valueOf(e.getMessage()));
        }
    }

    private static void refuse(Exchange exchange, int code, String message) throws IOException {
        send(exchange, code, Map.of("code", code, "message", message));
    }

    private static void send(Exchange exchange, int code, Object body) throws IOException {
        try {
            exchange.status(code)
                    .setHeader("Content-Type", "application/json")
                    .send(JSON.writeValueAsString(body).getBytes(StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
