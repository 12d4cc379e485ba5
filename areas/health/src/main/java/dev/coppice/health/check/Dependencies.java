package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.health.kind.CompositeTarget;
import dev.coppice.kernel.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Who needs whom among the checks of an engine: a {@link Graph} that is built anew when somebody asks after a check came,
 * changed or went. Safe for use by many threads.
 */
final class Dependencies {
    private static final int AT_ONCE = 500;
    private static final long PAUSE_NANOS = 100_000_000;

    private final Map<Key, CheckEntry> entries;
    private final Clock clock;
    private final Consumer<CheckEntry> changed;
    private final Object lock = new Object();
    private volatile Graph graph = Graph.of(Map.of());
    private volatile boolean stale;
    private volatile long builtNanos;

    /**
     * Dependencies between these entries.
     *
     * @param changed hears of checks whose cycle or missing dependencies are others than before
     */
    Dependencies(Map<Key, CheckEntry> entries, Clock clock, Consumer<CheckEntry> changed) {
        this.entries = entries;
        this.clock = clock;
        this.changed = changed;
    }

    /** The entries are others than before. */
    void outdate() {
        stale = true;
    }

    /** The parents of a check that fail, and so suppress it. */
    List<Key> failedParents(CheckPlan plan) {
        if (plan.dependsOn().isEmpty()) {
            return List.of();
        }
        Set<Key> needs = graph().needs(plan.key());
        return plan.dependsOn().stream()
                .filter(needs::contains)
                .filter(this::failing)
                .toList();
    }

    private boolean failing(Key key) {
        CheckEntry parent = entries.get(key);
        return parent != null && parent.machine.failing();
    }

    /** The graph of all checks; with many checks, it may be a tenth of a second old. */
    Graph graph() {
        if (!stale || tooSoon()) {
            return graph;
        }
        Graph before;
        Graph after;
        synchronized (lock) {
            if (!stale || tooSoon()) {
                return graph;
            }
            stale = false;
            before = graph;
            after = build();
            graph = after;
            builtNanos = clock.nanoTime();
        }
        for (CheckEntry entry : entries.values()) {
            Key key = entry.plan.key();
            if (!before.cycle(key).equals(after.cycle(key))
                    || !before.missing(key).equals(after.missing(key))) {
                changed.accept(entry);
            }
        }
        return after;
    }

    private boolean tooSoon() {
        return entries.size() > AT_ONCE && clock.nanoTime() - builtNanos < PAUSE_NANOS;
    }

    private Graph build() {
        Map<String, List<CheckPlan>> byNamespace = new HashMap<>();
        Map<Key, Set<Key>> edges = new HashMap<>();
        for (CheckEntry entry : entries.values()) {
            CheckPlan plan = entry.plan;
            edges.put(plan.key(), new LinkedHashSet<>(plan.dependsOn()));
            byNamespace
                    .computeIfAbsent(plan.key().namespace(), n -> new ArrayList<>())
                    .add(plan);
        }
        for (CheckEntry entry : entries.values()) {
            CheckPlan plan = entry.plan;
            CompositeTarget composite = plan.spec().composite();
            Set<Key> targets = edges.get(plan.key());
            if (composite == null || targets == null) {
                continue;
            }
            Set<Key> members = new LinkedHashSet<>();
            composite.checks().forEach(name -> members.add(new Key(plan.key().namespace(), name)));
            if (composite.selector() != null) {
                for (CheckPlan other : byNamespace.getOrDefault(plan.key().namespace(), List.of())) {
                    if (!other.key().equals(plan.key()) && composite.selector().matches(other.labels())) {
                        members.add(other.key());
                    }
                }
            }
            entry.members = Set.copyOf(members);
            targets.addAll(members);
        }
        return Graph.of(edges);
    }
}
