package dev.coppice.health.page;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.Key;
import dev.coppice.control.ResourceClient;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.Durations;
import dev.coppice.health.kind.HealthKinds;
import dev.coppice.health.notify.Notifications;
import dev.coppice.health.series.LatencySketch;
import dev.coppice.health.series.Sample;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.health.series.SeriesStore.Window;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Console;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** The console's health pages: the live overview, a check in detail, test-now, policies and test notifications. */
public final class HealthPage implements Handler {
    private static final String BASE = "/console/health";
    private static final Duration REFRESH = Duration.ofSeconds(3);
    private static final int MOST_RESULTS = 40;

    private final Kernel kernel;
    private final PageLayout layout;
    private final CheckEngine engine;
    private final SeriesStore series;
    private final Authorizer authorizer;
    private final ResourceClient resources;
    private final Notifications notifications;
    private final OverviewModel model;
    private final LiveStreams streams;

    public HealthPage(
            Kernel kernel,
            Console console,
            CheckEngine engine,
            SeriesStore series,
            Authorizer authorizer,
            ResourceClient resources,
            Notifications notifications) {
        this.kernel = kernel;
        this.layout = console.layout();
        this.streams = console.streams();
        this.engine = engine;
        this.series = series;
        this.authorizer = authorizer;
        this.resources = resources;
        this.notifications = notifications;
        this.model = new OverviewModel(series);
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        String rest = exchange.path().length() > BASE.length() ? exchange.path().substring(BASE.length() + 1) : "";
        String[] parts = rest.isEmpty() ? new String[0] : rest.split("/", -1);
        if (parts.length == 0) {
            layout.send(exchange, "Health", Templates.overview(overview(exchange)));
        } else if (parts.length == 1 && parts[0].equals("events")) {
            stream(exchange, "overview", () -> Templates.live(overview(exchange)));
        } else if (parts.length == 1 && parts[0].equals("policies")) {
            layout.send(
                    exchange,
                    "Notifications",
                    Templates.policies(Policies.of(
                            resources,
                            namespace -> allowed(exchange, "list", "notificationpolicies", namespace, ""),
                            exchange.query("sent").isPresent())));
        } else if (parts.length == 3
                && parts[0].equals("policies")
                && exchange.method().equals("POST")) {
            testPolicy(exchange, new Key(parts[1], parts[2]));
        } else if (parts.length == 2 || parts.length == 3) {
            check(exchange, new Key(parts[0], parts[1]), parts.length == 3 ? parts[2] : "");
        } else {
            missing(exchange);
        }
    }

    private Overview overview(Exchange exchange) {
        String query = exchange.query("q").orElse("");
        String state = exchange.query("state").orElse("");
        String events = BASE + "/events?q=" + URLEncoder.encode(query, StandardCharsets.UTF_8) + "&state="
                + URLEncoder.encode(state, StandardCharsets.UTF_8);
        return model.overview(visible(exchange), query, state, events);
    }

    /** The checks that the reader may list. */
    private List<CheckView> visible(Exchange exchange) {
        List<CheckView> all = engine.views();
        if (allowed(exchange, "list", "healthchecks", "", "")) {
            return all;
        }
        Map<String, Boolean> namespaces = new LinkedHashMap<>();
        return all.stream()
                .filter(v -> namespaces.computeIfAbsent(
                        v.key().namespace(), n -> allowed(exchange, "list", "healthchecks", n, "")))
                .toList();
    }

    private boolean allowed(Exchange exchange, String verb, String resource, String namespace, String name) {
        return authorizer
                .authorize(
                        exchange.identity(), new Authorizer.Action(verb, HealthKinds.GROUP, resource, namespace, name))
                .allowed();
    }

    private void check(Exchange exchange, Key key, String part) throws Exception {
        Optional<CheckView> view = engine.view(key);
        if (view.isEmpty() || !allowed(exchange, "get", "healthchecks", key.namespace(), key.name())) {
            missing(exchange);
            return;
        }
        switch (part) {
            case "" -> layout.send(exchange, key.name(), Templates.detail(detail(view.get(), window(exchange))));
            case "events" ->
                stream(
                        exchange,
                        "facts",
                        () -> engine.view(key)
                                .map(now -> Templates.facts(detail(now, "")))
                                .orElse(""));
            case "data.json" ->
                exchange.send(
                        "application/json",
                        ChartData.of(
                                        series,
                                        view.get().number(),
                                        window(exchange),
                                        kernel.clock().currentTimeMillis())
                                .toString());
            case "test" -> testNow(exchange, key);
            default -> missing(exchange);
        }
    }

    private static String window(Exchange exchange) {
        String window = exchange.query("window").orElse("1h");
        return Set.of("1h", "24h", "7d", "30d").contains(window) ? window : "1h";
    }

    private void testNow(Exchange exchange, Key key) throws IOException {
        if (!exchange.method().equals("POST")) {
            exchange.status(405).setHeader("Allow", "POST").send("text/plain; charset=utf-8", "use POST\n");
        } else if (!allowed(exchange, "update", "healthchecks", key.namespace(), key.name())) {
            exchange.status(403).send("text/plain; charset=utf-8", "you may not update this check\n");
        } else {
            engine.trigger(key);
            back(exchange, BASE + "/" + key);
        }
    }

