package dev.coppice.console;

import dev.coppice.control.Authorizer;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.TreeNode;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.PageLayout;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** The supervision tree, live. Seen by those who may {@code get} the path {@code /console/runtime}. */
final class RuntimePage implements Handler {
    private static final int MAX_CHILDREN = 200;
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final Kernel kernel;
    private final Authorizer authorizer;
    private final PageLayout layout;
    private final LiveStreams streams;

    RuntimePage(Kernel kernel, Authorizer authorizer, PageLayout layout, LiveStreams streams) {
        this.kernel = kernel;
        this.authorizer = authorizer;
        this.layout = layout;
        this.streams = streams;
    }

    record View(TreeNode root, long children, long notRunning, long restarts, long mailbox, List<Crash> crashes) {}

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!visible(authorizer, exchange)) {
            exchange.status(403);
            layout.send(
                    exchange,
                    "Refused",
                    Rendering.html((out, none) -> JterefusedGenerated.render(
                            out,
                            none,
                            "Not for you",
                            "You may not see the runtime. It takes the verb get on the path /console/runtime.")));
        } else if (exchange.path().endsWith("/events")) {
            streams.run(
                    exchange,
                    "tree",
                    new LiveStreams.Wake(),
                    EVERY,
                    () -> visible(authorizer, exchange),
                    () -> Rendering.html((out, none) -> JteruntimeliveGenerated.render(out, none, view())));
        } else {
            layout.send(
                    exchange, "Runtime", Rendering.html((out, none) -> JteruntimeGenerated.render(out, none, view())));
        }
    }

    /** Whether who asks may see the runtime. */
    static boolean visible(Authorizer authorizer, Exchange exchange) {
        return authorizer
                .authorizePath(exchange.identity(), "get", "/console/runtime")
                .allowed();
    }

    private View view() {
        TreeNode root = kernel.tree(MAX_CHILDREN);
        TreeTotals totals = TreeTotals.of(root);
        return new View(
                root,
                totals.children(),
                totals.notRunning(),
                totals.restarts(),
                totals.mailbox(),
                Crash.last(kernel, 20));
    }

    /** The first levels are unfolded, and whatever has trouble below it. */
    static boolean opened(TreeNode node, int depth) {
        TreeTotals below = TreeTotals.of(node);
        return depth < 2 || below.notRunning() > 0 || below.restarts() > 0;
    }

    static String tone(Supervisor.State state) {
        return switch (state) {
            case RUNNING -> "ok";
            case STARTING, RESTARTING -> "warn";
            case STOPPED -> "bad";
        };
    }

    static String word(Supervisor.State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    /** Such as {@code 1 restart}, {@code 2 restarts}. */
    static String restarts(long count) {
        return count == 1 ? "1 restart" : count(count) + " restarts";
    }

    /** Short: 999, 12k, 3M. */
    static String count(long count) {
        if (count < 10_000) {
            return Long.toString(count);
        }
        return count < 10_000_000 ? count / 1_000 + "k" : count / 1_000_000 + "M";
    }
}
