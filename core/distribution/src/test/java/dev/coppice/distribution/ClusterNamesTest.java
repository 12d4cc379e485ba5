package dev.coppice.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Names on simulated nodes: deterministic by seed. */
final class ClusterNamesTest {
    private static final List<String> NAMES = List.of("oak", "ash");

    private final Map<FakeProcess, Integer> told = new HashMap<>();
    private final List<Attempt> attempts = new ArrayList<>();
    private final AtomicInteger numbers = new AtomicInteger();

    private record Attempt(String name, FakeProcess process, CompletableFuture<Boolean> result) {
        boolean won() {
            return result.isDone() && !result.isCompletedExceptionally() && result.join();
        }
    }

    private SimulatedNodes<ClusterNames> nodes(long seed, String... names) {
        SimulatedNodes<ClusterNames> all = new SimulatedNodes<>(seed);
        told.clear();
        attempts.clear();
        for (String name : names) {
            SimulatedNodes<ClusterNames>.Node node = all.add(name);
            ClusterNames made = new ClusterNames(node, () -> {});
            node.program = made;
            node.part = new SimulatedNodes.Part() {
                @Override
                public void up(NodeId other) {
                    made.up(other);
                }

                @Override
                public void down(NodeId other) {
                    made.down(other);
                }

                @Override
                public void received(NodeId from, Record message) {
                    made.received(from, (NameMessage) message);
                }
            };
        }
        return all;
    }

    private Attempt register(SimulatedNodes<ClusterNames>.Node node, String name) {
        FakeProcess process = new FakeProcess(node.id, "p" + numbers.incrementAndGet());
        Attempt attempt = new Attempt(
                name, process, node.program.claim(name, process, _ -> told.merge(process, 1, Integer::sum)));
        attempts.add(attempt);
        return attempt;
    }

    /** Who has a name, as the nodes themselves know of their own processes. */
    private static Set<FakeProcess> holders(SimulatedNodes<ClusterNames> all, String name, Iterable<NodeId> among) {
        Set<FakeProcess> found = new HashSet<>();
        for (NodeId each : among) {
            all.node(each).program.find(name).ifPresent(process -> {
                if (((FakeProcess) (Object) process).node.equals(each)) {
                    found.add((FakeProcess) (Object) process);
                }
            });
        }
        return found;
    }

    @Test
    void oneOfManyWhoWantANameGetsItAndAllKnow() {
        for (long seed = 1; seed <= 300; seed++) {
            SimulatedNodes<ClusterNames> all = nodes(seed, "a", "b", "c", "d");
            all.heal();
            all.quiet();
            for (var node : all.nodes.values()) {
                register(node, "oak");
            }
            for (int i = 0; i < 400; i++) {
                all.steps(1);
                assertThat(holders(all, "oak", all.nodes.keySet()))
                        .as("seed %d, step %d", seed, i)
                        .hasSizeLessThanOrEqualTo(1);
            }
            all.quiet();
            assertThat(attempts.stream().filter(Attempt::won))
                    .as("seed %d", seed)
                    .hasSize(1);
            FakeProcess winner =
                    attempts.stream().filter(Attempt::won).findFirst().orElseThrow().process;
            for (var node : all.nodes.values()) {
                assertThat(node.program.find("oak").orElseThrow())
                        .as("seed %d", seed)
                        .isSameAs(winner);
            }
            assertThat(told).isEmpty();
        }
    }

    @Test
    void aNameIsFreeWhenItsProcessEndsOrItsNodeGoes() {
        SimulatedNodes<ClusterNames> all = nodes(1, "a", "b", "c");
        all.heal();
        all.quiet();
        var b = all.node(new NodeId("b", 1));
        Attempt first = register(b, "oak");
        all.quiet();
        assertThat(first.won()).isTrue();
        first.process.die();
        all.quiet();
        assertThat(all.node(new NodeId("a", 1)).program.names()).isEmpty();
        register(b, "oak");
        all.quiet();
        all.split(List.of(List.of(new NodeId("a", 1), new NodeId("c", 1)), List.of(b.id)));
        all.quiet();
        assertThat(all.node(new NodeId("a", 1)).program.names()).isEmpty();
        assertThat(b.program.names()).containsExactly("oak");
    }

