package dev.coppice.console;

import dev.coppice.control.Authorizer;
import dev.coppice.control.process.ProcessNames;
import dev.coppice.control.process.ProcessSource;
import dev.coppice.kernel.Insight;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.Trace;
import dev.coppice.kernel.Traits;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import dev.coppice.serving.Rendering;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One child of the tree: how it is, what it does now, why it crashed, and its messages while it is traced. It takes the rights
 * that {@code kubectl} takes: get on processes, and create, get and delete on processes/trace.
 */
final class ProcessPage {
    private static final Duration EVERY = Duration.ofSeconds(1);
    private static final Duration TRACE = Duration.ofMinutes(5);
    private static final int SHOWN = 100;
    private static final int MAX_CHILDREN = 100;

    private final Kernel kernel;
    private final Authorizer authorizer;
    private final PageLayout layout;
    private final LiveStreams streams;
    private final ProcessHistory history = new ProcessHistory();

    ProcessPage(Kernel kernel, Authorizer authorizer, PageLayout layout, LiveStreams streams) {
        this.kernel = kernel;
        this.authorizer = authorizer;
        this.layout = layout;
        this.streams = streams;
    }

    record Link(String name, String href) {}

    record Fact(String name, String value) {}

    record CrashView(String key, String at, String reason, String stack) {}

    /** The parts of the page that change by themselves. */
    record Facts(
            Insight insight,
            String tone,
            ProcessHistory.Lines lines,
            List<Fact> facts,
            List<Link> children,
            int moreChildren,
            String stack,
            List<CrashView> crashes) {}

    record TraceLine(
            long number,
            String at,
            String message,
            String waited,
            boolean late,
            String took,
            boolean slow,
            String failure) {}

    record TraceView(boolean running, boolean text, String until, long count, List<TraceLine> lines) {}

    /** Whether a trace can be started or stopped. */
    record Control(String action, boolean possible, boolean allowed, boolean running, String until) {}

    record View(
            String name,
            String path,
            String sort,
            String resource,
            List<Link> crumbs,
            String streamHref,
            Facts facts,
            Control control,
            Optional<TraceView> trace) {}

    /** Answers {@code NAME}, {@code NAME/events} and {@code NAME/trace/...}. */
    void handle(Exchange exchange, String rest) throws Exception {
        String[] parts = rest.split("/", 2);
        Optional<String> path =
                ProcessNames.path(parts[0]).filter(p -> kernel.find(p).isPresent());
        if (!allowed(exchange, "get", "processes", parts[0])) {
            RuntimePage.refuse(
                    layout,
                    exchange,
                    403,
                    "Not for you",
                    "User " + exchange.identity().name() + " may not get processes.runtime.coppice.dev."
                            + " An administrator can grant it with a ClusterRoleBinding.");
            return;
        }
        if (path.isEmpty()) {
            RuntimePage.refuse(
                    layout,
                    exchange,
                    404,
                    "Not found",
                    "Nothing of that name runs here (any more). The tree shows what does.");
            return;
        }
        switch (parts.length == 1 ? "" : parts[1]) {
            case "" -> page(exchange, path.get(), parts[0]);
            case "events" -> stream(exchange, path.get(), parts[0]);
            case "trace/start" -> start(exchange, path.get(), parts[0], false);
            case "trace/text" -> start(exchange, path.get(), parts[0], true);
            case "trace/stop" -> stop(exchange, path.get(), parts[0]);
            default -> RuntimePage.refuse(layout, exchange, 404, "Not found", "There is no such page of a process.");
        }
    }

    private boolean allowed(Exchange exchange, String verb, String resource, String name) {
        return authorizer
                .authorize(exchange.identity(), new Authorizer.Action(verb, ProcessSource.GROUP, resource, "", name))
                .allowed();
    }

    // ---- showing

    private void page(Exchange exchange, String path, String name) throws Exception {
        Insight insight = kernel.inspector().insight(path).orElseThrow();
        View view = new View(
                insight.vitals().name(),
                path,
                insight.vitals().sort(),
                name,
                crumbs(path),
                RuntimePage.href(path) + "/events",
                facts(insight),
                control(exchange, insight, name),
                trace(exchange, path, name));
        layout.send(exchange, view.name(), Rendering.html((out, none) -> JteprocessGenerated.render(out, none, view)));
    }

