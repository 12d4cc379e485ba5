package dev.coppice.coordination.page;

import dev.coppice.coordination.contention.Queue;
import dev.coppice.coordination.contention.Standing;
import dev.coppice.coordination.deadlock.Deadlock;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The wait-for graph as a picture: who waits as boxes, an arrow to whom, with the name of the lock. Parts with a deadlock are
 * laid out in a ring, the others from those who wait for nobody, on the right, to the left. Units are those of the picture.
 *
 * @param leftOut boxes and arrows that are not drawn because there are too many
 */
record WaitPicture(int width, int height, List<Box> boxes, List<Arrow> arrows, int leftOut) {
    static final int BOX_WIDTH = 150;
    static final int BOX_HEIGHT = 44;
    private static final int MOST_BOXES = 60;
    private static final int MOST_ARROWS = 120;
    private static final int MOST_WAITERS = 8;
    private static final int MOST_HOLDERS = 3;
    private static final int GAP_X = 150;
    private static final int GAP_Y = 26;
    private static final int MARGIN = 8;
    private static final int MOST_TEXT = 18;

    /** An activity. */
    record Box(String name, String shown, String note, String tone, int x, int y) {}

    /** One waits for another. */
    record Arrow(String path, String tone, String label, int x, int y) {}

    private record Edge(String from, String to, String lock, boolean bad) {}

    private record Point(int x, int y) {}

    static WaitPicture of(DeadlockWatch.View view, Collection<Queue> queues) {
        Sketch sketch = new Sketch();
        for (Deadlock deadlock : view.found().deadlocks()) {
            List<Deadlock.Link> links = deadlock.links();
            for (int i = 0; i < links.size(); i++) {
                sketch.edge(
                        links.get(i).activity().name(),
                        links.get((i + 1) % links.size()).activity().name(),
                        links.get(i).waits().shownName(),
                        true);
            }
        }
        for (Queue queue : queues) {
            List<Standing> waiters = queue.waiters();
            for (Standing waiter : waiters.subList(0, Math.min(MOST_WAITERS, waiters.size()))) {
                queue.holders().stream()
                        .limit(MOST_HOLDERS)
                        .forEach(holder -> sketch.edge(
                                waiter.contender().who(), holder.contender().who(), queue.name(), false));
            }
            sketch.leftOut += Math.max(0, waiters.size() - MOST_WAITERS);
        }
        return sketch.lay();
    }

    /** Collects boxes and arrows, then lays them out. */
    private static final class Sketch {
        private final Map<String, Set<String>> locks = new LinkedHashMap<>();
        private final Set<Edge> edges = new LinkedHashSet<>();
        private final Set<String> bad = new LinkedHashSet<>();
        private int leftOut;

        void edge(String from, String to, String lock, boolean deadlocked) {
            Edge edge = new Edge(from, to, lock, deadlocked);
            if (edges.contains(new Edge(from, to, lock, true))) {
                return;
            }
            int more = (locks.containsKey(from) ? 0 : 1) + (locks.containsKey(to) || to.equals(from) ? 0 : 1);
            if (edges.size() >= MOST_ARROWS || locks.size() + more > MOST_BOXES) {
                leftOut++;
                return;
            }
            edges.add(edge);
            locks.computeIfAbsent(from, name -> new LinkedHashSet<>());
            locks.computeIfAbsent(to, name -> new LinkedHashSet<>()).add(lock);
            if (deadlocked) {
                bad.add(from);
            }
        }

        WaitPicture lay() {
            Map<String, Point> points = new HashMap<>();
            List<Box> boxes = new ArrayList<>();
            int top = MARGIN;
            int width = 0;
            for (List<String> part : parts()) {
                Map<String, Point> laid = part.stream().anyMatch(bad::contains) ? ring(part) : layers(part);
                int height = 0;
                for (Map.Entry<String, Point> each : laid.entrySet()) {
                    Point at = new Point(
                            MARGIN + each.getValue().x(), top + each.getValue().y());
                    points.put(each.getKey(), at);
                    boxes.add(box(each.getKey(), at));
                    width = Math.max(width, at.x() + BOX_WIDTH);
                    height = Math.max(height, each.getValue().y() + BOX_HEIGHT);
                }
                top += height + GAP_Y;
            }
            List<Arrow> arrows = edges.stream()
                    .map(edge -> arrow(edge, at(points, edge.from()), at(points, edge.to())))
                    .toList();
            return new WaitPicture(width + MARGIN, Math.max(top, BOX_HEIGHT), boxes, arrows, leftOut);
        }

        private static Point at(Map<String, Point> points, String name) {
            return points.getOrDefault(name, new Point(0, 0));
        }

        private Box box(String name, Point at) {
            Set<String> held = locks.getOrDefault(name, Set.of());
            String note = held.isEmpty() ? "waits" : "holds " + String.join(", ", held);
            return new Box(name + ": " + note, cut(name), cut(note), bad.contains(name) ? "bad" : "", at.x(), at.y());
        }

        private static String cut(String text) {
            return text.length() <= MOST_TEXT ? text : text.substring(0, MOST_TEXT - 1) + "…";
        }

