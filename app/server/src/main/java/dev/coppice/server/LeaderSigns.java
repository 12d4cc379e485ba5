package dev.coppice.server;

import dev.coppice.serving.Console;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.Page;
import dev.coppice.serving.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Signs that say which node to ask for what only the leader's node knows: the console's Health page and {@code /probe}. Without
 * them a node that follows would answer 404, as if there were no such thing. Safe for use by many threads.
 */
final class LeaderSigns implements Standby {

    private static final String PROBE = "/probe";

    private final Console console;
    private final Routes routes;
    private final UnaryOperator<Handler> guard;
    private final Supplier<String> leader;
    private final List<Routes.Mount> mounts = new ArrayList<>();

    /**
     * Signs that hang once {@link #open} was called.
     *
     * @param routes of the port with login
     * @param guard lets those through who may use the path: others need not know who leads
     * @param leader the name of the node that leads; empty when that is not known
     */
    LeaderSigns(Console console, Routes routes, UnaryOperator<Handler> guard, Supplier<String> leader) {
        this.console = console;
        this.routes = routes;
        this.guard = guard;
        this.leader = leader;
    }

    @Override
    public synchronized void open() {
        if (mounts.isEmpty()) {
            mounts.add(console.add(new Page("health", "Health", "Areas", 10, this::page)));
            mounts.add(routes.mount(PROBE, guard.apply(this::probe)));
        }
    }

    @Override
    public synchronized void close() {
        mounts.forEach(Routes.Mount::close);
        mounts.clear();
    }

    private void page(Exchange exchange) throws IOException {
        String name = leader.get();
        String where = name.isEmpty()
                ? "No node that leads is known now. Load this page again in a moment."
                : "Checks run on the node that leads, <strong>" + escaped(name)
                        + "</strong>. Open the console of that node for results and history.";
        exchange.status(503).setHeader("Retry-After", "2");
        console.layout()
                .send(
                        exchange,
                        "Health",
                        "<header class=\"page-head\"><h1>Health</h1></header><div class=\"alert\" role=\"status\"><p>"
                                + where
                                + "</p><p>What every node shows: the status of each check (<code>kubectl get healthchecks</code>)"
                                + " and the status pages on the public port.</p></div>");
    }

    private void probe(Exchange exchange) throws IOException {
        String name = leader.get();
        exchange.status(503)
                .setHeader("Retry-After", "2")
                .send(
                        "text/plain; charset=utf-8",
                        "503 " + PROBE + " is answered by the node that leads, "
                                + (name.isEmpty() ? "which is not known now; try again" : name + "; ask that node")
                                + "\n");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }
}
