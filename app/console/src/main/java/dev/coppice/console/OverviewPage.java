package dev.coppice.console;

import dev.coppice.control.Authorizer;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.TreeNode;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import dev.coppice.serving.Rendering;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** What runs here, where it listens, and how it goes. Crashes are told to those only who may see the runtime. */
final class OverviewPage implements Handler {
    private static final int MAX_CHILDREN = 1_000;
    private static final Duration EVERY = Duration.ofSeconds(2);

    private final NodeInfo node;
    private final Kernel kernel;
    private final Authorizer authorizer;
    private final PageLayout layout;
    private final LiveStreams streams;

    OverviewPage(NodeInfo node, Kernel kernel, Authorizer authorizer, PageLayout layout, LiveStreams streams) {
        this.node = node;
        this.kernel = kernel;
        this.authorizer = authorizer;
        this.layout = layout;
        this.streams = streams;
    }

    record Area(String name, String href, String tone, String summary) {}

    record View(
            NodeInfo node,
            String tone,
            String word,
            String startedAt,
            String uptime,
            long children,
            long notRunning,
            long restarts,
            long heapMegabytes,
            List<Area> areas,
            List<Crash> crashes) {}

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (exchange.path().endsWith("/events")) {
            streams.run(
                    exchange,
                    "overview",
                    new LiveStreams.Wake(),
                    EVERY,
                    () -> true,
                    () -> Rendering.html((out, none) -> JteoverviewliveGenerated.render(out, none, view(exchange))));
        } else {
            layout.send(
                    exchange,
                    "Overview",
                    Rendering.html((out, none) -> JteoverviewGenerated.render(out, none, view(exchange))));
        }
    }

    private View view(Exchange exchange) {
        TreeNode root = kernel.tree(MAX_CHILDREN);
        TreeTotals totals = TreeTotals.of(root);
        boolean well = totals.notRunning() == 0;
        Duration up = Duration.between(root.startedAt(), kernel.clock().now());
        Runtime runtime = Runtime.getRuntime();
        // Rounded, so that the page is not sent again for every object made.
        long heap = (runtime.totalMemory() - runtime.freeMemory()) / 1_048_576 / 8 * 8;
        return new View(
                node,
                well ? "ok" : "warn",
                well ? "Running" : "Healing",
                root.startedAt().toString(),
                up.toMinutes() + "m",
                totals.children(),
                totals.notRunning(),
                totals.restarts(),
                heap,
                areas(root),
                RuntimePage.visible(authorizer, exchange) ? Crash.last(kernel, 5) : List.of());
    }

    /** The children of {@code areas} stand for themselves; everything else by its top supervisor. */
    private static List<Area> areas(TreeNode root) {
        return root.children().stream()
                .flatMap(child -> child.name().equals("areas") ? child.children().stream() : Stream.of(child))
                .map(OverviewPage::area)
                .toList();
    }

    private static Area area(TreeNode node) {
        TreeTotals totals = TreeTotals.of(node);
        boolean running = node.state() == Supervisor.State.RUNNING;
        String tone = !running ? "bad" : totals.notRunning() > 0 ? "warn" : "ok";
        String summary = node.sort().equals("supervisor")
                ? totals.children()
                        + (totals.children() == 1 ? " child, " : " children, ")
                        + RuntimePage.restarts(totals.restarts() + node.restarts())
                : node.sort() + ", " + RuntimePage.restarts(node.restarts());
        return new Area(node.name(), "/console/runtime", tone, summary);
    }
}
