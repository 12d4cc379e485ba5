package dev.coppice.console;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.stage.Edge;
import dev.coppice.kernel.stage.Pipeline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A pipeline as a picture: its stages as boxes from left to right, the edges between them as arrows with their figures. Units
 * are those of the picture.
 */
record PipelinePicture(
        String name,
        long acknowledged,
        long failed,
        int width,
        int height,
        List<Box> boxes,
        List<Arrow> arrows,
        List<Row> rows) {
    private static final int MAX_PIPELINES = 50;
    private static final int MAX_EDGES = 100;
    private static final int BOX_WIDTH = 132;
    private static final int BOX_HEIGHT = 46;
    private static final int GAP_X = 142;
    /** The part of an arrow beside which its figures stand. */
    private static final int FIGURES = 98;

    private static final int GAP_Y = 34;
    private static final int MARGIN = 4;
    private static final int MAX_NAME = 17;

    /** A stage. */
    record Box(String name, String shown, String note, String tone, int x, int y) {}

    /**
     * An edge, or a part of one.
     *
     * @param path as SVG draws it
     * @param above what waits; empty for all parts but the first
     * @param below how fast it goes
     */
    record Arrow(String path, String tone, String above, String below, int x, int y) {}

    /** An edge in words. */
    record Row(
            String from,
            String to,
            String queued,
            String held,
            String perSecond,
            String waited,
            String messages,
            long failures,
            long retries,
            long restarts) {}

    /** Names the head of its arrows in the page. */
    String tip() {
        return "tip-" + Integer.toHexString(name.hashCode());
    }

    /** The pipelines that run now. */
    static List<PipelinePicture> of(Kernel kernel) {
        return Pipeline.running(kernel).stream()
                .limit(MAX_PIPELINES)
                .map(PipelinePicture::of)
                .toList();
    }

    private static PipelinePicture of(Pipeline pipeline) {
        List<Edge> edges = pipeline.edges().stream().limit(MAX_EDGES).toList();
        Map<String, Integer> depths = depths(edges);
        Map<String, Box> boxes = boxes(edges, depths);
        List<Arrow> arrows = new ArrayList<>();
        edges.forEach(edge -> arrows(edge, boxes, arrows));
        int width =
                boxes.values().stream().mapToInt(box -> box.x + BOX_WIDTH).max().orElse(0) + MARGIN;
        int height = boxes.values().stream()
                        .mapToInt(box -> box.y + BOX_HEIGHT)
                        .max()
                        .orElse(0)
                + MARGIN;
        return new PipelinePicture(
                pipeline.name(),
                pipeline.acknowledged(),
                pipeline.failed(),
                width,
                height,
                List.copyOf(boxes.values()),
                arrows,
                edges.stream().map(PipelinePicture::row).toList());
    }

    private static List<String> sources(Edge edge) {
        return List.of(edge.from().split(", *"));
    }

    /** How many stages stand before each, at most. */
    private static Map<String, Integer> depths(List<Edge> edges) {
        Map<String, Integer> depths = new LinkedHashMap<>();
        for (Edge edge : edges) {
            sources(edge).forEach(from -> depths.putIfAbsent(from, 0));
            edge.to().forEach(to -> depths.putIfAbsent(to, 0));
        }
        // Pipelines have no loops; the bound is for those who make one up.
        for (int round = 0; round < depths.size(); round++) {
            for (Edge edge : edges) {
                for (String from : sources(edge)) {
                    int next = depths.getOrDefault(from, 0) + 1;
                    edge.to().forEach(to -> depths.merge(to, Math.min(next, edges.size()), Math::max));
                }
            }
        }
        return depths;
    }

    private static Map<String, Box> boxes(List<Edge> edges, Map<String, Integer> depths) {
        Map<Integer, Integer> used = new LinkedHashMap<>();
        Map<String, Box> boxes = new LinkedHashMap<>();
        depths.forEach((name, depth) -> {
            int row = used.merge(depth, 1, Integer::sum) - 1;
            long workers = 0;
            long failures = 0;
            long restarts = 0;
            for (Edge edge : edges) {
                if (edge.to().contains(name)) {
                    workers += edge.to().size() == 1 ? edge.workers() : 0;
                    failures += edge.failures();
                    restarts += edge.restarts();
                }
            }
            String note = failures > 0
                    ? RuntimePage.count(failures) + " failed"
                    : restarts > 0 ? RuntimePage.restarts(restarts) : workers(workers, depth);
            boxes.put(
                    name,
                    new Box(
                            name,
                            name.length() <= MAX_NAME ? name : name.substring(0, MAX_NAME - 1) + "…",
                            note,
                            failures > 0 ? "bad" : restarts > 0 ? "warn" : "",
                            MARGIN + depth * (BOX_WIDTH + GAP_X),
                            MARGIN + row * (BOX_HEIGHT + GAP_Y)));
        });
        return boxes;
    }

    private static String workers(long workers, int depth) {
        if (workers > 0) {
            return workers == 1 ? "1 worker" : workers + " workers";
        }
        return depth == 0 ? "source" : "";
    }

    private static void arrows(Edge edge, Map<String, Box> boxes, List<Arrow> arrows) {
        boolean full = edge.capacity() > 0 && edge.queued() + edge.held() >= edge.capacity() * 8 / 10;
        boolean first = true;
        for (String from : sources(edge)) {
            for (String to : edge.to()) {
                Box a = boxes.get(from);
                Box b = boxes.get(to);
                if (a == null || b == null) {
                    continue;
                }
                int x1 = a.x + BOX_WIDTH;
                int y1 = a.y + BOX_HEIGHT / 2;
                int x2 = b.x - 3;
                int y2 = b.y + BOX_HEIGHT / 2;
                // Turns at once, so that the rest is straight and has room for the figures.
                int turned = x2 - FIGURES;
                int bend = (x1 + turned) / 2;
                String path = "M" + x1 + " " + y1 + "C" + bend + " " + y1 + " " + bend + " " + y2 + " " + turned + " "
                        + y2 + "L" + x2 + " " + y2;
                arrows.add(new Arrow(
                        path,
                        full ? "warn" : "",
                        first ? RuntimePage.count(edge.queued()) + " waiting" : "",
                        first ? RuntimePage.rate(edge.perSecond()) + "/s, " + shown(edge.meanWait()) : "",
                        x2 - FIGURES / 2 - 2,
                        y2));
                first = false;
            }
        }
    }

    private static Row row(Edge edge) {
        return new Row(
                edge.from(),
                String.join(", ", edge.to()),
                RuntimePage.count(edge.queued()),
                RuntimePage.count(edge.held()) + " of " + RuntimePage.count(edge.capacity()),
                RuntimePage.rate(edge.perSecond()),
                shown(edge.meanWait()),
                RuntimePage.count(edge.messages()),
                edge.failures(),
                edge.retries(),
                edge.restarts());
    }

    /** Short: 250 µs, 12 ms, 3.1 s. */
    private static String shown(Duration wait) {
        double micros = wait.toNanos() / 1e3;
        if (micros < 1_000) {
            return Math.round(micros) + " µs";
        }
        return micros < 1_000_000
                ? Math.round(micros / 1e3) + " ms"
                : String.format(Locale.ROOT, "%.1f s", micros / 1e6);
    }
}
