package dev.coppice.health.page;

import dev.coppice.control.Authorizer;
import dev.coppice.control.Key;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.Secrets;
import dev.coppice.health.kind.HealthKinds;
import dev.coppice.health.kind.HeartbeatTarget;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Takes heartbeats at {@code /health/heartbeat/NAMESPACE/NAME}, and failures at {@code …/fail}. On the API's listener a
 * caller may be allowed by RBAC (create on healthchecks/heartbeat) or by the check's token; on the public one by the token
 * only. Who may not is told the same as who asks for what does not exist.
 */
public final class HeartbeatHandler implements Handler {
    public static final String PREFIX = "/health/heartbeat";
    private static final int MOST_MESSAGE_BYTES = 1000;

    private final CheckEngine engine;
    private final Secrets secrets;
    private final @Nullable Authorizer authorizer;

    /** A handler; an authorizer of null leaves the token as the only way. */
    public HeartbeatHandler(CheckEngine engine, Secrets secrets, @Nullable Authorizer authorizer) {
        this.engine = engine;
        this.secrets = secrets;
        this.authorizer = authorizer;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!exchange.method().equals("GET")
                && !exchange.method().equals("POST")
                && !exchange.method().equals("HEAD")) {
            exchange.setHeader("Allow", "GET, HEAD, POST");
            answer(exchange, 405, "use GET or POST");
            return;
        }
        String[] parts = exchange.path().substring(PREFIX.length()).split("/", -1);
        boolean fail = parts.length == 4 && parts[3].equals("fail");
        if (parts.length != 3 && !fail) {
            answer(exchange, 404, "expected " + PREFIX + "/NAMESPACE/NAME, or the same with /fail");
            return;
        }
        Key key = new Key(parts[1], parts[2]);
        Optional<CheckView> view = engine.view(key);
        HeartbeatTarget target =
                view.isEmpty() ? null : view.get().plan().spec().heartbeat();
        if (target == null || !allowed(exchange, key, target)) {
            answer(exchange, 404, "there is no heartbeat check " + key + ", or the token is wrong");
            return;
        }
        String message = exchange.method().equals("POST")
                ? new String(exchange.body().readNBytes(MOST_MESSAGE_BYTES), StandardCharsets.UTF_8).strip()
                : "";
        engine.beat(key, !fail, message.isEmpty() ? "the caller reported a failure" : message);
        answer(exchange, 200, "ok");
    }

    private boolean allowed(Exchange exchange, Key key, HeartbeatTarget target) {
        if (target.tokenSecretRef() != null) {
            String given = exchange.query("token")
                    .or(() -> exchange.header("X-Heartbeat-Token"))
                    .orElse("");
            try {
                String token = secrets.text(key.namespace(), null, target.tokenSecretRef());
                if (!token.isEmpty()
                        && MessageDigest.isEqual(
                                token.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8))) {
                    return true;
                }
            } catch (Secrets.MissingSecretException noToken) {
                // Then only RBAC can allow it.
            }
        }
        Authorizer rbac = authorizer;
        return rbac != null
                && rbac.authorize(
                                exchange.identity(),
                                new Authorizer.Action(
                                        "create",
                                        HealthKinds.GROUP,
                                        "healthchecks/heartbeat",
                                        key.namespace(),
                                        key.name()))
                        .allowed();
    }

    private static void answer(Exchange exchange, int status, String text) throws IOException {
        exchange.status(status).setHeader("Cache-Control", "no-store").send("text/plain; charset=utf-8", text + "\n");
    }
}
