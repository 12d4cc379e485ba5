package dev.coppice.health.check;

import dev.coppice.control.Key;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which checks need which: built from the edges of all checks, with cycles found (Tarjan's algorithm, without recursion).
 * Edges inside a cycle have no effect, so every check goes on. Immutable; safe for use by many threads.
 */
public final class Graph {
    private final Map<Key, Set<Key>> needs;
    private final Map<Key, Set<Key>> neededBy;
    private final Map<Key, List<Key>> cycles;
    private final Map<Key, Set<Key>> missing;

    private Graph(
            Map<Key, Set<Key>> needs,
            Map<Key, Set<Key>> neededBy,
            Map<Key, List<Key>> cycles,
            Map<Key, Set<Key>> missing) {
        this.needs = needs;
        this.neededBy = neededBy;
        this.cycles = cycles;
        this.missing = missing;
    }

    /** Builds the graph of all checks, each with those that it needs. */
    public static Graph of(Map<Key, Set<Key>> edges) {
        Map<Key, Integer> component = new HashMap<>();
        Map<Integer, List<Key>> members = new HashMap<>();
        components(edges, component, members);
        Map<Key, Set<Key>> needs = new HashMap<>();
        Map<Key, Set<Key>> neededBy = new HashMap<>();
        Map<Key, List<Key>> cycles = new HashMap<>();
        Map<Key, Set<Key>> missing = new HashMap<>();
        edges.forEach((key, targets) -> {
            for (Key target : targets) {
                if (!edges.containsKey(target)) {
                    missing.computeIfAbsent(key, k -> new LinkedHashSet<>()).add(target);
                } else if (component.getOrDefault(key, -1).equals(component.getOrDefault(target, -2))) {
                    cycles.put(key, members.getOrDefault(component.getOrDefault(key, -1), List.of()));
                } else {
                    needs.computeIfAbsent(key, k -> new LinkedHashSet<>()).add(target);
                    neededBy.computeIfAbsent(target, k -> new LinkedHashSet<>()).add(key);
                }
            }
        });
        return new Graph(needs, neededBy, cycles, missing);
    }

    /** What a check needs, cycles left out. */
    public Set<Key> needs(Key key) {
        return needs.getOrDefault(key, Set.of());
    }

    /** Who needs a check, cycles left out. */
    public Set<Key> neededBy(Key key) {
        return neededBy.getOrDefault(key, Set.of());
    }

    /** The members of the cycle that a check is in; empty when it is in none. */
    public List<Key> cycle(Key key) {
        return cycles.getOrDefault(key, List.of());
    }

    /** What a check needs that does not exist. */
    public Set<Key> missing(Key key) {
        return missing.getOrDefault(key, Set.of());
    }

    private static final class Frame {
        final Key key;
        final List<Key> targets;
        int next;

        Frame(Key key, Set<Key> targets) {
            this.key = key;
            this.targets = new ArrayList<>(targets);
        }
    }

    private static void components(
            Map<Key, Set<Key>> edges, Map<Key, Integer> component, Map<Integer, List<Key>> members) {
        Map<Key, Integer> index = new HashMap<>();
        Map<Key, Integer> low = new HashMap<>();
        Deque<Key> stack = new ArrayDeque<>();
        Set<Key> onStack = new HashSet<>();
        for (Key root : edges.keySet()) {
            if (index.containsKey(root)) {
                continue;
            }
            Deque<Frame> path = new ArrayDeque<>();
            path.push(enter(root, edges, index, low, stack, onStack));
            while (!path.isEmpty()) {
                Frame frame = path.element();
                if (frame.next < frame.targets.size()) {
                    Key target = frame.targets.get(frame.next++);
                    if (!edges.containsKey(target)) {
                        continue;
                    }
                    if (!index.containsKey(target)) {
                        path.push(enter(target, edges, index, low, stack, onStack));
                    } else if (onStack.contains(target)) {
                        low.merge(frame.key, index.getOrDefault(target, Integer.MAX_VALUE), Math::min);
                    }
                    continue;
                }
                path.pop();
                Frame parent = path.peek();
                if (parent != null) {
                    low.merge(parent.key, low.getOrDefault(frame.key, Integer.MAX_VALUE), Math::min);
                }
                if (low.getOrDefault(frame.key, -1).equals(index.getOrDefault(frame.key, -2))) {
                    close(frame.key, stack, onStack, component, members);
                }
            }
        }
    }

    private static Frame enter(
            Key key,
            Map<Key, Set<Key>> edges,
            Map<Key, Integer> index,
            Map<Key, Integer> low,
            Deque<Key> stack,
            Set<Key> onStack) {
        int number = index.size();
        index.put(key, number);
        low.put(key, number);
        stack.push(key);
        onStack.add(key);
        return new Frame(key, edges.getOrDefault(key, Set.of()));
    }

    private static void close(
            Key root,
            Deque<Key> stack,
            Set<Key> onStack,
            Map<Key, Integer> component,
            Map<Integer, List<Key>> members) {
        int number = members.size();
        List<Key> all = new ArrayList<>();
        Key key;
        do {
            key = stack.pop();
            onStack.remove(key);
            component.put(key, number);
            all.addFirst(key);
        } while (!key.equals(root));
        members.put(number, List.copyOf(all));
    }
}
