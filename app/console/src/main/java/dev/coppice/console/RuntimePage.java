package dev.coppice.console;

import dev.coppice.control.Authorizer;
import dev.coppice.control.process.ProcessNames;
import dev.coppice.kernel.Inspector;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.Table;
import dev.coppice.kernel.TreeNode;
import dev.coppice.kernel.Vitals;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import dev.coppice.serving.Rendering;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What runs, live: the supervision tree, the greatest of all, pipelines, tables, and one child by itself. Seen by those who may {@code get} the
 * path {@code /console/runtime}.
 */
final class RuntimePage implements Handler {
    static final String PATH = "/console/runtime";
    private static final int MAX_CHILDREN = 200;
    private static final int TOP = 10;
    private static final int MAX_TABLES = 500;
    private static final Duration EVERY = Duration.ofSeconds(1);
    private static final Duration TOP_EVERY = Duration.ofSeconds(2);

    private final Kernel kernel;
    private final Authorizer authorizer;
    private final PageLayout layout;
    private final LiveStreams streams;
    private final ProcessPage process;

    RuntimePage(Kernel kernel, Authorizer authorizer, PageLayout layout, LiveStreams streams) {
        this.kernel = kernel;
        this.authorizer = authorizer;
        this.layout = layout;
        this.streams = streams;
        this.process = new ProcessPage(kernel, authorizer, layout, streams);
    }

    record View(TreeNode root, Totals totals, List<Crash> crashes) {}

    record Totals(long children, long notRunning, long restarts, long mailbox) {
        static Totals of(TreeNode root) {
            TreeTotals totals = TreeTotals.of(root);
            return new Totals(totals.children(), totals.notRunning(), totals.restarts(), totals.mailbox());
        }
    }

    /** The greatest by one measure. */
    record Top(String title, String column, List<Line> lines) {}

