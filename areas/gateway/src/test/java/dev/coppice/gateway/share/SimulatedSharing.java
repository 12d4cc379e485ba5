package dev.coppice.gateway.share;

import dev.coppice.gateway.limit.Algorithm;
import dev.coppice.gateway.limit.KeySecret;
import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlotBudget;
import dev.coppice.kernel.SimulatedClock;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/** Nodes that share a limit, in one thread, on a clock that is moved by hand and a network that is as bad as it is told to be. */
final class SimulatedSharing {
    static final KeySecret SECRET = new KeySecret(3, 4);
    private static final long MILLI = 1_000_000;

    private record Letter(long due, long number, Runnable arrives) {}

    /** A node. */
    final class Node {
        final int number;
        final PrometheusRegistry registry = new PrometheusRegistry();
        final LimitSharing sharing = new LimitSharing(clock, SECRET, registry);
        final SlotBudget budget = new SlotBudget(1 << 20);
        SharedLimit limit;
        Set<Integer> sees = new HashSet<>();

        Node(int number, Algorithm algorithm) {
            this.number = number;
            this.limit = sharing.limit(new Limiter(algorithm, clock.nanoTime(), budget), budget, List.of("limit", 1));
        }

        String name() {
            return "node-" + number;
        }

        void sees(Set<Integer> others) {
            sees = new HashSet<>(others);
            sharing.members(name(), others.stream().map(each -> "node-" + each).toList());
        }

        /** A request. */
        void ask(long key) {
            asked++;
            long outcome = limit.take(key, clock.nanoTime(), decided -> decided(key, decided));
            if (outcome == SharedOutcome.PENDING) {
                pending++;
            } else {
                count(key, outcome);
            }
        }

        private void decided(long key, long outcome) {
            pending--;
            count(key, outcome);
        }

        private void count(long key, long outcome) {
            if (SharedOutcome.passed(outcome)) {
                passed.merge(key, 1, Integer::sum);
            } else {
                refused++;
                lastRefusal = outcome;
            }
        }

        void send(String to, ShareMessage.Demands demands) {
            Node other = nodes.get(Integer.parseInt(to.substring("node-".length())));
            post(this, other, () -> {
                ShareMessage.Grants grants = other.sharing.give(demands);
                post(other, this, () -> sharing.granted(grants));
            });
        }

        double counter(String name, String label) {
            return registry.scrape().stream()
                    .filter(each ->
                            each.getMetadata().getPrometheusName().equals("coppice_gateway_limit_shared_" + name))
                    .flatMap(each -> ((CounterSnapshot) each).getDataPoints().stream())
                    .filter(each -> each.getLabels().stream()
                            .anyMatch(it -> it.getValue().equals(label)))
                    .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                    .sum();
        }
    }

    final SimulatedClock clock = new SimulatedClock();
    final Random random;
    final List<Node> nodes = new ArrayList<>();
    final Map<Long, Integer> passed = new HashMap<>();
    private final PriorityQueue<Letter> wire =
            new PriorityQueue<>(Comparator.comparingLong(Letter::due).thenComparing(Letter::number));
    private final Set<Set<Integer>> cuts = new HashSet<>();
    private long letters;
    long leastDelay = MILLI / 10;
    long mostDelay = MILLI;
    double loss;
    int asked;
    int refused;
    int pending;
    long lastRefusal;

    SimulatedSharing(int size, Algorithm algorithm, Random random) {
        this.random = random;
        for (int i = 0; i < size; i++) {
            nodes.add(new Node(i, algorithm));
        }
        allSee();
    }

    void allSee() {
        Set<Integer> all = new HashSet<>();
        nodes.forEach(each -> all.add(each.number));
        nodes.forEach(each -> each.sees(all));
    }

    void cut(int a, int b) {
        cuts.add(Set.of(a, b));
    }

    void heal() {
        cuts.clear();
    }

    private void post(Node from, Node to, Runnable arrives) {
        if (random.nextDouble() >= loss) {
            long due = clock.nanoTime() + leastDelay + random.nextLong(mostDelay - leastDelay + 1);
            wire.add(new Letter(due, letters++, () -> {
                if (!cuts.contains(Set.of(from.number, to.number))) {
                    arrives.run();
                }
            }));
        }
    }

    /** A millisecond goes by. */
    void step() {
        for (int i = 0; i < 4; i++) {
            clock.advance(Duration.ofNanos(MILLI / 4));
            while (!wire.isEmpty() && wire.peek().due <= clock.nanoTime()) {
                wire.remove().arrives.run();
            }
        }
        for (Node each : nodes) {
            boolean _ = each.sharing.round(each::send);
        }
    }

    void steps(int millis) {
        for (int i = 0; i < millis; i++) {
            step();
        }
    }

    /** How many whole limits of a key count now: one for each node that takes itself for the owner, and the parts of all that count alone. */
    double limits(long key) {
        double limits = 0;
        for (Node each : nodes) {
            Members members = each.sharing.members();
            limits += (members.owner(key) == members.self() ? 1 : 0) + 1.0 / members.size();
        }
        return limits;
    }

    int passed(long key) {
        return passed.getOrDefault(key, 0);
    }

    int passed() {
        return passed.values().stream().mapToInt(each -> each).sum();
    }

    double alone() {
        return nodes.stream()
                .mapToDouble(each -> each.counter("decisions", "alone"))
                .sum();
    }
}
