package dev.coppice.store;

import static dev.coppice.store.ClusterFixture.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.store.ClusterFixture.Node;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.raft.RaftLog;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three members in this process. */
class ClusterTest {

    @TempDir
    Path directory;

    @Test
    void writesAndReadsOnEveryMember() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            for (Node writer : cluster.running()) {
                long revision = writer.put("k", "by " + writer.id);
                assertThat(writer.keyspace().revision()).isGreaterThanOrEqualTo(revision);
                for (Node reader : cluster.running()) {
                    assertThat(reader.get("k", false)).isEqualTo("by " + writer.id);
                }
            }
            Node follower = cluster.follower();
            assertThat(follower.store().machine().roster().members()).hasSize(3);
            long lease = follower.keyspace()
                    .grant(LeaseGrantRequest.newBuilder().setTTL(60).build())
                    .getID();
            assertThat(follower.keyspace()
                            .keepAlive(LeaseKeepAliveRequest.newBuilder()
                                    .setID(lease)
                                    .build())
                            .getTTL())
                    .isEqualTo(60);
            assertThat(follower.keyspace()
                            .timeToLive(LeaseTimeToLiveRequest.newBuilder()
                                    .setID(lease)
                                    .build())
                            .getTTL())
                    .isBetween(50L, 60L);
        }
    }

    @Test
    void goesOnWhenTheLeaderIsGoneAndTakesItBack() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            Node first = cluster.awaitLeader();
            first.put("a", "1");
            first.stop();
            Node second = cluster.awaitLeaderBut(first);
            second.put("b", "2");
            assertThat(second.get("a", false)).isEqualTo("1");
            first.start();
            await(() -> first.store().serving());
            assertThat(first.get("b", false)).isEqualTo("2");
        }
    }

    @Test
    void refusesWritesWithoutAMajorityAndStillReads() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            Node survivor = cluster.awaitLeader();
            survivor.put("k", "v");
            for (Node node : cluster.running()) {
                if (node != survivor) {
                    node.stop();
                }
            }
            await(() -> ClusterFixture.seen(survivor) == null);
            assertThatThrownBy(() -> survivor.put("k", "lost")).hasMessageContaining("etcdserver: no leader");
            assertThatThrownBy(() -> survivor.get("k", false)).hasMessageContaining("etcdserver: no leader");
            assertThat(survivor.get("k", true)).isEqualTo("v");
        }
    }

    @Test
    void sendsItsStateToAMemberThatIsFarBehindWhoseWatchesGoOn() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            Node late = cluster.follower();
            Node leader = cluster.awaitLeader();
            leader.put("w", "0");
            await(() -> "0".equals(late.get("w", true)));
            StoreFixture.Recorder watch = new StoreFixture.Recorder();
            var unused = late.keyspace()
                    .watch(
                            WatchCreateRequest.newBuilder()
                                    .setKey(StoreFixture.bytes("w"))
                                    .build(),
                            watch);
            assertThat(watch.next().getCreated()).isTrue();
            cluster.faults.isolate(late.id, cluster.nodes.keySet());
            Node now = cluster.awaitLeaderBut(late);
            for (int round = 1; round <= 3; round++) {
                for (int i = 0; i < 50; i++) {
                    now.put("k" + i, round + "");
                }
                now.put("w", round + "");
                // Entries before the last but one snapshot are forgotten: only the state itself can help.
                assertThat(((RaftLog) now.store().log()).snapshotNow()).isTrue();
            }
            cluster.faults.heal();
            await(() -> "3".equals(late.get("w", true)));
            assertThat(late.get("k7", false)).isEqualTo("3");
            assertThat(watch.events(3).stream()
                            .map(event -> event.getKv().getValue().toStringUtf8()))
                    .containsExactly("1", "2", "3");
            late.put("w", "4");
            assertThat(watch.events(1).getFirst().getKv().getValue().toStringUtf8())
                    .isEqualTo("4");
        }
    }

    /** Pre-vote. The timeout is long, so that a machine that is busy gives no other reason for an election. */
    @Test
    void aMemberThatReturnsDisturbsNobody() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3, Duration.ofSeconds(3))) {
            Node leader = cluster.awaitLeader();
            Node away = cluster.follower();
            long term = leader.store().log().term();
            cluster.faults.isolate(away.id, cluster.nodes.keySet());
            await(() -> ClusterFixture.seen(away) == null);
            leader.put("k", "meanwhile");
            cluster.faults.heal();
            await(() -> "meanwhile".equals(away.get("k", true)) && ClusterFixture.seen(away) != null);
            assertThat(leader.leads()).isTrue();
            assertThat(leader.store().log().term()).isEqualTo(term);
        }
    }

    @Test
    void aLeaderCutOffAnswersNoReadThatMightBeOld() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            Node old = cluster.awaitLeader();
            old.put("k", "before");
            cluster.faults.isolate(old.id, cluster.nodes.keySet());
            Node fresh = cluster.awaitLeaderBut(old);
            fresh.put("k", "after");
            assertThatThrownBy(() -> old.get("k", false)).isInstanceOf(StoreException.class);
            assertThat(old.get("k", true)).isEqualTo("before");
            cluster.faults.heal();
            await(() -> ClusterFixture.seen(old) != null && "after".equals(old.get("k", true)));
            assertThat(old.get("k", false)).isEqualTo("after");
        }
    }
}
