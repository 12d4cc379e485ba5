package dev.coppice.store.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.store.RequestLimits;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.CompactionResponse;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseRevokeResponse;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.ResponseOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.DefineKeyspace;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The state machine on a simulated clock and a simulated log: two replicas apply the same seeded commands, each in its own
 * batches, crash back to some earlier state (what was not synced is lost) and replay, take over each other's snapshot, compact by
 * themselves. Everything that can be seen is compared with a {@linkplain ReferenceModel model}, and the replicas with each
 * other. The same seed is the same run.
 */
class SimulationTest {

    private static final int SPACE = 1;
    private static final int REVISIONS_LOOKED_AT = 5;
    private static final int ROUNDS = Integer.getInteger("coppice.simulations", 4);
    private static final int STEPS = 250;

    @TempDir
    Path directory;

    /** One member: its state, its place in the log, the states that its disk may fall back to. */
    private final class Replica {
        private final int number;
        private final SimulatedClock clock = new SimulatedClock();
        private final StoreMetrics metrics = new StoreMetrics(new PrometheusRegistry());
        private final List<Path> synced = new ArrayList<>();
        private Path home;
        private Machine machine;
        private int copies;

        Replica(int number) throws IOException {
            this.number = number;
            home = next();
            machine = Machine.open(home, clock, metrics, number);
            sync();
        }

        private Path next() {
            return directory.resolve("replica-" + number + "-" + copies++);
        }

        Space space() {
            return machine.space("etcd").orElseThrow();
        }

        /** Notes a state that a crash may fall back to. */
        void sync() {
            Path copy = next();
            machine.checkpoint(copy);
            synced.add(copy);
        }

        /** The process dies; of the disk is left what some sync wrote. */
        void crash(Random random) throws IOException {
            machine.close();
            Path left = synced.get(random.nextInt(synced.size()));
            home = next();
            StateFiles.copy(left, home);
            machine = Machine.open(home, clock, metrics, number);
        }

        void takeOver(Replica ahead) throws IOException {
            Path copy = ahead.next();
            ahead.machine.checkpoint(copy);
            machine.restore(copy);
        }
    }

    /** One run: the log, the model, and what was answered to each command. */
    private final class Simulation {
        private final long seed;
        private final Random random;
        private final ReferenceModel model = new ReferenceModel();
        private final List<ByteBuffer> log = new ArrayList<>();
        private final List<String> expected = new ArrayList<>();
        private final List<Replica> replicas;
        private boolean closing;

        Simulation(long seed) throws IOException {
            this.seed = seed;
            this.random = new Random(seed);
            this.replicas = List.of(new Replica((int) seed * 2), new Replica((int) seed * 2 + 1));
            log.add(ByteBuffer.wrap(Command.newBuilder()
                    .setDefineKeyspace(
                            DefineKeyspace.newBuilder().setName("etcd").setClusterId(7))
                    .build()
                    .toByteArray()));
            expected.add("");
        }

        void run() throws IOException {
            for (int step = 0; step < STEPS; step++) {
                Command command = command();
                log.add(ByteBuffer.wrap(command.toByteArray()));
                expected.add(model.apply(command));
                Replica replica = replicas.get(random.nextInt(2));
                switch (random.nextInt(30)) {
                    case 0 -> {
                        catchUp(replica, log.size());
                        replica.sync();
                    }
                    case 1 -> replica.crash(random);
                    case 2 -> {
                        Replica other = replicas.get(1 - replicas.indexOf(replica));
                        if (other.machine.applied() > replica.machine.applied()) {
                            replica.takeOver(other);
                        }
                    }
                    case 3 -> replica.machine.compact(spaceOf(replica), 1 + random.nextInt(50));
                    case 4 -> replica.clock.advance(Duration.ofSeconds(random.nextInt(100)));
                    case 5, 6, 7 -> {
                        catchUp(replica, log.size());
                        compare(replica, REVISIONS_LOOKED_AT);
                    }
                    default -> catchUp(replica, (int) replica.machine.applied() + random.nextInt(20));
                }
            }
            for (Replica replica : replicas) {
                catchUp(replica, log.size());
                compare(replica, Integer.MAX_VALUE);
            }
            equal();
        }

        private Space spaceOf(Replica replica) {
            catchUp(replica, 1);
            return replica.space();
        }

