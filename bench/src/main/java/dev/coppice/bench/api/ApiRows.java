package dev.coppice.bench.api;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The rows of the load on one server, each of which gives figures. They are run in the order of {@link #NAMES}; all but {@code types}
 * need the objects of {@code creates}. Objects lie in a namespace and types in a group of this run's own.
 */
final class ApiRows {
    static final List<String> NAMES = List.of("creates", "gets", "applies", "warm", "list", "chunks", "watch", "types");

    private static final int IN_FLIGHT = 32;
    private static final int EVENTS = 100;
    private static final String DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    /** So that no connection has more streams than servers allow. */
    private static final int WATCHES_PER_CONNECTION = 80;

    private final LoadedServer server;
    private final boolean jvm;
    private final int objects;
    private final int watchers;
    private final int types;
    private final String run;
    private final String group;
    private final String maps;

    /**
     * Rows for a server.
     *
     * @param jvm whether it is one process whose heap can be looked at
     * @param run makes names that no other run has
     */
    ApiRows(LoadedServer server, boolean jvm, String run, int objects, int watchers, int types) {
        this.server = server;
        this.jvm = jvm;
        this.objects = objects;
        this.watchers = watchers;
        this.types = types;
        this.run = run;
        this.group = "bench" + run + ".example.dev";
        this.maps = "/api/v1/namespaces/bench-" + run + "/configmaps";
    }

    List<Figure> run(String row) throws Exception {
        return switch (row) {
            case "creates" -> creates();
            case "gets" -> each("api-gets", objects, i -> server.request("GET", maps + "/map-" + i, ""));
            case "applies" -> each("api-applies", Math.min(objects, 10_000), i -> apply("map-" + i, i));
            case "warm" ->
                each(
                        "api-creates-warm",
                        Math.min(objects, 20_000),
                        i -> server.request("POST", maps, body("more-" + i)));
            case "list" -> list();
            case "chunks" -> listByChunks();
            case "watch" -> watchers == 0 ? List.of() : watch();
            case "types" -> types == 0 ? List.of() : types();
            default -> throw new IllegalArgumentException("\"" + row + "\" is no row; there are: " + NAMES);
        };
    }

    private List<Figure> creates() throws Exception {
        server.request(
                "POST",
                "/api/v1/namespaces",
                "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"bench-" + run + "\"}}");
        int warm = Math.min(objects / 5, 4_000);
        List<Figure> unused = each("warm-up", warm, i -> server.request("POST", maps, body("warm-" + i)));
        unused = each("warm-up", warm * 2, i -> server.request("GET", maps + "/warm-" + i % warm, ""));
        unused = each("warm-up", warm, i -> apply("warm-" + i, i));
        long heap = jvm ? server.heapBytes() : 0;
        List<Figure> figures =
                new ArrayList<>(each("api-creates", objects, i -> server.request("POST", maps, body("map-" + i))));
        resident(figures, "api-creates-resident", "MiB resident right after the creates");
        if (jvm) {
            figures.add(Figure.cost(
                    "api-object", "bytes of live heap an object", (server.heapBytes() - heap) / (double) objects));
        }
        resident(figures, "api-resident", "MiB resident with " + (objects + warm) + " objects");
        return figures;
    }

    private void resident(List<Figure> figures, String name, String unit) throws IOException {
        if (server.measured()) {
            figures.add(Figure.cost(name, unit, server.residentMebibytes()));
        }
    }

    private String apply(String name, int value) throws IOException, InterruptedException {
        return server.request(
                "PATCH",
                maps + "/" + name + "?fieldManager=bench&force=true",
                "application/apply-patch+yaml",
                "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                        + "\"},\"data\":{\"applied\":\"" + value + "\"}}");
    }

    private List<Figure> list() throws Exception {
        int lists = 5;
        long bytes = server.request("GET", maps, "").length();
        long cpu = server.cpuMillis();
        long start = System.nanoTime();
        for (int i = 0; i < lists; i++) {
            bytes = server.request("GET", maps, "").length();
        }
        List<Figure> figures = new ArrayList<>();
        figures.add(Figure.cost(
                "api-list",
                "milliseconds for a list of " + bytes / 1_000_000.0 + " MB",
                (System.nanoTime() - start) / 1e6 / lists));
        if (server.measured()) {
            figures.add(Figure.cost(
                    "api-list-cpu", "CPU milliseconds a list", (server.cpuMillis() - cpu) / (double) lists));
        }
        resident(figures, "api-list-resident", "MiB resident after the lists");
        return figures;
    }

    private List<Figure> listByChunks() throws Exception {
        long cpu = server.cpuMillis();
        long start = System.nanoTime();
        long longest = 0;
        int chunks = 0;
        String from = "";
        do {
            long began = System.nanoTime();
            String chunk = server.request("GET", maps + "?limit=500" + (from.isEmpty() ? "" : "&continue=" + from), "");
            longest = Math.max(longest, System.nanoTime() - began);
            from = field(chunk, "continue");
            chunks++;
        } while (!from.isEmpty());
        List<Figure> figures = new ArrayList<>();
        figures.add(Figure.cost(
                "api-chunks",
                "milliseconds for the same by " + chunks + " chunks of 500",
                (System.nanoTime() - start) / 1e6));
        figures.add(Figure.cost("api-chunks-longest", "milliseconds, the longest", longest / 1e6));
        if (server.measured()) {
            figures.add(Figure.cost("api-chunks-cpu", "CPU milliseconds", server.cpuMillis() - cpu));
        }
        return figures;
    }

    /** Many watchers of one type; the CPU time that each delivered event costs. */
    private List<Figure> watch() throws Exception {
        CountDownLatch open = new CountDownLatch(watchers);
        AtomicLong events = new AtomicLong();
        CountDownLatch all = new CountDownLatch(1);
        HttpRequest request = server.base(maps + "?watch=1&resourceVersion=" + version())
                .GET()
                .build();
        HttpClient shared = server.client();
        for (int i = 0; i < watchers; i++) {
            if (i % WATCHES_PER_CONNECTION == 0) {
                shared = server.client();
                // Or each of the first ones would open a connection of its own.
                var unused = shared.send(server.base(maps + "?limit=1").GET().build(), BodyHandlers.discarding());
            }
            HttpClient client = shared;
            Thread.startVirtualThread(() -> {
                try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                        client.send(request, BodyHandlers.ofInputStream()).body(), StandardCharsets.UTF_8))) {
                    open.countDown();
                    while (lines.readLine() != null) {
                        if (events.incrementAndGet() == (long) watchers * EVENTS) {
                            all.countDown();
                        }
                    }
                } catch (IOException | InterruptedException e) {
                    System.err.println("a watcher ended: " + e);
                    open.countDown();
                }
            });
        }
        open.await();
        List<Figure> figures = new ArrayList<>();
        resident(figures, "api-watch-resident", "MiB resident with " + watchers + " watchers");
        long cpu = server.cpuMillis();
        long start = System.nanoTime();
        for (int i = 0; i < EVENTS; i++) {
            server.request("POST", maps, body("event-" + i));
        }
        if (!all.await(2, TimeUnit.MINUTES)) {
            throw new IOException("after two minutes the watchers had only " + events.get() + " events");
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        double delivered = (double) watchers * EVENTS;
        figures.add(Figure.rate("api-watch", "events a second to " + watchers + " watchers", delivered / seconds));
        if (server.measured()) {
            figures.add(Figure.cost(
                    "api-watch-cpu",
                    "CPU microseconds a delivered event",
                    (server.cpuMillis() - cpu) * 1000.0 / delivered));
        }
        return figures;
    }

    /** Many types: until all of them are served, and what asking for all of them takes then. */
    private List<Figure> types() throws Exception {
        long cpu = server.cpuMillis();
        long start = System.nanoTime();
        List<Figure> unused = each("types", types, i -> server.request("POST", DEFINITIONS, definition(i)));
        for (int i = types - 1; i >= 0; i--) {
            while (server.status("/apis/" + group + "/v1/things" + i) != 200) {
                Thread.sleep(5);
            }
        }
        List<Figure> figures = new ArrayList<>();
        figures.add(Figure.cost(
                "api-types",
                "milliseconds until " + types + " new types are served",
                (System.nanoTime() - start) / 1e6));
        if (server.measured()) {
            figures.add(Figure.cost(
                    "api-types-cpu", "CPU milliseconds a type", (server.cpuMillis() - cpu) / (double) types));
        }
        timed(figures, "api-discovery", "/apis/" + group + "/v1");
        timed(figures, "api-openapi-v2", "/openapi/v2");
        timed(figures, "api-openapi-v3", "/openapi/v3/apis/" + group + "/v1");
        return figures;
    }

    /** The first answer, which may have to be made, and the next one. */
    private void timed(List<Figure> figures, String name, String path) throws Exception {
        for (String which : List.of("first", "next")) {
            long start = System.nanoTime();
            long bytes = server.request("GET", path, "").length();
            figures.add(Figure.cost(
                    name + "-" + which,
                    "milliseconds for " + bytes / 1_000_000.0 + " MB",
                    (System.nanoTime() - start) / 1e6));
        }
    }

    private String definition(int i) {
        return """
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
                 "metadata":{"name":"things%1$d.%2$s"},
                 "spec":{"group":"%2$s","scope":"Namespaced",
                  "names":{"kind":"Thing%1$d","listKind":"Thing%1$dList","plural":"things%1$d","singular":"thing%1$d"},
                  "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
                   "schema":{"openAPIV3Schema":{"type":"object","properties":{
                    "spec":{"type":"object","properties":{"replicas":{"type":"integer","minimum":0},
                     "name":{"type":"string","maxLength":63},"labels":{"type":"object","additionalProperties":{"type":"string"}}}},
                    "status":{"type":"object","properties":{"phase":{"type":"string"}}}}}}}]}}""".formatted(i, group);
    }

    @FunctionalInterface
    private interface Step {
        String run(int i) throws Exception;
    }

    private List<Figure> each(String name, int count, Step step) throws Exception {
        AtomicInteger next = new AtomicInteger();
        long cpu = server.cpuMillis();
        long start = System.nanoTime();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < IN_FLIGHT; t++) {
                all.add(threads.submit(() -> {
                    for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                        step.run(i);
                    }
                    return null;
                }));
            }
            for (Future<?> future : all) {
                future.get();
            }
        }
        List<Figure> figures = new ArrayList<>();
        figures.add(Figure.rate(name, "requests a second, 32 in flight", count / ((System.nanoTime() - start) / 1e9)));
        if (server.measured()) {
            figures.add(Figure.cost(
                    name + "-cpu", "CPU milliseconds a request", (server.cpuMillis() - cpu) / (double) count));
        }
        return figures;
    }

    private String version() throws Exception {
        return field(server.request("GET", maps + "?limit=1", ""), "resourceVersion");
    }

    /** The first field of that name; empty when there is none. */
    private static String field(String json, String name) {
        String mark = "\"" + name + "\":\"";
        int at = json.indexOf(mark);
        return at < 0 ? "" : json.substring(at + mark.length(), json.indexOf('"', at + mark.length()));
    }

    private static String body(String name) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name
                + "\"},\"data\":{\"text\":\"" + "x".repeat(500) + "\"}}";
    }
}
