package dev.coppice.coordination.page;

import dev.coppice.control.Authorizer;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import dev.coppice.coordination.kind.CoordinationKinds;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.PageLayout;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Semaphore;

/** The console's page of locks and elections: who holds, who waits, the wait-for graph. It keeps itself fresh. */
public final class CoordinationPage implements Handler {
    private static final String BASE = "/console/coordination";
    private static final Duration REFRESH = Duration.ofSeconds(1);
    private static final int MOST_STREAMS = 128;

    private final Kernel kernel;
    private final PageLayout layout;
    private final DeadlockWatch watch;
    private final Authorizer authorizer;
    private final Semaphore streams = new Semaphore(MOST_STREAMS);

    public CoordinationPage(Kernel kernel, PageLayout layout, DeadlockWatch watch, Authorizer authorizer) {
        this.kernel = kernel;
        this.layout = layout;
        this.watch = watch;
        this.authorizer = authorizer;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        switch (exchange.path()) {
            case BASE, BASE + "/" -> layout.send(exchange, "Coordination", Templates.page(contents(exchange)));
            case BASE + "/events" -> stream(exchange);
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

    /** Sends the live part again whenever it differs, until the reader goes. What the reader may see is asked each time. */
    private void stream(Exchange exchange) throws IOException {
        if (!streams.tryAcquire()) {
            exchange.status(503)
                    .setHeader("Retry-After", "5")
                    .send("text/plain; charset=utf-8", "503 too many live pages are open\n");
            return;
        }
        Thread reader = Thread.currentThread();
        exchange.onClose(reader::interrupt);
        try (PageLayout.EventStream events = layout.events(exchange)) {
            String last = "";
            while (exchange.open()) {
                String html = Templates.live(contents(exchange));
                if (!html.equals(last)) {
                    events.send("live", html);
                    last = html;
                }
                kernel.timers().sleep(REFRESH);
            }
        } catch (InterruptedException gone) {
            // The reader went, or the listener stops.
        } finally {
            streams.release();
        }
    }
}
