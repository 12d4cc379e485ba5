package dev.coppice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.distribution.codec.MessageTypes;
import dev.coppice.distribution.consensus.CommandException;
import dev.coppice.distribution.consensus.ConsensusException;
import dev.coppice.distribution.consensus.ConsensusGroup;
import dev.coppice.distribution.consensus.StateMachine;
import dev.coppice.store.raft.StateMachineGroups;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** State machines of users on three nodes with TLS between them: the worked example of docs/distribution.md, and its faults. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class StateMachineGroupTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    // example: state machine
    sealed interface Command {}

    record Add(String account, long cents) implements Command {}

    record Move(String from, String to, long cents) implements Command {}

    static final class Ledger implements StateMachine<Command, String, Long> {
        private final Map<String, Long> accounts = new TreeMap<>();

        @Override
        public Long apply(Command command) {
            return switch (command) {
                case Add add -> accounts.merge(add.account, add.cents, Long::sum);
                case Move move
                when query(move.from) < move.cents ->
                    throw new IllegalStateException(move.from + " has " + query(move.from) + " cents");
                case Move move -> {
                    accounts.merge(move.from, -move.cents, Long::sum);
                    yield accounts.merge(move.to, move.cents, Long::sum);
                }
            };
        }

        @Override
        public Long query(String account) {
            return accounts.getOrDefault(account, 0L);
        }

        @Override
        public void snapshot(OutputStream out) throws IOException {
            DataOutputStream data = new DataOutputStream(out);
            data.writeInt(accounts.size());
            for (Map.Entry<String, Long> each : accounts.entrySet()) {
                data.writeUTF(each.getKey());
                data.writeLong(each.getValue());
            }
            data.flush();
        }

        @Override
        public void restore(InputStream in) throws IOException {
            DataInputStream data = new DataInputStream(in);
            int count = data.readInt();
            for (int i = 0; i < count; i++) {
                accounts.put(data.readUTF(), data.readLong());
            }
        }
    }
    // end

    @TempDir
    Path directory;

    private final Map<Long, StateMachineGroups> opened = new LinkedHashMap<>();

    private ConsensusGroup<Command, String, Long> open(ClusterFixture.Node node) throws Exception {
        StateMachineGroups groups = StateMachineGroups.start(
                java.util.Objects.requireNonNull(node.kernel),
                java.util.Objects.requireNonNull(node.kernel).root(),
                node.store(),
                "control");
        opened.put(node.id, groups);
        // example: group
        ConsensusGroup<Command, String, Long> ledger =
                groups.open("ledger", MessageTypes.of(Command.class), Ledger::new);
        // end
        return ledger;
    }

    @Test
    void callsAreLinearizableFromEveryNodeAndNothingAcknowledgedIsLostWhenTheLeaderIsCutOff() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            Map<Long, ConsensusGroup<Command, String, Long>> ledgers = new LinkedHashMap<>();
            for (ClusterFixture.Node node : cluster.nodes.values()) {
                ledgers.put(node.id, open(node));
            }
            long expected = 0;
            for (ConsensusGroup<Command, String, Long> each : ledgers.values()) {
                // example: calls
                long cents = each.apply(new Add("anna", 100), TIMEOUT);
                long seen = each.query("anna", TIMEOUT);
                // end
                expected += 100;
                assertThat(cents).isEqualTo(expected);
                assertThat(seen).isEqualTo(expected);
            }
            ConsensusGroup<Command, String, Long> any = ledgers.get(1L);
            assertThatThrownBy(() -> any.apply(new Move("bert", "anna", 1), TIMEOUT))
                    .isInstanceOf(CommandException.class)
                    .hasMessage("bert has 0 cents");

            long leader = ledgers.entrySet().stream()
                    .filter(each -> each.getValue().leading())
                    .map(Map.Entry::getKey)
                    .findFirst()
                    .orElseThrow();
            AtomicLong acknowledged = new AtomicLong();
            AtomicLong reads = new AtomicLong();
            AtomicBoolean over = new AtomicBoolean();
            List<Throwable> wrong = java.util.Collections.synchronizedList(new ArrayList<>());
            List<Thread> clients = new ArrayList<>();
            AtomicLong unknown = new AtomicLong();
            ledgers.forEach((id, ledger) -> {
                if (id != leader) {
                    clients.add(Thread.ofVirtual().start(() -> {
                        while (!over.get()) {
                            try {
                                long before = acknowledged.get();
                                long read = ledger.query("carl", TIMEOUT);
                                if (read < before) {
                                    wrong.add(new AssertionError("read " + read + " after " + before));
                                }
                                reads.incrementAndGet();
                                ledger.apply(new Add("carl", 1), TIMEOUT);
                                acknowledged.incrementAndGet();
                            } catch (ConsensusException e) {
                                unknown.incrementAndGet();
                            } catch (RuntimeException e) {
                                wrong.add(e);
                                return;
                            }
                        }
                    }));
                }
            });
            ClusterFixture.await(() -> acknowledged.get() >= 20);
            cluster.faults.isolate(leader, cluster.nodes.keySet());
            long atCut = acknowledged.get();
            ClusterFixture.await(() -> acknowledged.get() >= atCut + 40);
            cluster.faults.heal();
            long atHeal = acknowledged.get();
            ClusterFixture.await(() -> acknowledged.get() >= atHeal + 20);
            over.set(true);
            for (Thread each : clients) {
                each.join();
            }
            assertThat(wrong).isEmpty();
            long end = ledgers.get(leader).query("carl", TIMEOUT);
            assertThat(end).isBetween(acknowledged.get(), acknowledged.get() + unknown.get());
            assertThat(reads.get()).isPositive();
        }
    }

    @Test
    void stateIsThereAgainAfterARestart() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 1)) {
            ClusterFixture.Node node = cluster.node(1);
            ConsensusGroup<Command, String, Long> ledger = open(node);
            ledger.apply(new Add("anna", 5), TIMEOUT);
            ledger.apply(new Add("anna", 6), TIMEOUT);
            node.stop();
            node.start();
            ClusterFixture.await(() -> node.store().serving());
            ConsensusGroup<Command, String, Long> again = open(node);
            assertThat(again.query("anna", TIMEOUT)).isEqualTo(11);
        }
    }

    @Test
    void thePageShowsWhatRuns() throws Exception {
        String whole = Files.readString(Path.of("src/test/java/dev/coppice/store/StateMachineGroupTest.java"));
        String source = whole.substring(0, whole.indexOf("    void thePageShowsWhatRuns"));
        String page = Files.readString(Path.of("../../docs/distribution.md"));
        List<String> examples = new ArrayList<>();
        int at = source.indexOf("// example: ");
        while (at >= 0) {
            int from = source.indexOf('\n', at) + 1;
            int to = source.lastIndexOf('\n', source.indexOf("// end\n", from)) + 1;
            examples.add(source.substring(from, to).stripTrailing().stripIndent());
            at = source.indexOf("// example: ", to);
        }
        assertThat(examples).hasSize(3).allSatisfy(example -> assertThat(page).contains(example));
    }
}
