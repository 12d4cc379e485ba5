package dev.coppice.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Groups on simulated nodes: deterministic by seed. */
final class ClusterGroupsTest {

    private static SimulatedNodes<ClusterGroups> nodes(long seed, String... names) {
        SimulatedNodes<ClusterGroups> all = new SimulatedNodes<>(seed);
        for (String name : names) {
            SimulatedNodes<ClusterGroups>.Node node = all.add(name);
            ClusterGroups made = new ClusterGroups(node);
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
                    made.received(from, (GroupMessage) message);
                }
            };
        }
        return all;
    }

    @Test
    void nodesAgreeOnTheMembersOnceNothingChanges() {
        for (long seed = 1; seed <= 300; seed++) {
            SimulatedNodes<ClusterGroups> all = nodes(seed, "a", "b", "c", "d");
            String as = "seed " + seed;
            List<FakeProcess> processes = new ArrayList<>();
            Map<NodeId, Map<Object, Integer>> balance = new HashMap<>();
            all.nodes.values().forEach(node -> {
                for (int i = 0; i < 3; i++) {
                    processes.add(new FakeProcess(node.id, node.id.name() + i));
                }
                node.program.monitor(change -> balance.computeIfAbsent(node.id, _ -> new HashMap<>())
                        .merge(change.process(), change.joined() ? 1 : -1, Integer::sum));
            });
            Set<FakeProcess> members = new HashSet<>();
            for (int round = 0; round < 40; round++) {
                FakeProcess one = processes.get(all.random.nextInt(processes.size()));
                switch (all.random.nextInt(6)) {
                    case 0, 1, 2 -> {
                        if (!one.dead) {
                            all.node(one.node).program.join("trees", one);
                            members.add(one);
                        }
                    }
                    case 3 -> {
                        all.node(one.node).program.leave("trees", one);
                        members.remove(one);
                    }
                    case 4 -> {
                        if (all.random.nextInt(4) == 0) {
                            one.die();
                            members.remove(one);
                        }
                        all.disconnect(all.any().id, all.any().id);
                    }
                    default -> all.connect(all.any().id, all.any().id);
                }
                all.steps(all.random.nextInt(20));
            }
            all.heal();
            all.quiet();
            for (var node : all.nodes.values()) {
                assertThat(new HashSet<Object>(node.program.members("trees")))
                        .as("seed %d, node %s", seed, node.id)
                        .isEqualTo(members);
                Set<Object> heard = new HashSet<>();
                balance.getOrDefault(node.id, Map.of()).forEach((process, count) -> {
                    assertThat(count).as("%s: %s", as, process).isBetween(0, 1);
                    if (count == 1) {
                        heard.add(process);
                    }
                });
                assertThat(heard).as("seed %d: what was told adds up", seed).isEqualTo(members);
            }
        }
    }

    @Test
    void membersOfALostNodeLeave() {
        SimulatedNodes<ClusterGroups> all = nodes(1, "a", "b");
        var a = all.node(new NodeId("a", 1));
        var b = all.node(new NodeId("b", 1));
        all.heal();
        FakeProcess far = new FakeProcess(b.id, "far");
        b.program.join("trees", far);
        all.quiet();
        assertThat(a.program.members("trees")).hasSize(1);
        assertThat(a.program.nodes("trees")).containsExactly(b.id);
        all.disconnect(a.id, b.id);
        all.quiet();
        assertThat(a.program.members("trees")).isEmpty();
        assertThat(b.program.members("trees")).hasSize(1);
        assertThat(a.program.names()).isEmpty();
    }

    @Test
    void onlyLivingProcessesOfThisNodeJoin() {
        SimulatedNodes<ClusterGroups> all = nodes(1, "a", "b");
        ClusterGroups groups = all.node(new NodeId("a", 1)).program;
        FakeProcess dead = new FakeProcess(new NodeId("a", 1), "dead");
        dead.die();
        assertThatThrownBy(() -> groups.join("trees", dead)).hasMessageContaining("expected a process of this node");
        assertThatThrownBy(() -> groups.join("trees", new FakeProcess(new NodeId("b", 1), "far")))
                .hasMessageContaining("let it join where it is");
        assertThatThrownBy(() -> groups.join("", dead)).hasMessageContaining("expected 1 to 500");
    }
}
