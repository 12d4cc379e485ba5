package dev.coppice.serving;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HexFormat;

/** Runs the handler of a request: authentication, routing, and what becomes of exceptions. */
final class RequestRunner {
    static final System.Logger LOG = System.getLogger("dev.coppice.serving");

    private RequestRunner() {}

    /** True when the answer is whole. */
    static boolean run(HttpEngine engine, NettyExchange exchange) {
        try {
            handle(engine, exchange);
            if (!exchange.committed()) {
                throw new IllegalStateException("the handler sent no answer");
            }
            exchange.complete();
            return true;
        } catch (Throwable e) {
            return fail(engine, exchange, e);
        }
    }

    private static void handle(HttpEngine engine, NettyExchange exchange) throws Exception {
        Authenticator authenticator = engine.authenticator;
        if (authenticator != null) {
            try {
                exchange.setIdentity(authenticator.authenticate(exchange));
            } catch (Authenticator.UnauthenticatedException e) {
                exchange.setHeader("WWW-Authenticate", "Bearer realm=\"coppice\"");
                sendStatus(exchange, 401, "Unauthorized", e.getMessage() == null ? "Unauthorized" : e.getMessage());
                return;
            }
        }
        RouteTable.Mounted mounted = engine.route(exchange.path()).orElse(null);
        if (mounted == null) {
            exchange.status(404).send("text/plain; charset=utf-8", "404 page not found\n");
            return;
        }
        exchange.mounted(mounted.prefix());
        mounted.handler().handle(exchange);
    }

    private static boolean fail(HttpEngine engine, NettyExchange exchange, Throwable failure) {
        Throwable cause = failure instanceof UncheckedIOException io && io.getCause() != null ? io.getCause() : failure;
        if (cause instanceof ClientGoneException || !exchange.open() && cause instanceof IOException) {
            return false;
        }
        try {
            if (cause instanceof BodyTooLargeException && !exchange.committed()) {
                exchange.resetAnswer();
                sendStatus(exchange, 413, "RequestEntityTooLarge", String.valueOf(cause.getMessage()));
                return true;
            }
            String id = HexFormat.of().toHexDigits(engine.kernel.random().nextLong());
            if (!(engine.draining() && cause instanceof InterruptedException)) {
                LOG.log(
                        System.Logger.Level.ERROR,
                        "error " + id + ": " + exchange.method() + " " + exchange.rawPath() + " on listener "
                                + engine.options.name() + " failed",
                        cause);
            }
            if (exchange.committed()) {
                return false;
            }
            exchange.resetAnswer();
            sendStatus(
                    exchange,
                    500,
                    "InternalError",
                    "an internal error occurred; its cause is logged with the id " + id);
            return true;
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }

    /** Errors are told in the form that Kubernetes' clients read (meta.k8s.io/v1 Status); other clients can, too. */
    static void sendStatus(Exchange exchange, int code, String reason, String message) throws IOException {
        exchange.status(code).send("application/json", """
                        {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%s,"reason":"%s","code":%d}
                        """.formatted(quote(message), reason, code));
    }

    private static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        text.chars().forEach(c -> {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                default -> {
                    if (c < 0x20) {
                        out.append("\\u%04x".formatted(c));
                    } else {
                        out.append((char) c);
                    }
                }
            }
        });
        return out.append('"').toString();
    }
}