    private void stream(Exchange exchange, String path, String name) throws Exception {
        streams.run(
                exchange,
                new LiveStreams.Wake(),
                EVERY,
                () -> RuntimePage.visible(authorizer, exchange) && allowed(exchange, "get", "processes", name),
                () -> parts(exchange, path, name));
    }

    private Map<String, String> parts(Exchange exchange, String path, String name) {
        Map<String, String> parts = new LinkedHashMap<>();
        Optional<Insight> found = kernel.inspector().insight(path);
        if (found.isEmpty()) {
            parts.put("facts", Rendering.html((out, none) -> JteprocessgoneGenerated.render(out, none)));
            return parts;
        }
        Facts facts = facts(found.get());
        Control control = control(exchange, found.get(), name);
        Optional<TraceView> trace = trace(exchange, path, name);
        parts.put("facts", Rendering.html((out, none) -> JteprocessfactsGenerated.render(out, none, facts)));
        parts.put("control", Rendering.html((out, none) -> JteprocesscontrolGenerated.render(out, none, control)));
        parts.put("trace", Rendering.html((out, none) -> JteprocesstraceGenerated.render(out, none, trace)));
        return parts;
    }

    private static List<Link> crumbs(String path) {
        List<Link> crumbs = new ArrayList<>();
        crumbs.add(new Link("Runtime", RuntimePage.PATH));
        for (int at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
            String parent = path.substring(0, at);
            crumbs.add(new Link(parent.substring(parent.lastIndexOf('/') + 1), RuntimePage.href(parent)));
        }
        return crumbs;
    }

    private Facts facts(Insight insight) {
        String path = insight.vitals().path();
        List<Link> children = new ArrayList<>();
        if (insight.traits().supervisor() != null) {
            kernel.find(path)
                    .ifPresent(child -> child.supervisor()
                            .children(MAX_CHILDREN)
                            .forEach(each -> children.add(new Link(each.childName(), RuntimePage.href(each.path())))));
        }
        List<CrashView> crashes = new ArrayList<>();
        for (Insight.Crash crash : insight.crashes()) {
            crashes.add(new CrashView(
                    path + " " + crash.at(),
                    crash.at().truncatedTo(ChronoUnit.MILLIS).toString(),
                    crash.reason(),
                    String.join("\n", crash.stack())));
        }
        return new Facts(
                insight,
                RuntimePage.tone(insight.vitals().state()),
                history.add(insight.vitals(), kernel.clock().nanoTime()),
                table(insight),
                children,
                Math.max(0, insight.vitals().children() - children.size()),
                String.join("\n", insight.stack()),
                crashes);
    }

