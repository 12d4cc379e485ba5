package dev.coppice.acceptance.fault;

import static dev.coppice.acceptance.fault.EtcdClient.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The bugs that etcd's own robustness tests list as found or reproduced, each provoked here.
 *
 * @see <a href="https://github.com/etcd-io/etcd/tree/main/tests/robustness#robustness-track-record">their list</a>
 */
class EtcdIssuesTest {
    private static final boolean THOROUGH = Integer.getInteger("fault.minutes", 0) > 0;
    private static final Set<Integer> ALL = Set.of(0, 1, 2);
    private static final Duration SERVING = Duration.ofSeconds(120);
    private static final AtomicInteger NUMBERS = new AtomicInteger(1_000_000);
    private static final Random RANDOM = new Random(Long.getLong("seed", new Random().nextLong()));

    @TempDir
    private static Path folder;

    private static Rig rig;

    private final int number = NUMBERS.incrementAndGet();
    private final String prefix = "issue" + number + "/";

    @BeforeAll
    static void start() throws Exception {
        rig = Rig.start(3, folder);
    }

    @AfterAll
    static void stop() throws Exception {
        if (rig != null) {
            rig.close();
        }
    }

    /** The test before may have left a node that just came back, or a client that still waits to connect again. */
    @BeforeEach
    void allServe() throws Exception {
        rig.awaitServing(SERVING);
    }

    private void roundOf(int faults, Fault.Kind... kinds) throws IOException, InterruptedException {
        long seed = RANDOM.nextLong();
        Round.Pace pace = THOROUGH ? Round.Pace.USUAL : Round.Pace.BRISK;
        Round.Outcome outcome = new Round(rig, number, seed, List.of(kinds), faults, pace).run();
        assertThat(outcome.problems())
                .as("faults: %s", String.join("\n", outcome.faults()))
                .isEmpty();
        assertThat(outcome.answered()).isPositive();
    }

    private long put(int node, String key, String value) {
        return rig.client(node).put(prefix + key, value);
    }

    private long delete(int node, String key) {
        return rig.client(node)
                .kv()
                .deleteRange(DeleteRangeRequest.newBuilder()
                        .setKey(bytes(prefix + key))
                        .build())
                .getHeader()
                .getRevision();
    }

    private static void compact(int node, long revision) {
        var unused = rig.client(node)
                .kv()
                .compact(CompactionRequest.newBuilder()
                        .setRevision(revision)
                        .setPhysical(true)
                        .build());
    }

    private static void restartAll() throws IOException, InterruptedException {
        for (RigNode each : rig.nodes()) {
            each.kill();
        }
        rig.heal();
        rig.awaitServing(SERVING);
    }

    /** What a watcher of a node is told from a revision up to another one. */
    private static List<Change> told(int node, long from, long to) throws InterruptedException {
        try (WatchClient watcher =
                new WatchClient("a watcher of n" + node, List.of(rig.client(node)), from, RANDOM.nextLong())) {
            watcher.start();
            assertThat(watcher.log().awaitSeen(to, 20_000))
                    .as("told up to %d: %s", to, watcher.log().entries())
                    .isTrue();
            return changes(watcher.log());
        }
    }

    private static List<Change> changes(WatchLog log) {
        List<Change> all = new ArrayList<>();
        for (WatchLog.Entry each : log.entries()) {
            if (each instanceof WatchLog.Told told) {
                all.addAll(told.changes());
            }
        }
        return all;
    }

    private static List<Long> revisions(List<Change> changes) {
        return changes.stream().map(Change::revision).toList();
    }

    @Test
    @DisplayName("13766: inconsistent revision caused by crash during high load")
    void crashDuringLoad() throws Exception {
        roundOf(THOROUGH ? 4 : 1, Fault.Kind.KILL);
    }