    @Test
    void theOlderOneKeepsTheNameAfterANetSplitAndTheOtherIsToldOnce() {
        SimulatedNodes<ClusterNames> all = nodes(5, "a", "b");
        NodeId a = new NodeId("a", 1);
        NodeId b = new NodeId("b", 1);
        Attempt older = register(all.node(b), "oak");
        all.quiet();
        Attempt newer = register(all.node(a), "oak");
        all.quiet();
        assertThat(older.won() && newer.won()).as("each side has one").isTrue();
        all.heal();
        all.quiet();
        assertThat(all.node(a).program.find("oak").orElseThrow()).isSameAs(older.process);
        assertThat(all.node(b).program.find("oak").orElseThrow()).isSameAs(older.process);
        assertThat(told).containsExactly(Map.entry(newer.process, 1));
    }

    /** Splits, bridges, deaths and claims in any order; then what is connected with each other agrees on one winner. */
    @Test
    void atMostOneWinnerInWhatIsConnected() {
        for (long seed = 1; seed <= 400; seed++) {
            SimulatedNodes<ClusterNames> all = nodes(seed, "a", "b", "c", "d", "e");
            all.heal();
            for (int round = 0; round < 30; round++) {
                switch (all.random.nextInt(7)) {
                    case 0, 1, 2 -> register(all.any(), NAMES.get(all.random.nextInt(NAMES.size())));
                    case 3 ->
                        attempts.stream()
                                .skip(attempts.isEmpty() ? 0 : all.random.nextInt(attempts.size()))
                                .findFirst()
                                .ifPresent(each -> each.process.die());
                    case 4 -> all.split(sides(all));
                    case 5 -> all.disconnect(all.any().id, all.any().id);
                    default -> all.heal();
                }
                all.steps(all.random.nextInt(40));
            }
            List<List<NodeId>> sides = all.random.nextBoolean() ? sides(all) : List.of(List.copyOf(all.nodes.keySet()));
            all.split(sides);
            all.quiet();
            for (List<NodeId> side : sides) {
                agree(all, side, seed);
            }
            for (Attempt each : attempts) {
                assertThat(each.result).as("seed %d: decided", seed).isDone();
                int losses = told.getOrDefault(each.process, 0);
                assertThat(losses).as("seed %d", seed).isLessThanOrEqualTo(1);
                boolean has =
                        all.node(each.process.node).program.find(each.name).orElse(null) == (Object) each.process;
                if (each.won() && !each.process.dead) {
                    assertThat(has)
                            .as("seed %d: %s has it, or was told", seed, each)
                            .isEqualTo(losses == 0);
                }
            }
        }
    }

    private static List<List<NodeId>> sides(SimulatedNodes<?> all) {
        List<NodeId> left = new ArrayList<>();
        List<NodeId> right = new ArrayList<>();
        all.nodes.keySet().forEach(each -> (all.random.nextBoolean() ? left : right).add(each));
        return List.of(left, right);
    }

    private static void agree(SimulatedNodes<ClusterNames> all, List<NodeId> side, long seed) {
        for (String name : NAMES) {
            Set<FakeProcess> holders = holders(all, name, side);
            assertThat(holders).as("seed %d, %s in %s", seed, name, side).hasSizeLessThanOrEqualTo(1);
            for (NodeId each : side) {
                assertThat(all.node(each).program.find(name).map(process -> (Object) process))
                        .as("seed %d: %s as %s sees it", seed, name, each)
                        .isEqualTo(holders.stream().findFirst().map(process -> (Object) process));
            }
        }
    }
}
