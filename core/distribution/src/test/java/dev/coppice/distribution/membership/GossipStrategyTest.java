package dev.coppice.distribution.membership;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.SimulatedClock;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.BiPredicate;
import org.junit.jupiter.api.Test;

/** Gossip in simulated rounds: deterministic by seed. */
final class GossipStrategyTest {
    private static final int NODES = 12;
    private final List<GossipStrategy> nodes = new ArrayList<>();

    private static InetSocketAddress at(int node) {
        return InetSocketAddress.createUnresolved("node" + node, 1);
    }

    private void start() {
        nodes.clear();
        for (int i = 0; i < NODES; i++) {
            nodes.add(new GossipStrategy(Set.of(at(0)), at(i), new SimulatedClock()));
        }
    }

    /** Everybody tells three others that it knows and reaches. */
    private void rounds(Random random, int count, BiPredicate<Integer, Integer> reaches) {
        for (int round = 0; round < count; round++) {
            for (int from = 0; from < NODES; from++) {
                List<Rumour> told = nodes.get(from).round(random);
                Set<InetSocketAddress> known = nodes.get(from).discover();
                List<Integer> targets = new ArrayList<>();
                for (int to = 0; to < NODES; to++) {
                    if (to != from && known.contains(at(to)) && reaches.test(from, to)) {
                        targets.add(to);
                    }
                }
                java.util.Collections.shuffle(targets, random);
                targets.stream().limit(3).forEach(to -> nodes.get(to).heard(told));
            }
        }
    }

    @Test
    void allLearnOfAllFromOneSeedAndForgetTheDead() {
        for (long seed = 1; seed <= 50; seed++) {
            start();
            Random random = new Random(seed);
            rounds(random, 30, (from, to) -> true);
            for (int i = 0; i < NODES; i++) {
                Set<InetSocketAddress> all = new HashSet<>(nodes.get(i).discover());
                all.add(at(i));
                assertThat(all).as("seed %d, node %d", seed, i).hasSize(NODES);
            }
            rounds(random, 80, (from, to) -> from != 7 && to != 7);
            for (int i = 0; i < NODES; i++) {
                if (i != 7) {
                    assertThat(nodes.get(i).discover())
                            .as("seed %d, node %d", seed, i)
                            .doesNotContain(at(7));
                }
            }
        }
    }

    @Test
    void whoIsReachedByAnyWayIsNotSuspectedForLong() {
        for (long seed = 1; seed <= 50; seed++) {
            start();
            Random random = new Random(seed);
            rounds(random, 30, (from, to) -> true);
            // Node 7 is reached by way of node 3 only.
            rounds(random, 200, (from, to) -> from != 7 && to != 7 || from == 3 || to == 3);
            for (int i = 0; i < NODES; i++) {
                if (i != 7) {
                    assertThat(nodes.get(i).discover())
                            .as("seed %d, node %d", seed, i)
                            .contains(at(7));
                }
            }
        }
    }
}
