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
 * Signs that say which node to ask for what only the leader's node knows: the console's pages Health and Gateway, {@code /probe} and
 * {@code /gateway}. Without them a node that follows would answer 404, as if there were no such thing. Safe for use by many threads.
 */
final class LeaderSigns implements Standby {

    /**
     * What only the leader's node knows of an area.
     *
     * @param path of its page, and its name
     * @param order of its page
     * @param route beside the page
     * @param there what is there, as HTML, for a sentence that goes on with who leads
     * @param here what every node shows, as HTML
     */
    private record Sign(String path, String title, int order, String route, String there, String here) {}

    private static final List<Sign> SIGNS = List.of(
            new Sign(
                    "health",
                    "Health",
                    10,
                    "/probe",
                    "Checks run",
                    "the status of each check (<code>kubectl get healthchecks</code>) and the status pages on the public port"),
            new Sign(
                    "gateway",
                    "Gateway",
                    15,
                    "/gateway",
                    "Gateways are served",
                    "their conditions, and those of their routes (<code>kubectl get gateways,httproutes</code>)"));

    private final List<Sign> signs;
    private final Console console;
    private final Routes routes;
    private final UnaryOperator<Handler> guard;
    private final Supplier<String> leader;
    private final List<Routes.Mount> mounts = new ArrayList<>();

    /**
     * Signs that hang once {@link #open} was called.
     *
     * @param areas whose signs
     * @param routes of the port with login
     * @param guard lets those through who may use the path: others need not know who leads
     * @param leader the name of the node that leads; empty when that is not known
     */
    LeaderSigns(
            List<String> areas, Console console, Routes routes, UnaryOperator<Handler> guard, Supplier<String> leader) {
        this.signs = SIGNS.stream().filter(each -> areas.contains(each.path())).toList();
        this.console = console;
        this.routes = routes;
        this.guard = guard;
        this.leader = leader;
    }

    @Override
    public synchronized void open() {
        if (mounts.isEmpty()) {
            for (Sign each : signs) {
                mounts.add(console.add(
                        new Page(each.path(), each.title(), "Areas", each.order(), exchange -> page(each, exchange))));
                mounts.add(routes.mount(each.route(), guard.apply(exchange -> answer(each.route(), exchange))));
            }
        }
    }

    @Override
    public synchronized void close() {
        mounts.forEach(Routes.Mount::close);
        mounts.clear();
    }

    private void page(Sign sign, Exchange exchange) throws IOException {
        String name = leader.get();
        String where = name.isEmpty()
                ? "No node that leads is known now. Load this page again in a moment."
                : sign.there() + " on the node that leads, <strong>" + escaped(name)
                        + "</strong>. Open the console of that node for more.";
        exchange.status(503).setHeader("Retry-After", "2");
        console.layout()
                .send(
                        exchange,
                        sign.title(),
                        "<header class=\"page-head\"><h1>" + sign.title()
                                + "</h1></header><div class=\"alert\" role=\"status\"><p>" + where
                                + "</p><p>What every node shows: " + sign.here() + ".</p></div>");
    }

    private void answer(String path, Exchange exchange) throws IOException {
        String name = leader.get();
        exchange.status(503)
                .setHeader("Retry-After", "2")
                .send(
                        "text/plain; charset=utf-8",
                        "503 " + path + " is answered by the node that leads, "
                                + (name.isEmpty() ? "which is not known now; try again" : name + "; ask that node")
                                + "\n");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }
}
