package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.serving.Console;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.Page;
import dev.coppice.serving.Routes;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The console's own pages: the overview, the resource browser, the history, the supervision tree. */
public final class ConsoleExtension implements Extension {
    private static final String GROUP = "Platform";

    private final NodeInfo node;
    private final @Nullable Supplier<JsonNode> cluster;
    private final ChangeSource changes;
    private final ApiRequests requests;
    private final List<Routes.Mount> mounts = new ArrayList<>();

    /**
     * The pages of a node.
     *
     * @param cluster how the cluster is, as {@code coppice cluster status --json} prints it; null for a node that is alone
     * @param changes the past
     * @param requests for what users change here
     */
    public ConsoleExtension(
            NodeInfo node, @Nullable Supplier<JsonNode> cluster, ChangeSource changes, ApiRequests requests) {
        this.requests = requests;
        this.changes = changes;
        this.node = node;
        this.cluster = cluster;
    }

    @Override
    public String name() {
        return "console";
    }

    @Override
    public void start(ExtensionContext context) {
        Console console = context.console();
        LiveStreams live = console.streams();
        GaugeWithCallback open = GaugeWithCallback.builder()
                .name("coppice_console_streams")
                .help("Open event streams of console pages.")
                .callback(gauge -> gauge.call(live.open()))
                .build();
        context.kernel().metrics().register(open);
        mounts.add(() -> context.kernel().metrics().unregister(open));
        mounts.add(console.add(new Page(
                "overview",
                "Overview",
                GROUP,
                0,
                new OverviewPage(node, context.kernel(), context.authorizer(), console.layout(), live))));
        if (cluster != null) {
            mounts.add(console.add(new Page(
                    "cluster",
                    "Cluster",
                    GROUP,
                    10,
                    new ClusterPage(cluster, context.authorizer(), console.layout(), live))));
        }
        mounts.add(console.add(new Page(
                "resources",
                "Resources",
                GROUP,
                20,
                new ResourcePages(context.resources(), context.authorizer(), console.layout(), live))));
        mounts.add(console.add(new Page(
                "history",
                "History",
                GROUP,
                25,
                new HistoryPages(
                        changes,
                        new UndoPage(changes, requests, context.authorizer(), console.layout()),
                        console.layout()))));
        mounts.add(console.add(new Page(
                "runtime",
                "Runtime",
                GROUP,
                30,
                new RuntimePage(context.kernel(), context.authorizer(), console.layout(), live))));
    }

    @Override
    public void stop() {
        mounts.forEach(Routes.Mount::close);
        mounts.clear();
    }
}