    /**
     * One of the greatest.
     *
     * @param percent how long its bar is
     */
    record Line(String path, String href, String value, int percent) {}

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!visible(authorizer, exchange)) {
            refuse(
                    layout,
                    exchange,
                    403,
                    "Not for you",
                    "You may not see the runtime. It takes the verb get on the path /console/runtime.");
            return;
        }
        String rest = exchange.path().substring(Math.min(exchange.path().length(), PATH.length()));
        switch (rest) {
            case "", "/" ->
                layout.send(
                        exchange,
                        "Runtime",
                        Rendering.html((out, none) -> JteruntimeGenerated.render(out, none, view())));
            case "/events" ->
                streams.run(
                        exchange,
                        "tree",
                        new LiveStreams.Wake(),
                        EVERY,
                        () -> visible(authorizer, exchange),
                        () -> Rendering.html((out, none) -> JteruntimeliveGenerated.render(out, none, view())));
            case "/top" ->
                layout.send(
                        exchange,
                        "Top",
                        Rendering.html((out, none) -> JteruntimetopGenerated.render(out, none, tops())));
            case "/top/events" ->
                streams.run(
                        exchange,
                        "top",
                        new LiveStreams.Wake(),
                        TOP_EVERY,
                        () -> visible(authorizer, exchange),
                        () -> Rendering.html((out, none) -> JteruntimetoplistGenerated.render(out, none, tops())));
            case "/pipelines" ->
                layout.send(
                        exchange,
                        "Pipelines",
                        Rendering.html((out, none) ->
                                JteruntimepipelinesGenerated.render(out, none, PipelinePicture.of(kernel))));
            case "/pipelines/events" ->
                streams.run(
                        exchange,
                        "pipelines",
                        new LiveStreams.Wake(),
                        EVERY,
                        () -> visible(authorizer, exchange),
                        () -> Rendering.html((out, none) ->
                                JteruntimepipelinelistGenerated.render(out, none, PipelinePicture.of(kernel))));
            case "/tables" ->
                layout.send(
                        exchange,
                        "Tables",
                        Rendering.html((out, none) -> JteruntimetablesGenerated.render(out, none, tables())));
            case "/tables/events" ->
                streams.run(
                        exchange,
                        "tables",
                        new LiveStreams.Wake(),
                        TOP_EVERY,
                        () -> visible(authorizer, exchange),
                        () -> Rendering.html((out, none) -> JteruntimetablelistGenerated.render(out, none, tables())));
            default -> {
                if (rest.startsWith("/process/")) {
                    process.handle(exchange, rest.substring("/process/".length()));
                } else {
                    refuse(layout, exchange, 404, "Not found", "There is no such page of the runtime.");
                }
            }
        }
    }

    static void refuse(PageLayout layout, Exchange exchange, int status, String heading, String text) throws Exception {
        exchange.status(status);
        layout.send(
                exchange, heading, Rendering.html((out, none) -> JterefusedGenerated.render(out, none, heading, text)));
    }

    /** Whether who asks may see the runtime. */
    static boolean visible(Authorizer authorizer, Exchange exchange) {
        return authorizer.authorizePath(exchange.identity(), "get", PATH).allowed();
    }

    /**
     * A table.
     *
     * @param full whether it refused keys
     */
    record TableLine(
            String name,
            boolean ordered,
            String entries,
            String limit,
            String owner,
            String href,
            String expired,
            String evicted,
            String refused,
            boolean full) {}

    private List<TableLine> tables() {
        return Table.infos(kernel, MAX_TABLES).stream()
                .map(info -> new TableLine(
                        info.name(),
                        info.ordered(),
                        count(info.size()),
                        count(info.maxEntries()),
                        info.owner(),
                        info.owner().startsWith("/") ? href(info.owner()) : "",
                        count(info.expired()),
                        count(info.evicted()),
                        count(info.refused()),
                        info.refused() > 0))
                .toList();
    }

    private View view() {
        TreeNode root = kernel.tree(MAX_CHILDREN);
        return new View(root, Totals.of(root), Crash.last(kernel, 20));
    }

    private List<Top> tops() {
        Map<Inspector.Order, List<Inspector.Glance>> greatest =
                kernel.inspector().top(EnumSet.allOf(Inspector.Order.class), TOP);
        List<Top> tops = new ArrayList<>();
        tops.add(top(greatest, Inspector.Order.CPU, "CPU", "CPU", vitals -> vitals.cpuShare() * 100));
        tops.add(top(greatest, Inspector.Order.MAILBOX, "Mailbox", "waiting", Vitals::mailbox));
        tops.add(top(greatest, Inspector.Order.RATE, "Messages or runs a second", "per second", Vitals::rate));
        tops.add(top(greatest, Inspector.Order.MEMORY, "Memory", "estimate", Vitals::memoryBytes));
        tops.add(top(greatest, Inspector.Order.RESTARTS, "Restarts", "restarts", Vitals::restarts));
        return tops;
    }

    private interface Measure {
        double of(Vitals vitals);
    }

    private static Top top(
            Map<Inspector.Order, List<Inspector.Glance>> all,
            Inspector.Order order,
            String title,
            String column,
            Measure measure) {
        List<Vitals> greatest = all.getOrDefault(order, List.of()).stream()
                .map(Inspector.Glance::vitals)
                .toList();
        double most = order == Inspector.Order.CPU
                ? 100
                : greatest.stream().mapToDouble(measure::of).max().orElse(1);
        List<Line> lines = new ArrayList<>();
        for (Vitals vitals : greatest) {
            double value = measure.of(vitals);
            String text = switch (order) {
                case CPU -> percent(value / 100);
                case MEMORY -> bytes(vitals.memoryBytes());
                case RATE -> rate(value);
                case MAILBOX, RESTARTS -> count((long) value);
            };
            lines.add(new Line(vitals.path(), href(vitals.path()), text, (int)
                    Math.clamp(Math.round(100 * value / most), 1, 100)));
        }
        return new Top(title, column, lines);
    }

    // ---- words for templates

    /** The page of one child. */
    static String href(String path) {
        return path.equals("/") ? PATH : PATH + "/process/" + ProcessNames.name(path);
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

    /** With one digit after the point where that says something. */
    static String rate(double value) {
        return value >= 10 ? count(Math.round(value)) : String.format(Locale.ROOT, "%.1f", value);
    }

    static String percent(double share) {
        double percent = share * 100;
        if (percent > 0 && percent < 0.05) {
            return "< 0.1 %";
        }
        return percent >= 9.95 ? Math.round(percent) + " %" : String.format(Locale.ROOT, "%.1f %%", percent);
    }

    static String bytes(long bytes) {
        if (bytes < 10_000) {
            return bytes + " B";
        }
        return bytes < 10L << 20 ? (bytes >> 10) + " KiB" : (bytes >> 20) + " MiB";
    }
}