        /** What hangs together. */
        private List<List<String>> parts() {
            Map<String, Set<String>> near = new LinkedHashMap<>();
            locks.keySet().forEach(name -> near.put(name, new LinkedHashSet<>()));
            for (Edge edge : edges) {
                near.getOrDefault(edge.from(), new LinkedHashSet<>()).add(edge.to());
                near.getOrDefault(edge.to(), new LinkedHashSet<>()).add(edge.from());
            }
            List<List<String>> parts = new ArrayList<>();
            Set<String> seen = new LinkedHashSet<>();
            for (String start : locks.keySet()) {
                if (seen.add(start)) {
                    List<String> part = new ArrayList<>();
                    Deque<String> next = new ArrayDeque<>(List.of(start));
                    while (!next.isEmpty()) {
                        String at = next.remove();
                        part.add(at);
                        near.getOrDefault(at, Set.of()).stream()
                                .filter(seen::add)
                                .forEach(next::add);
                    }
                    parts.add(part);
                }
            }
            return parts;
        }

        private static Map<String, Point> ring(List<String> part) {
            int count = part.size();
            double rx = Math.max(BOX_WIDTH * 1.05, count * BOX_WIDTH / 4.2);
            double ry = Math.max(BOX_HEIGHT * 1.8, count * BOX_HEIGHT / 2.4);
            Map<String, Point> points = new LinkedHashMap<>();
            for (int i = 0; i < count; i++) {
                double angle = 2 * Math.PI * i / count - Math.PI;
                points.put(
                        part.get(i), new Point((int) (rx + rx * Math.cos(angle)), (int) (ry + ry * Math.sin(angle))));
            }
            int left = points.values().stream().mapToInt(Point::x).min().orElse(0);
            int above = points.values().stream().mapToInt(Point::y).min().orElse(0);
            // Room for the arrows, which are bent.
            points.replaceAll((name, at) -> new Point(at.x() - left, at.y() - above + GAP_Y));
            return points;
        }

        /** How far each is from one that waits for nobody decides how far left it is. */
        private Map<String, Point> layers(List<String> part) {
            Map<String, Integer> depths = new HashMap<>();
            part.forEach(name -> depths.put(name, 0));
            for (int round = 0; round < part.size(); round++) {
                for (Edge edge : edges) {
                    if (depths.containsKey(edge.from())) {
                        int next = Math.min(depths.getOrDefault(edge.to(), 0) + 1, part.size());
                        depths.merge(edge.from(), next, Math::max);
                    }
                }
            }
            int deepest = depths.values().stream().mapToInt(each -> each).max().orElse(0);
            Map<Integer, Integer> used = new HashMap<>();
            Map<String, Point> points = new LinkedHashMap<>();
            for (String name : part) {
                int depth = depths.getOrDefault(name, 0);
                int row = used.merge(depth, 1, Integer::sum) - 1;
                points.put(name, new Point((deepest - depth) * (BOX_WIDTH + GAP_X), row * (BOX_HEIGHT + GAP_Y)));
            }
            return points;
        }

        private static Arrow arrow(Edge edge, Point from, Point to) {
            String tone = edge.bad() ? "bad" : "";
            int fromX = from.x() + BOX_WIDTH / 2;
            int fromY = from.y() + BOX_HEIGHT / 2;
            if (edge.from().equals(edge.to())) {
                int y = from.y() - 2;
                String loop = "M" + (fromX + 30) + " " + y + "C" + (fromX + 60) + " " + (y - 40) + " " + (fromX - 60)
                        + " " + (y - 40) + " " + (fromX - 30) + " " + y;
                return new Arrow(loop, tone, cut(edge.lock()), fromX, y - 34);
            }
            int toX = to.x() + BOX_WIDTH / 2;
            int toY = to.y() + BOX_HEIGHT / 2;
            Point start = border(fromX, fromY, toX, toY);
            Point end = border(toX, toY, fromX, fromY);
            // Bent to one side, so that two who wait for each other have two arrows.
            int bendX = (start.x() + end.x()) / 2 - (end.y() - start.y()) / 5;
            int bendY = (start.y() + end.y()) / 2 + (end.x() - start.x()) / 5;
            if (!edge.bad()) {
                bendX = (start.x() + end.x()) / 2;
                bendY = (start.y() + end.y()) / 2;
            }
            String path = "M" + start.x() + " " + start.y() + "Q" + bendX + " " + bendY + " " + end.x() + " " + end.y();
            int labelX = (start.x() + 2 * bendX + end.x()) / 4;
            int labelY = (start.y() + 2 * bendY + end.y()) / 4 - 5;
            return new Arrow(path, tone, cut(edge.lock()), labelX, labelY);
        }

        /** Where the way to another box leaves this one. */
        private static Point border(int x, int y, int toX, int toY) {
            double dx = toX - x;
            double dy = toY - y;
            double byX = dx == 0 ? Double.MAX_VALUE : (BOX_WIDTH / 2.0 + 4) / Math.abs(dx);
            double byY = dy == 0 ? Double.MAX_VALUE : (BOX_HEIGHT / 2.0 + 4) / Math.abs(dy);
            double part = Math.min(1, Math.min(byX, byY));
            return new Point((int) (x + dx * part), (int) (y + dy * part));
        }
    }
}
