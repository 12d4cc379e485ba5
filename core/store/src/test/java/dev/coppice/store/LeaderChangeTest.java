package dev.coppice.store;

import static dev.coppice.store.ClusterFixture.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.store.ClusterFixture.Node;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.WatchCreateRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What leases and watches keep when another member begins to lead. */
class LeaderChangeTest {

    @TempDir
    Path directory;

    private static void grant(Node node, long id, long seconds, String key) {
        var unused = node.keyspace()
                .grant(LeaseGrantRequest.newBuilder().setID(id).setTTL(seconds).build());
        var put = node.keyspace()
                .put(PutRequest.newBuilder()
                        .setKey(StoreFixture.bytes(key))
                        .setLease(id)
                        .build());
        assertThat(put.getHeader().getRevision()).isPositive();
    }

    private static long timeLeft(Node node, long id) {
        return node.keyspace()
                .timeToLive(LeaseTimeToLiveRequest.newBuilder().setID(id).build())
                .getTTL();
    }

    @Test
    void leasesGoOnAndStillEnd() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            Node first = cluster.awaitLeader();
            grant(first, 7, 500, "long");
            grant(first, 8, 5, "short");
            first.stop();
            Node second = cluster.awaitLeaderBut(first);
            assertThat(second.get("long", false)).isEmpty();
            assertThat(timeLeft(second, 7)).isBetween(400L, 500L);
            assertThat(second.keyspace()
                            .keepAlive(
                                    LeaseKeepAliveRequest.newBuilder().setID(7).build())
                            .getTTL())
                    .isEqualTo(500);
            await(() -> second.get("short", false) == null);
            assertThat(timeLeft(second, 8)).isEqualTo(-1);
            assertThat(second.get("long", false)).isEmpty();
        }
    }

    /** Takes a watch's events until that of a revision. */
    private static void take(StoreFixture.Recorder watch, List<Event> into, long until) throws InterruptedException {
        while (into.isEmpty() || into.getLast().getKv().getModRevision() < until) {
            into.addAll(watch.next().getEventsList());
        }
    }

    private static StoreFixture.Recorder watch(Node node, long from) {
        StoreFixture.Recorder recorder = new StoreFixture.Recorder();
        var unused = node.keyspace()
                .watch(
                        WatchCreateRequest.newBuilder()
                                .setKey(StoreFixture.bytes("k"))
                                .setRangeEnd(StoreFixture.bytes("l"))
                                .setStartRevision(from)
                                .build(),
                        recorder);
        return recorder;
    }

    @Test
    void aWatchThatMovesBetweenMembersSeesEveryEventOnceInOrder() throws Exception {
        try (ClusterFixture cluster = new ClusterFixture(directory, 3)) {
            Node leader = cluster.awaitLeader();
            Node follower = cluster.follower();
            List<Event> seen = new ArrayList<>();
            List<String> written = new ArrayList<>();
            StoreFixture.Recorder staying = watch(follower, 1);
            List<Event> stayed = new ArrayList<>();
            Node watched = leader;
            StoreFixture.Recorder moving = watch(watched, 1);
            for (int change = 0; change < 3; change++) {
                long last = 0;
                for (int i = 0; i < 40; i++) {
                    last = leader.put("k" + i % 5, change + "/" + i);
                    written.add(change + "/" + i);
                }
                take(moving, seen, last);
                take(staying, stayed, last);
                Node before = leader;
                if (before != follower) {
                    before.stop();
                    leader = cluster.awaitLeaderBut(before);
                    before.start();
                    await(() -> before.store().serving());
                }
                // The client goes on at another member, after the last event that it saw.
                watched = change % 2 == 0 ? follower : leader;
                moving = watch(watched, last + 1);
            }
            long last = leader.put("k", "end");
            written.add("end");
            take(moving, seen, last);
            take(staying, stayed, last);
            assertThat(seen)
                    .extracting(each -> each.getKv().getValue().toStringUtf8())
                    .containsExactlyElementsOf(written);
            assertThat(stayed).isEqualTo(seen);
        }
    }
}
