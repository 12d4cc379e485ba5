package dev.coppice.gateway.page;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The way of requests as a picture: listeners on the left, routes, and what they lead to on the right. The busiest are drawn, ordered so that
 * lines cross little. Units are those of the picture.
 *
 * @param leftOut routes that are not drawn because there are too many
 */
record TrafficPicture(int width, int height, List<Box> boxes, List<Arrow> arrows, int leftOut) {
    static final int BOX_WIDTH = 220;
    static final int BOX_HEIGHT = 44;
    private static final int MOST_ROUTES = 16;
    private static final int MOST_BESIDE = 16;
    private static final int GAP_X = 130;
    private static final int GAP_Y = 14;
    private static final int MARGIN = 8;
    private static final int MOST_TEXT = 30;

    /** @param name whole, for who points at it */
    record Box(String name, String shown, String note, String tone, int x, int y) {}

    /** @param busy whether requests went this way in the last seconds */
    record Arrow(String path, boolean busy) {}

    private record Edge(String from, String to) {}

    /** @param tones of what routes lead to: how worried one has to be */
    static TrafficPicture of(
            GatewayConfig served,
            Map<String, Double> routeRates,
            Map<String, Double> upstreamRates,
            Map<String, String> tones) {
        Map<String, RouteConfig> routes = new LinkedHashMap<>();
        Map<String, Set<String>> listeners = new LinkedHashMap<>();
        for (ListenerConfig listener : served.listeners()) {
            String name = listener.gateway() + " " + listener.title();
            listener.routes().forEach(each -> {
                String route = each.namespace() + "/" + each.name();
                routes.putIfAbsent(route, each);
                listeners.computeIfAbsent(route, _ -> new LinkedHashSet<>()).add(name);
            });
        }
        List<String> drawn = routes.keySet().stream()
                .sorted(Comparator.comparingDouble((String each) -> -routeRates.getOrDefault(each, 0.0))
                        .thenComparing(each -> each))
                .limit(MOST_ROUTES)
                .toList();
        Set<String> left = new LinkedHashSet<>();
        Set<String> right = new LinkedHashSet<>();
        List<Edge> in = new ArrayList<>();
        List<Edge> out = new ArrayList<>();
        for (String route : drawn) {
            for (String each : listeners.getOrDefault(route, Set.of())) {
                add(left, each, in, new Edge(each, route));
            }
            RouteConfig config = routes.get(route);
            for (RuleConfig rule : config == null ? List.<RuleConfig>of() : config.rules()) {
                for (BackendConfig each : rule.backends()) {
                    if (!each.upstream().isEmpty() && each.weight() > 0) {
                        add(right, each.upstream(), out, new Edge(route, each.upstream()));
                    }
                }
            }
        }
        List<Box> boxes = new ArrayList<>();
        Map<String, Integer> leftRows = column(left, 0, boxes, Map.of(), _ -> "");
        Map<String, Integer> middleRows = column(drawn, 1, boxes, Map.of(), each -> rate(routeRates, each));
        Map<String, Integer> rightRows = column(right, 2, boxes, tones, each -> rate(upstreamRates, each));
        List<Arrow> arrows = new ArrayList<>();
        in.forEach(each -> arrows.add(arrow(
                0,
                leftRows.getOrDefault(each.from(), 0),
                middleRows.getOrDefault(each.to(), 0),
                busy(routeRates, each.to()))));
        out.forEach(each -> arrows.add(arrow(
                1,
                middleRows.getOrDefault(each.from(), 0),
                rightRows.getOrDefault(each.to(), 0),
                busy(routeRates, each.from()) && busy(upstreamRates, each.to()))));
        int rows = Math.max(left.size(), Math.max(drawn.size(), right.size()));
        return new TrafficPicture(
                2 * MARGIN + 3 * BOX_WIDTH + 2 * GAP_X,
                2 * MARGIN + rows * (BOX_HEIGHT + GAP_Y),
                boxes,
                arrows,
                routes.size() - drawn.size());
    }

    private static void add(Set<String> column, String name, List<Edge> edges, Edge edge) {
        if ((column.contains(name) || column.size() < MOST_BESIDE) && !edges.contains(edge)) {
            column.add(name);
            edges.add(edge);
        }
    }

    private static boolean busy(Map<String, Double> rates, String name) {
        return rates.getOrDefault(name, 0.0) > 0;
    }

    private static String rate(Map<String, Double> rates, String name) {
        return Contents.number(rates.getOrDefault(name, 0.0)) + "/s";
    }

    private interface Note {
        String of(String name);
    }

    private static Map<String, Integer> column(
            Iterable<String> names, int column, List<Box> boxes, Map<String, String> tones, Note note) {
        Map<String, Integer> rows = new LinkedHashMap<>();
        for (String each : names) {
            int row = rows.size();
            rows.put(each, row);
            boxes.add(new Box(each, cut(each), note.of(each), tones.getOrDefault(each, ""), x(column), y(row)));
        }
        return rows;
    }

    private static int x(int column) {
        return MARGIN + column * (BOX_WIDTH + GAP_X);
    }

    private static int y(int row) {
        return MARGIN + row * (BOX_HEIGHT + GAP_Y);
    }

    private static String cut(String text) {
        return text.length() <= MOST_TEXT ? text : "…" + text.substring(text.length() - MOST_TEXT + 1);
    }

    private static Arrow arrow(int column, int from, int to, boolean busy) {
        int startX = x(column) + BOX_WIDTH;
        int endX = x(column + 1) - 4;
        int startY = y(from) + BOX_HEIGHT / 2;
        int endY = y(to) + BOX_HEIGHT / 2;
        int bend = GAP_X / 2;
        return new Arrow(
                "M" + startX + " " + startY + "C" + (startX + bend) + " " + startY + " " + (endX - bend) + " " + endY
                        + " " + endX + " " + endY,
                busy);
    }
}
