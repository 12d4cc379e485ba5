package dev.coppice.coordination.page;

import dev.coppice.control.Authorizer;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import dev.coppice.coordination.kind.CoordinationKinds;
import dev.coppice.serving.Console;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import java.time.Duration;

/** The console's page of locks and elections: who holds, who waits, the wait-for graph. It keeps itself fresh. */
public final class CoordinationPage implements Handler {
    private static final String BASE = "/console/coordination";
    private static final Duration REFRESH = Duration.ofSeconds(1);

    private final PageLayout layout;
    private final DeadlockWatch watch;
    private final Authorizer authorizer;
    private final LiveStreams streams;

    public CoordinationPage(Console console, DeadlockWatch watch, Authorizer authorizer) {
        this.layout = console.layout();
        this.streams = console.streams();
        this.watch = watch;
        this.authorizer = authorizer;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        switch (exchange.path()) {
            case BASE, BASE + "/" -> layout.send(exchange, "Coordination", Templates.page(contents(exchange)));
            // What the reader may see is asked each time.
            case BASE + "/events" ->
                streams.run(
                        exchange,
                        "live",
                        new LiveStreams.Wake(),
                        REFRESH,
                        () -> true,
                        () -> Templates.live(contents(exchange)));
            default -> {
                exchange.status(404);
                layout.send(
                        exchange,
                        "Not found",
                        "<div class=\"empty\"><p class=\"empty-code\">404</p><p>There is no such page.</p></div>");
            }
        }
    }

    private Contents contents(Exchange exchange) {
        return Contents.of(watch.now(), may(exchange, "locks"), may(exchange, "elections"));
    }

    private boolean may(Exchange exchange, String resource) {
        return authorizer
                .authorize(
                        exchange.identity(), new Authorizer.Action("list", CoordinationKinds.GROUP, resource, "", ""))
                .allowed();
    }
}