    private static List<Fact> table(Insight insight) {
        Traits traits = insight.traits();
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("Restarted", words(traits.restart())));
        Duration shutdown = traits.shutdown();
        facts.add(new Fact("May take to stop", shutdown == null ? "for ever" : shown(shutdown)));
        ProcessOptions process = traits.process();
        if (process != null) {
            facts.add(new Fact(
                    "Thread",
                    process.mode() == ProcessOptions.Mode.ON_DEMAND ? "while there is mail" : words(process.mode())));
            facts.add(new Fact("Mailbox", "at most " + process.mailbox() + ", then " + words(process.overflow())));
        }
        Duration interval = traits.interval();
        if (interval != null) {
            facts.add(new Fact("Runs every", shown(interval)));
        }
        SupervisorOptions supervisor = traits.supervisor();
        if (supervisor != null) {
            facts.add(new Fact("Strategy", words(supervisor.strategy())));
            facts.add(new Fact(
                    "Gives up after", supervisor.maxRestarts() + " restarts in " + shown(supervisor.period())));
            facts.add(new Fact("Children", insight.vitals().children() + " of at most " + supervisor.maxChildren()));
        }
        insight.links().ifPresent(links -> facts.add(new Fact("Links", Integer.toString(links))));
        insight.monitors().ifPresent(monitors -> facts.add(new Fact("Monitors", Integer.toString(monitors))));
        facts.add(new Fact("In handlers", RuntimePage.percent(insight.vitals().busyShare()) + " since its start"));
        return facts;
    }

    private static String words(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    /** Such as 5 s, 250 ms, 2 min. */
    private static String shown(Duration duration) {
        long millis = duration.toMillis();
        if (millis < 1_000) {
            return millis + " ms";
        }
        return millis < 120_000 || millis % 60_000 != 0 ? millis / 1_000 + " s" : millis / 60_000 + " min";
    }

    // ---- traces

    private Control control(Exchange exchange, Insight insight, String name) {
        Optional<Trace> trace =
                kernel.inspector().trace(insight.vitals().path()).filter(Trace::running);
        String verb = trace.isPresent() ? "delete" : "create";
        return new Control(
                RuntimePage.href(insight.vitals().path()) + "/trace",
                insight.traits().process() != null,
                allowed(exchange, verb, "processes/trace", name),
                trace.isPresent(),
                trace.map(ProcessPage::until).orElse(""));
    }

    private static String until(Trace trace) {
        String text = trace.since()
                .plus(trace.options().duration())
                .truncatedTo(ChronoUnit.SECONDS)
                .toString();
        return text.substring(text.indexOf('T') + 1).replace("Z", " UTC");
    }

    private Optional<TraceView> trace(Exchange exchange, String path, String name) {
        if (!allowed(exchange, "get", "processes/trace", name)) {
            return Optional.empty();
        }
        return kernel.inspector().trace(path).map(trace -> {
            List<TraceLine> lines = trace.entries().reversed().stream()
                    .limit(SHOWN)
                    .map(ProcessPage::line)
                    .toList();
            return new TraceView(trace.running(), trace.options().text(), until(trace), trace.count(), lines);
        });
    }

    private static TraceLine line(Trace.Entry entry) {
        @Nullable String failure = entry.failure();
        @Nullable Duration waited = entry.waited();
        return new TraceLine(
                entry.number(),
                time(entry.at()),
                entry.message(),
                waited == null ? "" : took(waited),
                waited != null && waited.toMillis() >= 100,
                took(entry.took()),
                entry.took().toMillis() >= 100,
                failure == null ? "" : failure);
    }

    private static String time(Instant at) {
        String text = at.truncatedTo(ChronoUnit.MILLIS).toString();
        return text.substring(text.indexOf('T') + 1).replace("Z", "");
    }

    private static String took(Duration took) {
        double micros = took.toNanos() / 1e3;
        return micros < 1_000
                ? String.format(Locale.ROOT, micros < 9.95 ? "%.1f µs" : "%.0f µs", micros)
                : micros < 1_000_000
                        ? String.format(Locale.ROOT, "%.1f ms", micros / 1e3)
                        : String.format(Locale.ROOT, "%.2f s", micros / 1e6);
    }

    private void start(Exchange exchange, String path, String name, boolean text) throws Exception {
        if (!mayPost(exchange, "create", name)) {
            return;
        }
        try {
            Trace unused =
                    kernel.inspector().trace(path, new Trace.Options(TRACE, Trace.Options.DEFAULT.entries(), text));
            assert unused != null;
        } catch (IllegalArgumentException | IllegalStateException | NoSuchElementException e) {
            RuntimePage.refuse(layout, exchange, 409, "Not traced", String.valueOf(e.getMessage()));
            return;
        }
        back(exchange, path);
    }

    private void stop(Exchange exchange, String path, String name) throws Exception {
        if (mayPost(exchange, "delete", name)) {
            boolean unused = kernel.inspector().stopTrace(path);
            back(exchange, path);
        }
    }

    private boolean mayPost(Exchange exchange, String verb, String name) throws Exception {
        if (!exchange.method().equals("POST")) {
            exchange.status(405).setHeader("Allow", "POST").send("text/plain; charset=utf-8", "use POST\n");
            return false;
        }
        if (!allowed(exchange, verb, "processes/trace", name)) {
            RuntimePage.refuse(
                    layout,
                    exchange,
                    403,
                    "Not for you",
                    "User " + exchange.identity().name() + " may not " + verb + " processes/trace.");
            return false;
        }
        return true;
    }

    private static void back(Exchange exchange, String path) throws Exception {
        exchange.status(303)
                .setHeader("Location", RuntimePage.href(path) + "#trace")
                .sendEmpty();
    }
}
