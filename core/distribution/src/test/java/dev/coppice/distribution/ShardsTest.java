package dev.coppice.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.distribution.ShardMessage.State;
import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.distribution.codec.MessageTypes;
import dev.coppice.distribution.codec.References;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ProcessRef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Sharded processes on simulated nodes: deterministic by seed. */
final class ShardsTest {
    private static final int IDS = 40;

    record Bump(long by) {}

    private static final MessageCodec CODEC = new MessageCodec(MessageTypes.of(Bump.class), References.NONE);

    private final Map<String, Integer> dropped = new HashMap<>();

    /** What runs on a node: its processes are sums that start with what was handed over. */
    private final class Program implements EntityHost, SimulatedNodes.Part {
        final SimulatedNodes<Program>.Node node;
        final Shards<Bump> shards;
        final Map<String, FakeProcess> alive = new HashMap<>();
        final Map<FakeProcess, Long> begun = new HashMap<>();
        boolean hosting;

        Program(SimulatedNodes<Program>.Node node) {
            this.node = node;
            this.shards = new Shards<>(
                    "sum",
                    new Shards.Surroundings(
                            node,
                            CODEC,
                            DistributionOptions.DEFAULT,
                            this::mail,
                            new Answers(10),
                            why -> dropped.merge(why, 1, Integer::sum),
                            new LocalProcesses() {
                                @Override
                                public boolean offer(ProcessRef<Object> to, Object message) {
                                    to.cast(message);
                                    return true;
                                }

                                @Override
                                public void pause() {}

                                @Override
                                public void exitOfLink(ProcessRef<?> to, ProcessRef<?> from, ExitReason reason) {}
                            }));
        }

        private boolean mail(NodeId to, byte[] frame) {
            ByteReader in = new ByteReader(frame, 2, frame.length);
            node.send(to, (Record) Distribution.PLAIN.read(in));
            return true;
        }

        void host(boolean on) {
            hosting = on;
            shards.host(on ? this : null);
            tell();
        }

        void tell() {
            Set<String> types = hosting ? Set.of("sum") : Set.of();
            known.forEach(each -> node.send(each, new ShardMessage.Hosting(types)));
        }

        private final Set<NodeId> known = new TreeSet<>();

        @Override
        public void up(NodeId other) {
            known.add(other);
            node.send(other, new ShardMessage.Hosting(hosting ? Set.of("sum") : Set.of()));
        }

        @Override
        public void down(NodeId other) {
            known.remove(other);
            shards.down(other);
        }

        @Override
        public void received(NodeId from, Record message) {
            switch ((ShardMessage) message) {
                case ShardMessage.Hosting hosted ->
                    shards.present(from, hosted.types().contains("sum"));
                case ShardMessage.Route route -> shards.routed(route);
                case ShardMessage other -> shards.received(from, other);
            }
        }

        long sum(FakeProcess process) {
            return begun.get(process)
                    + process.mail.stream().mapToLong(each -> ((Bump) each).by).sum();
        }

        @Override
        public ProcessRef<Object> start(String id, byte @Nullable [] state, Consumer<ProcessRef<Object>> ended) {
            FakeProcess made = new FakeProcess(node.id, id);
            begun.put(made, state == null ? 0 : ((Bump) CODEC.decode(state)).by);
            alive.put(id, made);
            return made;
        }

        @Override
        public boolean offer(ProcessRef<Object> process, Object message) {
            process.cast(message);
            return true;
        }

        @Override
        public void release(Map<String, ProcessRef<Object>> processes, Consumer<List<State>> done) {
            node.after(java.time.Duration.ZERO, () -> {
                List<State> states = new ArrayList<>();
                processes.forEach((id, process) -> {
                    FakeProcess fake = (FakeProcess) process;
                    states.add(new State(id, CODEC.encode(new Bump(sum(fake)), 1_000)));
                    fake.die();
                    alive.remove(id);
                });
                done.accept(states);
            });
        }
    }

    private SimulatedNodes<Program> nodes(long seed, String... names) {
        SimulatedNodes<Program> all = new SimulatedNodes<>(seed);
        dropped.clear();
        for (String name : names) {
            add(all, name);
        }
        return all;
    }

    private SimulatedNodes<Program>.Node add(SimulatedNodes<Program> all, String name) {
        SimulatedNodes<Program>.Node node = all.add(name);
        node.program = new Program(node);
        node.part = node.program;
        return node;
    }