        /** Applies the log up to an index, in batches of any size. */
        private void catchUp(Replica replica, int upTo) {
            int last = Math.min(upTo, log.size());
            while (replica.machine.applied() < last) {
                int batch = 1 + random.nextInt(8);
                long from = replica.machine.applied() + 1;
                for (long index = from; index < from + batch && index <= last; index++) {
                    String wanted = expected.get((int) index - 1);
                    long at = index;
                    replica.machine.apply(
                            index, log.get((int) index - 1).duplicate(), command -> told(at, command, wanted));
                }
                replica.machine.commit();
            }
        }

        private Machine.Outcome told(long index, Command command, String wanted) {
            return new Machine.Outcome() {
                @Override
                public void answered(Message answer) {
                    if (!wanted.isEmpty()) {
                        assertThat(words(answer))
                                .as("command %d, %s", index, command)
                                .isEqualTo(wanted);
                    }
                }

                @Override
                public void refused(StoreException error) {
                    if (closing) {
                        return;
                    }
                    assertThat(String.valueOf(error.getMessage()))
                            .as("command %d, %s", index, command)
                            .isEqualTo(wanted);
                }
            };
        }

        // ---- commands

        private ByteString key() {
            return ByteString.copyFrom(new byte[] {(byte) "\0ab\u007f".charAt(random.nextInt(4))})
                    .concat(ByteString.copyFrom(new byte[random.nextInt(2)]));
        }

        private long lease() {
            return 1 + random.nextInt(4);
        }

        private PutRequest put() {
            PutRequest.Builder put = PutRequest.newBuilder().setKey(key()).setPrevKv(random.nextBoolean());
            boolean keepsValue = random.nextInt(8) == 0;
            boolean keepsLease = random.nextInt(8) == 0;
            return put.setIgnoreValue(keepsValue)
                    .setValue(keepsValue ? ByteString.EMPTY : ByteString.copyFromUtf8("v" + log.size()))
                    .setIgnoreLease(keepsLease)
                    .setLease(keepsLease || random.nextBoolean() ? 0 : lease())
                    .build();
        }

        private DeleteRangeRequest delete() {
            return DeleteRangeRequest.newBuilder()
                    .setKey(key())
                    .setRangeEnd(random.nextInt(3) == 0 ? key() : ByteString.EMPTY)
                    .setPrevKv(random.nextBoolean())
                    .build();
        }

        private TxnRequest txn() {
            TxnRequest.Builder txn = TxnRequest.newBuilder();
            if (random.nextBoolean()) {
                txn.addCompare(Compare.newBuilder()
                        .setKey(key())
                        .setTarget(Compare.CompareTarget.VERSION)
                        .setVersion(0));
            }
            txn.addSuccess(RequestOp.newBuilder().setRequestPut(put()));
            txn.addSuccess(RequestOp.newBuilder().setRequestPut(put()));
            txn.addFailure(RequestOp.newBuilder().setRequestDeleteRange(delete()));
            txn.addFailure(RequestOp.newBuilder().setRequestDeleteRange(delete()));
            try {
                Requests.check(txn.build(), RequestLimits.DEFAULT);
            } catch (StoreException refusedBeforeTheLog) {
                return TxnRequest.newBuilder()
                        .addSuccess(RequestOp.newBuilder().setRequestDeleteRange(delete()))
                        .build();
            }
            return txn.build();
        }

        private Command command() {
            Command.Builder command = Command.newBuilder().setKeyspace(SPACE);
            return switch (random.nextInt(20)) {
                case 0 ->
                    command.setCompact(CompactionRequest.newBuilder()
                                    .setRevision(Math.max(0, model.revision() + 2 - random.nextInt(20))))
                            .build();
                case 1, 2 ->
                    command.setLeaseGrant(LeaseGrantRequest.newBuilder()
                                    .setID(lease())
                                    .setTTL(60))
                            .build();
                case 3 ->
                    command.setLeaseRevoke(LeaseRevokeRequest.newBuilder().setID(lease()))
                            .build();
                case 4, 5, 6, 7 -> command.setDeleteRange(delete()).build();
                case 8, 9, 10, 11, 12 -> command.setTxn(txn()).build();
                default -> command.setPut(put()).build();
            };
        }

        // ---- comparisons