    @Test
    @DisplayName("14370: a write that was acknowledged is lost on a crash before it is synced")
    void lostWriteOnCrash() throws Exception {
        for (int round = 0; round < (THOROUGH ? 4 : 1); round++) {
            List<String> keys = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                String key = round + "-" + i;
                put(i % 3, key, "v");
                keys.add(key);
            }
            Nemesis nemesis = new Nemesis(rig, () -> 0);
            Fault power = new Fault.PowerFailure(ALL, RANDOM.nextLong());
            String lost = nemesis.begin(power);
            nemesis.end(power);
            rig.awaitServing(SERVING);
            for (String each : keys) {
                assertThat(rig.client(0).get(prefix + each).getCount())
                        .as("%s after %s", each, lost)
                        .isOne();
            }
            assertThat(rig.compareHashes(rig.client(0).revision())).isEmpty();
        }
    }

    @Test
    @DisplayName("14571: enabling auth can lead to inconsistency")
    void authAcrossARestart() throws Exception {
        EtcdUsers users = new EtcdUsers(rig.client(0));
        users.enable(prefix);
        try {
            rig.node(1).kill();
            users.put(rig.client(0), EtcdUsers.USER, prefix + "k", "1");
            rig.node(1).start();
            users.awaitServing(rig.client(1), SERVING);
            for (int node = 0; node < 3; node++) {
                EtcdClient client = rig.client(node);
                users.put(client, EtcdUsers.USER, prefix + "k", "by n" + node);
                assertThatThrownBy(() -> users.put(client, EtcdUsers.USER, "elsewhere", "1"))
                        .isInstanceOf(StatusRuntimeException.class)
                        .hasMessageContaining("permission denied");
            }
        } finally {
            users.disable();
        }
        assertThat(rig.compareHashes(rig.client(0).revision())).isEmpty();
    }

    @Test
    @DisplayName("14685: inconsistent revision caused by crash during defrag")
    void crashDuringDefragment() throws Exception {
        Nemesis nemesis = new Nemesis(rig, () -> 0);
        for (int node = 0; node < (THOROUGH ? 3 : 1); node++) {
            for (int i = 0; i < 20; i++) {
                put((node + 1) % 3, "k" + i, "v" + node);
            }
            Fault fault = new Fault.Defragment(node, true);
            var unused = nemesis.begin(fault);
            put((node + 1) % 3, "during", "v" + node);
            nemesis.end(fault);
            rig.awaitServing(SERVING);
        }
        assertThat(rig.compareHashes(rig.client(0).revision())).isEmpty();
    }

    @Test
    @DisplayName("15220: watch progress notification not synced with stream")
    void progressNotes() throws Exception {
        long begin = rig.client(0).revision();
        try (WatchClient watcher =
                new WatchClient("the watcher", List.of(rig.client(1)), begin + 1, RANDOM.nextLong(), 1)) {
            watcher.start();
            long last = begin;
            for (int i = 0; i < (THOROUGH ? 400 : 150); i++) {
                last = put(i % 3, "k" + i % 7, "v" + i);
            }
            assertThat(watcher.log().awaitSeen(last, 20_000)).isTrue();
            Changes changes = Changes.merge(List.of(watcher.log()), begin, last);
            assertThat(changes.problems()).isEmpty();
            assertThat(WatchChecker.check(watcher.log(), changes)).isEmpty();
            assertThat(watcher.log().entries()).hasAtLeastOneElementOfType(WatchLog.Progress.class);
        }
    }

    @Test
    @DisplayName("15271: watch traveling back in time after network partition")
    void watchAcrossAPartition() throws Exception {
        roundOf(THOROUGH ? 4 : 1, Fault.Kind.ISOLATE, Fault.Kind.SPLIT);
    }

    @Test
    @DisplayName("17247: duplicated watch event due to reads and writes in one transaction")
    void eventsOfATransaction() throws Exception {
        put(0, "c", "1");
        RequestOp range = RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder().setKey(bytes(prefix)).setRangeEnd(bytes(prefix + "z")))
                .build();
        TxnRequest.Builder txn = TxnRequest.newBuilder().addSuccess(range);
        for (String key : List.of("a", "b")) {
            txn.addSuccess(RequestOp.newBuilder()
                            .setRequestPut(PutRequest.newBuilder()
                                    .setKey(bytes(prefix + key))
                                    .setValue(bytes("2"))))
                    .addSuccess(range);
        }
        txn.addSuccess(RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(bytes(prefix + "c"))))
                .addSuccess(range);
        long revision = rig.client(1).kv().txn(txn.build()).getHeader().getRevision();
        for (int node = 0; node < 3; node++) {
            long after = put(node, "after", "1");
            assertThat(told(node, revision, after).stream().filter(each -> each.revision() == revision))
                    .extracting(Change::key)
                    .containsExactlyInAnyOrder(prefix + "a", prefix + "b", prefix + "c");
        }
    }

    @Test
    @DisplayName("17529: watch events lost during stream starvation")
    void starvedWatchers() throws Exception {
        String big = "x".repeat(100_000);
        long begin = rig.client(0).revision();
        try (SlowWatchers slow = new SlowWatchers(rig.client(2), 20, begin + 1)) {
            long last = begin;
            for (int i = 0; i < 60; i++) {
                last = put(0, "k" + i % 5, big + i);
            }
            List<Long> expected = new ArrayList<>();
            for (long revision = begin + 1; revision <= last; revision++) {
                expected.add(revision);
            }
            for (List<Long> each : slow.await(last, Duration.ofSeconds(60))) {
                assertThat(each).isEqualTo(expected);
            }
        }
    }

    @Test
    @DisplayName("17780: revision decreasing caused by crash during compaction")
    void compactionOfATombstoneAtTheHead() throws Exception {
        put(0, "k", "1");
        long head = delete(0, "k");
        compact(1, head);
        restartAll();
        for (int node = 0; node < 3; node++) {
            assertThat(rig.client(node).revision()).isEqualTo(head);
        }
        assertThat(put(2, "k", "2")).isEqualTo(head + 1);
        assertThat(rig.compareHashes(head + 1)).isEmpty();
    }

    @Test
    @DisplayName("18089, 19179: delete event missing on a watch from the revision of the compaction")
    void watchFromACompactedDeletion() throws Exception {
        put(0, "k", "1");
        long deleted = delete(0, "k");
        long later = put(0, "other", "1");
        compact(0, deleted);
        for (int node = 0; node < 3; node++) {
            // What is compacted here may not be there yet.
            assertThat(rig.client(node).revision()).isEqualTo(later);
            List<Change> told = told(node, deleted, later);
            assertThat(revisions(told)).containsExactly(deleted, later);
            assertThat(told.getFirst().value()).isNull();
        }
    }

    @Test
    @DisplayName("18667: inconsistency when reading a compacted revision in a transaction")
    void compactedReadInATransaction() throws Exception {
        long old = put(0, "k", "1");
        long head = put(0, "k", "2");
        compact(0, head);
        TxnRequest txn = TxnRequest.newBuilder()
                .addSuccess(RequestOp.newBuilder()
                        .setRequestPut(PutRequest.newBuilder()
                                .setKey(bytes(prefix + "k"))
                                .setValue(bytes("3"))))
                .addSuccess(RequestOp.newBuilder()
                        .setRequestRange(RangeRequest.newBuilder()
                                .setKey(bytes(prefix + "k"))
                                .setRevision(old)))
                .build();
        for (int node = 0; node < 3; node++) {
            int at = node;
            assertThatThrownBy(() -> rig.client(at).kv().txn(txn))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("required revision has been compacted");
        }
        for (int node = 0; node < 3; node++) {
            assertThat(rig.client(node).revision()).isEqualTo(head);
        }
        assertThat(rig.compareHashes(head)).isEmpty();
    }

    @Test
    @DisplayName("20221: watch on future revision returns old events or notifications")
    void watchFromTheFuture() throws Exception {
        long begin = rig.client(0).revision();
        long start = begin + 10;
        try (WatchClient watcher =
                new WatchClient("the watcher", List.of(rig.client(2)), start, RANDOM.nextLong(), 1)) {
            // It is behind when it is asked for what the others have already.
            var nemesis = new Nemesis(rig, () -> 0);
            Fault cut = new Fault.Partition(Set.of(2));
            var unused = nemesis.begin(cut);
            watcher.start();
            long last = begin;
            while (last < start + 10) {
                try {
                    last = put(0, "k", "v" + last);
                } catch (StatusRuntimeException e) {
                    // It may have happened: the loop is over what the store says.
                    Load.pause(100);
                }
            }
            nemesis.end(cut);
            rig.awaitServing(SERVING);
            assertThat(watcher.log().awaitSeen(last, 30_000)).isTrue();
            List<Long> expected = new ArrayList<>();
            for (long revision = start; revision <= last; revision++) {
                expected.add(revision);
            }
            assertThat(revisions(changes(watcher.log()))).isEqualTo(expected);
            for (WatchLog.Entry each : watcher.log().entries()) {
                if (each instanceof WatchLog.Progress note) {
                    assertThat(note.revision()).isGreaterThanOrEqualTo(start - 1);
                }
            }
        }
    }
}
