package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.SimulatedClock;
import dev.coppice.store.StoreFixture.Recorder;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.WatchCreateRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaseTest {

    @TempDir
    Path directory;

    private static void put(StoreFixture store, String key, long lease) {
        var unused = store.keyspace.put(
                PutRequest.newBuilder().setKey(bytes(key)).setLease(lease).build());
    }

    @Test
    void expiresByTheClockUnlessKeptAlive() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (StoreFixture store = new StoreFixture(directory, clock, 1L << 30)) {
            long kept = store.keyspace
                    .grant(LeaseGrantRequest.newBuilder().setTTL(10).build())
                    .getID();
            long left = store.keyspace
                    .grant(LeaseGrantRequest.newBuilder().setTTL(10).build())
                    .getID();
            put(store, "kept", kept);
            put(store, "left", left);
            put(store, "left2", left);
            Recorder recorder = store.watch(
                    WatchCreateRequest.newBuilder().setKey(bytes("k")).setRangeEnd(bytes("m")));
            assertThat(recorder.next().getCreated()).isTrue();
            clock.advance(Duration.ofSeconds(8));
            assertThat(store.keyspace
                            .keepAlive(LeaseKeepAliveRequest.newBuilder()
                                    .setID(kept)
                                    .build())
                            .getTTL())
                    .isEqualTo(10);
            clock.advance(Duration.ofSeconds(3));
            var events = recorder.events(2);
            assertThat(events).extracting(Event::getType).containsOnly(Event.EventType.DELETE);
            assertThat(events)
                    .extracting(event -> event.getKv().getKey())
                    .containsExactly(bytes("left"), bytes("left2"));
            assertThat(events.get(0).getKv().getModRevision())
                    .isEqualTo(events.get(1).getKv().getModRevision());
            assertThat(store.get("kept")).isEqualTo("");
            assertThat(store.keyspace
                            .keepAlive(LeaseKeepAliveRequest.newBuilder()
                                    .setID(left)
                                    .build())
                            .getTTL())
                    .isZero();
        }
    }

    /** The time that passed counts over a restart, as far as it was written down; renewing takes that back. */
    @Test
    void livesOnFromItsCheckpoint() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (StoreFixture store = new StoreFixture(directory, clock, 1L << 30)) {
            for (long id : List.of(5L, 6L)) {
                var granted = store.keyspace.grant(
                        LeaseGrantRequest.newBuilder().setID(id).setTTL(3600).build());
                assertThat(granted.getTTL()).isEqualTo(3600);
            }
            for (int i = 0; i < 100; i++) {
                clock.advance(Duration.ofSeconds(10));
            }
            store.store.memberKeyspace("etcd").checkpointLeases();
            assertThat(store.keyspace
                            .keepAlive(
                                    LeaseKeepAliveRequest.newBuilder().setID(6).build())
                            .getTTL())
                    .isEqualTo(3600);
        }
        try (StoreFixture store = new StoreFixture(directory, clock, 1L << 30)) {
            assertThat(left(store, 5)).isBetween(2000L, 2900L);
            assertThat(left(store, 6)).isGreaterThan(3500);
        }
    }

    private static long left(StoreFixture store, long id) {
        return store.keyspace
                .timeToLive(LeaseTimeToLiveRequest.newBuilder().setID(id).build())
                .getTTL();
    }

    @Test
    void refusesWhatIsNotThere() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            assertThatThrownBy(() -> put(store, "a", 77)).hasMessage("etcdserver: requested lease not found");
            assertThatThrownBy(() -> store.keyspace.revoke(
                            LeaseRevokeRequest.newBuilder().setID(77).build()))
                    .hasMessage("etcdserver: requested lease not found");
            assertThat(store.keyspace.revision()).isEqualTo(1);
        }
    }
}