        /** @param most revisions to look at, the newest of them and the oldest */
        private void compare(Replica replica, int most) {
            Space space = replica.space();
            assertThat(space.revision()).isEqualTo(model.revision());
            assertThat(space.compacted()).isEqualTo(model.compacted());
            assertThat(space.keys()).isEqualTo(model.at(model.revision()).size());
            long oldest = Math.max(1, model.compacted());
            for (long revision = oldest; revision <= model.revision(); revision++) {
                if (revision > oldest && revision < model.revision() - most) {
                    continue;
                }
                RangeResponse found = space.reads()
                        .range(RangeRequest.newBuilder()
                                .setKey(ByteString.copyFrom(new byte[1]))
                                .setRangeEnd(ByteString.copyFrom(new byte[1]))
                                .setRevision(revision)
                                .build());
                assertThat(found.getKvsList())
                        .as("replica %d at revision %d", replica.number, revision)
                        .containsExactlyElementsOf(model.at(revision).values());
            }
            assertThat(space.lessor().ids()).containsExactlyInAnyOrderElementsOf(model.leases());
            for (long lease : model.leases()) {
                assertThat(space.reads().leaseKeys(lease)).containsExactlyElementsOf(model.keysOf(lease));
            }
        }

        private void equal() {
            SpaceReads first = replicas.getFirst().space().reads();
            SpaceReads second = replicas.getLast().space().reads();
            for (long revision = Math.max(1, model.compacted()); revision <= model.revision(); revision++) {
                assertThat(first.hash(revision)).isEqualTo(second.hash(revision));
            }
        }

        /** What was seen of the run: equal for equal seeds. */
        String trace() {
            return expected.hashCode() + " "
                    + replicas.getFirst().space().reads().hash(0);
        }

        void close() {
            closing = true;
            replicas.forEach(each -> each.machine.close());
        }
    }

    private static @Nullable KeyValue orNull(boolean has, KeyValue pair) {
        return has ? pair : null;
    }

    /** An answer in the words of the model. */
    private static String words(Message answer) {
        return switch (answer) {
            case PutResponse put -> words(put) + " at " + put.getHeader().getRevision();
            case DeleteRangeResponse deleted ->
                words(deleted) + " at " + deleted.getHeader().getRevision();
            case TxnResponse txn ->
                (txn.getSucceeded() ? "succeeded " : "failed ")
                        + txn.getResponsesList().stream()
                                .map(SimulationTest::words)
                                .toList()
                        + " at " + txn.getHeader().getRevision();
            case CompactionResponse compacted ->
                "compacted at " + compacted.getHeader().getRevision();
            case LeaseGrantResponse granted ->
                "granted at " + granted.getHeader().getRevision();
            case LeaseRevokeResponse revoked ->
                "revoked at " + revoked.getHeader().getRevision();
            default -> throw new AssertionError("no words for " + answer);
        };
    }

    private static String words(ResponseOp part) {
        return part.hasResponsePut() ? words(part.getResponsePut()) : words(part.getResponseDeleteRange());
    }

    private static String words(PutResponse put) {
        return "put, before: " + orNull(put.hasPrevKv(), put.getPrevKv());
    }

    private static String words(DeleteRangeResponse deleted) {
        return "deleted " + deleted.getDeleted() + ", before: " + deleted.getPrevKvsList();
    }

    @BeforeEach
    void loadRocksDb() throws IOException {
        NativeLibrary.load(directory.resolve("native"));
    }

    private String simulate(long seed) throws IOException {
        Simulation simulation = new Simulation(seed);
        try {
            simulation.run();
            return simulation.trace();
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("seed " + seed + " (-Dcoppice.seed=" + seed + ")", e);
        } finally {
            simulation.close();
        }
    }

    @Test
    void replicasThatCrashAndTakeOverSnapshotsAnswerAndEndLikeTheModel() throws IOException {
        long first = Long.getLong("coppice.seed", System.nanoTime() % 1_000_000);
        System.out.println("simulation: seeds from " + first + ", " + ROUNDS + " rounds");
        for (long seed = first; seed < first + ROUNDS; seed++) {
            String unused = simulate(seed);
        }
    }

    @Test
    void theSameSeedIsTheSameRun() throws IOException {
        String once = simulate(42);
        directory = directory.resolve("again");
        java.nio.file.Files.createDirectories(directory);
        assertThat(simulate(42)).isEqualTo(once);
    }
}