    private void testPolicy(Exchange exchange, Key key) throws IOException {
        if (!allowed(exchange, "update", "notificationpolicies", key.namespace(), key.name())) {
            exchange.status(403).send("text/plain; charset=utf-8", "you may not update this policy\n");
        } else if (!notifications.notifier().test(key, kernel.clock().now())) {
            missing(exchange);
        } else {
            back(exchange, BASE + "/policies?sent=1");
        }
    }

    private static void back(Exchange exchange, String to) throws IOException {
        exchange.status(303).setHeader("Location", to).sendEmpty();
    }

    private void missing(Exchange exchange) throws IOException {
        exchange.status(404);
        layout.send(
                exchange,
                "Not found",
                "<div class=\"empty\"><p class=\"empty-code\">404</p><p>There is no such check, or you may not see it."
                        + "</p><a class=\"button\" href=\"" + BASE + "\">All checks</a></div>");
    }

    /** Sends a part of a page again whenever it differs, until the reader goes. */
    private void stream(Exchange exchange, String event, Supplier<String> render) throws Exception {
        streams.run(exchange, event, new LiveStreams.Wake(), REFRESH, () -> true, render);
    }

    private Detail detail(CheckView view, String window) {
        Map<String, String> uptimes = new LinkedHashMap<>();
        Map<String, String> latencies = new LinkedHashMap<>();
        for (Window w : Window.values()) {
            String label = switch (w) {
                case HOUR -> "1 hour";
                case DAY -> "24 hours";
                case WEEK -> "7 days";
                case MONTH -> "30 days";
            };
            String uptime = series.tally(view.number(), w).percent();
            uptimes.put(label, uptime == null ? "–" : uptime);
            if (!window.isEmpty() || w == Window.HOUR) {
                latencies.put(label, quantiles(series.latency(view.number(), w)));
            }
        }
        List<Sample> recent = series.recent(view.number(), MOST_RESULTS);
        return new Detail(
                model.row(view),
                BASE + "/" + view.key(),
                view.plan().spec().description() == null
                        ? ""
                        : view.plan().spec().description(),
                view.plan().severity().name(),
                Durations.text(view.plan().interval()),
                uptimes,
                latencies,
                view.last() == null ? Map.of() : view.last().facts(),
                conditions(view.key()),
                window.isEmpty() ? List.of() : events(view.key()),
                recent.reversed().stream().map(HealthPage::result).toList(),
                window.isEmpty() ? List.of() : days(view.number()),
                view.plan().dependsOn().stream().map(Key::toString).toList(),
                window,
                window.isEmpty()
                        ? ""
                        : ChartData.of(
                                        series,
                                        view.number(),
                                        window,
                                        kernel.clock().currentTimeMillis())
                                .toString());
    }

    private List<StatusModel.Bar> days(int number) {
        return series.days(number, 90).stream()
                .map(day -> {
                    String uptime = day.tally().percent();
                    return new StatusModel.Bar(
                            LocalDate.ofEpochDay(day.epochDay()).toString(),
                            StatusModels.level(day.tally()),
                            uptime == null ? "no results" : uptime);
                })
                .toList();
    }

    private static String quantiles(LatencySketch sketch) {
        if (sketch.count() == 0) {
            return "–";
        }
        return micros(sketch.quantileMicros(0.5)) + " / " + micros(sketch.quantileMicros(0.95)) + " / "
                + micros(sketch.quantileMicros(0.99));
    }

    private static String micros(double micros) {
        return Durations.text(Duration.ofNanos((long) (micros * 1000)));
    }

    private static Detail.Result result(Sample sample) {
        return new Detail.Result(
                Instant.ofEpochMilli(sample.timeMillis()).toString(),
                sample.outcome().name().toLowerCase(Locale.ROOT),
                OverviewModel.level(sample.outcome()),
                sample.latencyMicros() < 0 ? "" : micros(sample.latencyMicros()),
                sample.code() == 0 ? "" : String.valueOf(sample.code()));
    }

    private List<Detail.Condition> conditions(Key key) {
        List<Detail.Condition> found = new ArrayList<>();
        resources
                .get(HealthKinds.HEALTH_CHECK.type(), key.namespace(), key.name())
                .ifPresent(tree -> tree.path("status")
                        .path("conditions")
                        .forEach(c -> found.add(new Detail.Condition(
                                c.path("type").asText(),
                                c.path("status").asText(),
                                c.path("reason").asText(),
                                c.path("message").asText(),
                                c.path("lastTransitionTime").asText()))));
        return found;
    }

    private List<Detail.Event> events(Key key) {
        List<Detail.Event> found = new ArrayList<>();
        try {
            var type = new ResourceClient.ResourceType("", "v1", "events");
            var query = new ResourceClient.Query(
                    key.namespace(), "", "involvedObject.kind=HealthCheck,involvedObject.name=" + key.name());
            for (JsonNode event : resources.list(type, query).items()) {
                String time = event.path("lastTimestamp").asText("");
                found.add(new Detail.Event(
                        time.isEmpty() || time.equals("null")
                                ? event.path("metadata")
                                        .path("creationTimestamp")
                                        .asText("")
                                : time,
                        event.path("type").asText(),
                        event.path("reason").asText(),
                        event.path("message").asText(event.path("note").asText("")),
                        Math.max(1, event.path("count").asInt(1))));
            }
        } catch (ApiException e) {
            return List.of();
        }
        found.sort(Comparator.comparing(Detail.Event::time).reversed());
        return found.size() > 50 ? found.subList(0, 50) : found;
    }
}