    /** The sums of all identifiers; each has one process at most. */
    private static Map<String, Long> sums(SimulatedNodes<Program> all, String as) {
        Map<String, Long> sums = new HashMap<>();
        // What was handed over and not used since gets a process by this.
        for (int i = 0; i < IDS; i++) {
            all.any().program.shards.cast("id" + i, new Bump(0));
        }
        all.quiet();
        all.nodes
                .values()
                .forEach(node ->
                        node.program.alive.forEach((id, process) -> assertThat(sums.put(id, node.program.sum(process)))
                                .as("%s: %s lives once", as, id)
                                .isNull()));
        return sums;
    }

    @Test
    void nothingIsLostOrDoubledWhileNodesJoinAndLeave() {
        joinAndLeave(true);
    }

    @Test
    void nothingIsLostOrDoubledWhenHostsChangeFasterThanTheNewsOfIt() {
        joinAndLeave(false);
    }

    private void joinAndLeave(boolean oneAtATime) {
        for (long seed = 1; seed <= 150; seed++) {
            SimulatedNodes<Program> all = nodes(seed, "a", "b", "c", "client");
            all.heal();
            all.quiet();
            all.node(new NodeId("a", 1)).program.host(true);
            all.quiet();
            Map<String, Long> sent = new HashMap<>();
            for (int i = 0; i < IDS; i++) {
                sent.put("id" + i, 0L);
            }
            for (int round = 0; round < 200; round++) {
                String id = "id" + all.random.nextInt(IDS);
                all.any().program.shards.cast(id, new Bump(1));
                sent.merge(id, 1L, Long::sum);
                if (all.random.nextInt(12) == 0) {
                    Program changing = all.any().program;
                    long hosts = all.nodes.values().stream()
                            .filter(each -> each.program.hosting)
                            .count();
                    boolean may = !changing.hosting || hosts > 1;
                    if (may && !changing.node.id.name().equals("client")) {
                        if (oneAtATime) {
                            all.quiet();
                        }
                        changing.host(!changing.hosting);
                    }
                }
                all.steps(all.random.nextInt(30));
            }
            all.quiet();
            String as = "seed " + seed + ", dropped " + dropped;
            assertThat(sums(all, as)).as(as).isEqualTo(sent);
            all.nodes
                    .values()
                    .forEach(node -> node.program
                            .alive
                            .keySet()
                            .forEach(id -> assertThat(node.program.shards.owner(id))
                                    .as(as)
                                    .contains(node.id)));
        }
    }

    @Test
    void oneOfEachIsLeftWhenSplitSidesMeetAgain() {
        for (long seed = 1; seed <= 150; seed++) {
            SimulatedNodes<Program> all = nodes(seed, "a", "b", "c");
            all.heal();
            all.nodes.values().forEach(node -> node.program.host(true));
            all.quiet();
            for (int round = 0; round < 60; round++) {
                all.any().program.shards.cast("id" + all.random.nextInt(IDS), new Bump(1));
                switch (all.random.nextInt(8)) {
                    case 0 -> all.disconnect(all.any().id, all.any().id);
                    case 1 -> all.heal();
                    default -> {}
                }
                all.steps(all.random.nextInt(60));
            }
            all.heal();
            all.quiet();
            assertThat(sums(all, "seed " + seed)).as("seed %d", seed).hasSize(IDS);
        }
    }

    @Test
    void aNodeThatComesTakesItsShareOnly() {
        List<NodeId> before = List.of(new NodeId("a", 1), new NodeId("b", 1), new NodeId("c", 1));
        List<NodeId> after = new ArrayList<>(before);
        NodeId fresh = new NodeId("d", 1);
        after.add(fresh);
        int moved = 0;
        for (int slot = 0; slot < ShardRing.SLOTS; slot++) {
            NodeId old = ShardRing.owner("sum", slot, before).orElseThrow();
            NodeId now = ShardRing.owner("sum", slot, after).orElseThrow();
            if (!now.equals(old)) {
                assertThat(now).isEqualTo(fresh);
                moved++;
            }
        }
        assertThat(moved).as("about a quarter of 256").isBetween(40, 90);
    }

    @Test
    void messagesAreDroppedAndCountedWhereNobodyHosts() {
        SimulatedNodes<Program> all = nodes(1, "a");
        all.node(new NodeId("a", 1)).program.shards.cast("id", new Bump(1));
        assertThat(dropped).containsExactly(Map.entry("shard_lost", 1));
    }
}
