package dev.coppice.distribution;

import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Nodes and what is on its way between them, in one thread: which message arrives next is drawn from a seed. Messages of one
 * node to another arrive in order, or the connection breaks, which both sides learn at their own time; then the last of what
 * was on its way is lost.
 *
 * @param <P> what runs on each node
 */
final class SimulatedNodes<P> {

    /** What a node does with what happens. */
    interface Part {
        void up(NodeId node);

        void down(NodeId node);

        void received(NodeId from, Record message);
    }

    /** One node. */
    final class Node implements Wire {
        final NodeId id;
        private final Set<NodeId> linked = new HashSet<>();
        P program;
        Part part;

        Node(NodeId id) {
            this.id = id;
        }

        @Override
        public NodeId self() {
            return id;
        }

        @Override
        public void send(NodeId to, Record message) {
            if (linked.contains(to) && live.contains(Set.of(id, to))) {
                queue(id, to).add(() -> node(to).part.received(id, message));
            }
        }

        @Override
        public NodeId home(ProcessRef<?> process) {
            return ((FakeProcess) process).node;
        }

        @Override
        public void after(Duration delay, Runnable action) {
            timers.add(action);
        }

        @Override
        public long millis() {
            return ++millis;
        }

        @Override
        public double random() {
            return random.nextDouble();
        }
    }

    final Random random;
    final Map<NodeId, Node> nodes = new TreeMap<>();
    private final Set<Set<NodeId>> live = new HashSet<>();
    private final Map<String, ArrayDeque<Runnable>> queues = new TreeMap<>();
    private final List<Runnable> timers = new ArrayList<>();
    private long millis = 1_000;

    SimulatedNodes(long seed) {
        random = new Random(seed);
    }

    Node add(String name) {
        Node made = new Node(new NodeId(name, 1));
        nodes.put(made.id, made);
        return made;
    }

    Node node(NodeId id) {
        Node found = nodes.get(id);
        if (found == null) {
            throw new IllegalArgumentException("no node " + id);
        }
        return found;
    }

    Node any() {
        return List.copyOf(nodes.values()).get(random.nextInt(nodes.size()));
    }

    private ArrayDeque<Runnable> queue(NodeId from, NodeId to) {
        return queues.computeIfAbsent(from + " " + to, _ -> new ArrayDeque<>());
    }

    boolean connected(NodeId a, NodeId b) {
        return live.contains(Set.of(a, b));
    }

    void connect(NodeId a, NodeId b) {
        if (!a.equals(b) && live.add(Set.of(a, b))) {
            up(a, b);
            up(b, a);
        }
    }

    private void up(NodeId from, NodeId to) {
        queue(from, to).add(() -> {
            node(to).linked.add(from);
            node(to).part.up(from);
        });
    }

    void disconnect(NodeId a, NodeId b) {
        if (!a.equals(b) && live.remove(Set.of(a, b))) {
            down(a, b);
            down(b, a);
        }
    }

    private void down(NodeId from, NodeId to) {
        ArrayDeque<Runnable> queue = queue(from, to);
        // Not the news that it is connected: a connection that never came about is none.
        int lost = queue.size() > 1 ? random.nextInt(queue.size()) : 0;
        for (int i = 0; i < lost; i++) {
            queue.removeLast();
        }
        queue.add(() -> {
            if (node(to).linked.remove(from)) {
                node(to).part.down(from);
            }
        });
    }

    /** Everybody of one side with each other, nobody with another side. */
    void split(Collection<? extends Collection<NodeId>> sides) {
        for (NodeId a : nodes.keySet()) {
            for (NodeId b : nodes.keySet()) {
                boolean together = sides.stream().anyMatch(side -> side.contains(a) && side.contains(b));
                if (together) {
                    connect(a, b);
                } else if (!a.equals(b)) {
                    disconnect(a, b);
                }
            }
        }
    }

    void heal() {
        split(List.of(List.copyOf(nodes.keySet())));
    }

    /** A few steps, timers among them. */
    void steps(int count) {
        for (int i = 0; i < count; i++) {
            step();
        }
    }

    private boolean step() {
        List<ArrayDeque<Runnable>> full =
                queues.values().stream().filter(each -> !each.isEmpty()).toList();
        int choices = full.size() + (timers.isEmpty() ? 0 : 1);
        if (choices == 0) {
            return false;
        }
        int choice = random.nextInt(choices);
        Runnable next =
                choice < full.size() ? full.get(choice).removeFirst() : timers.remove(random.nextInt(timers.size()));
        next.run();
        return true;
    }

    /** Until nothing is on its way; fails when that never comes. */
    void quiet() {
        for (int i = 0; i < 2_000_000; i++) {
            if (!step()) {
                return;
            }
        }
        throw new AssertionError("it never becomes quiet");
    }
}
