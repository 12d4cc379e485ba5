package dev.coppice.gateway.page;

import dev.coppice.control.Authorizer;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.serving.Console;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import java.util.function.Supplier;

/** The console's page of the gateway: what is routed where, with its rates, latencies and errors. It keeps itself fresh. */
public final class GatewayPage implements Handler {
    private static final String BASE = "/console/gateway";

    private final PageLayout layout;
    private final LiveStreams streams;
    private final Supplier<GatewayConfig> config;
    private final TrafficWatch watch;
    private final Authorizer authorizer;

    /** @param config what is served now */
    public GatewayPage(Console console, Supplier<GatewayConfig> config, TrafficWatch watch, Authorizer authorizer) {
        this.layout = console.layout();
        this.streams = console.streams();
        this.config = config;
        this.watch = watch;
        this.authorizer = authorizer;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!allowed(exchange)) {
            exchange.status(403);
            layout.send(
                    exchange,
                    "Gateway",
                    "<div class=\"empty\"><p class=\"empty-code\">403</p><p>You may not list httproutes of all namespaces; an administrator can"
                            + " grant it by RBAC.</p></div>");
            return;
        }
        switch (exchange.path()) {
            case BASE, BASE + "/" -> layout.send(exchange, "Gateway", Templates.page(contents()));
            case BASE + "/events" ->
                streams.run(
                        exchange,
                        "live",
                        new LiveStreams.Wake(),
                        TrafficWatch.EVERY,
                        () -> allowed(exchange),
                        () -> Templates.live(contents()));
            default -> {
                exchange.status(404);
                layout.send(
                        exchange,
                        "Not found",
                        "<div class=\"empty\"><p class=\"empty-code\">404</p><p>There is no such page.</p></div>");
            }
        }
    }

    private Contents contents() {
        return Contents.of(config.get(), watch.last());
    }

    /** It tells of routes of all namespaces. */
    private boolean allowed(Exchange exchange) {
        return authorizer
                .authorize(exchange.identity(), new Authorizer.Action("list", GatewayKinds.GROUP, "httproutes", "", ""))
                .allowed();
    }
}
