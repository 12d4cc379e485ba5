package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.store.StoreFixture.Recorder;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreTest {

    @TempDir
    Path directory;

    @Test
    void keepsEverythingOverARestart() throws Exception {
        long lease;
        try (StoreFixture store = new StoreFixture(directory)) {
            assertThat(store.keyspace.revision()).isEqualTo(1);
            assertThat(store.put("a", "1")).isEqualTo(2);
            assertThat(store.put("a", "2")).isEqualTo(3);
            lease = store.keyspace
                    .grant(LeaseGrantRequest.newBuilder().setTTL(60).build())
                    .getID();
            store.keyspace.put(PutRequest.newBuilder()
                    .setKey(bytes("b"))
                    .setValue(bytes("x"))
                    .setLease(lease)
                    .build());
            assertThat(store.store.keyspace("control").revision()).isEqualTo(1);
        }
        try (StoreFixture store = new StoreFixture(directory)) {
            assertThat(store.keyspace.revision()).isEqualTo(4);
            assertThat(store.get("a")).isEqualTo("2");
            var time = store.keyspace.timeToLive(LeaseTimeToLiveRequest.newBuilder()
                    .setID(lease)
                    .setKeys(true)
                    .build());
            assertThat(time.getKeysList()).containsExactly(bytes("b"));
            assertThat(time.getGrantedTTL()).isEqualTo(60);
            assertThat(store.put("a", "3")).isEqualTo(5);
        }
    }

    @Test
    void readsThePast() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            store.put("a", "1");
            store.put("b", "1");
            store.put("a", "2");
            store.keyspace.delete(
                    DeleteRangeRequest.newBuilder().setKey(bytes("b")).build());
            assertThat(all(store, 2).getKvsList())
                    .extracting(kv -> kv.getValue().toStringUtf8())
                    .containsExactly("1");
            assertThat(all(store, 3).getCount()).isEqualTo(2);
            assertThat(all(store, 4).getKvs(0).getValue()).isEqualTo(bytes("2"));
            assertThat(all(store, 5).getCount()).isEqualTo(1);
            assertThat(all(store, 0).getCount()).isEqualTo(1);
            assertThatThrownBy(() -> all(store, 6))
                    .hasMessage("etcdserver: mvcc: required revision is a future revision");
            store.keyspace.compact(CompactionRequest.newBuilder()
                    .setRevision(4)
                    .setPhysical(true)
                    .build());
            assertThatThrownBy(() -> all(store, 3))
                    .hasMessage("etcdserver: mvcc: required revision has been compacted");
            assertThat(all(store, 4).getCount()).isEqualTo(2);
            assertThat(all(store, 4).getKvs(0).getValue()).isEqualTo(bytes("2"));
        }
    }

    private static RangeResponse all(StoreFixture store, long revision) {
        return store.keyspace.range(RangeRequest.newBuilder()
                .setKey(bytes("\0"))
                .setRangeEnd(bytes("\0"))
                .setRevision(revision)
                .build());
    }

    @Test
    void doesATransactionAtOneRevision() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            store.put("a", "1");
            TxnResponse answer = store.keyspace.txn(TxnRequest.newBuilder()
                    .addCompare(Compare.newBuilder()
                            .setKey(bytes("a"))
                            .setTarget(Compare.CompareTarget.VALUE)
                            .setValue(bytes("1")))
                    .addSuccess(put("b", "2"))
                    .addSuccess(RequestOp.newBuilder()
                            .setRequestRange(RangeRequest.newBuilder().setKey(bytes("b"))))
                    .addSuccess(put("c", "3"))
                    .addFailure(put("d", "4"))
                    .build());
            assertThat(answer.getSucceeded()).isTrue();
            assertThat(answer.getHeader().getRevision()).isEqualTo(3);
            assertThat(answer.getResponses(1).getResponseRange().getKvs(0).getValue())
                    .isEqualTo(bytes("2"));
            assertThat(all(store, 0).getKvsList())
                    .extracting(kv -> kv.getModRevision())
                    .containsExactly(2L, 3L, 3L);
        }
    }

    private static RequestOp put(String key, String value) {
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder().setKey(bytes(key)).setValue(bytes(value)))
                .build();
    }

    @Test
    void watchesFromThePastIntoTheFuture() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            store.put("p/a", "1");
            store.put("q", "1");
            store.put("p/b", "2");
            Recorder recorder = store.watch(WatchCreateRequest.newBuilder()
                    .setKey(bytes("p/"))
                    .setRangeEnd(bytes("p0"))
                    .setPrevKv(true)
                    .setStartRevision(2));
            assertThat(recorder.next().getCreated()).isTrue();
            assertThat(recorder.events(2)).extracting(Event::getType).containsOnly(Event.EventType.PUT);
            store.put("p/a", "3");
            store.keyspace.delete(
                    DeleteRangeRequest.newBuilder().setKey(bytes("p/b")).build());
            List<Event> events = recorder.events(2);
            assertThat(events.get(0).getPrevKv().getValue()).isEqualTo(bytes("1"));
            assertThat(events.get(1).getType()).isEqualTo(Event.EventType.DELETE);
            assertThat(events.get(1).getPrevKv().getValue()).isEqualTo(bytes("2"));
        }
    }

    @Test
    void tellsAWatchThatItsStartIsCompacted() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            store.put("a", "1");
            store.put("a", "2");
            store.put("a", "3");
            store.keyspace.compact(CompactionRequest.newBuilder().setRevision(4).build());
            Recorder recorder = store.watch(
                    WatchCreateRequest.newBuilder().setKey(bytes("a")).setStartRevision(2));
            assertThat(recorder.next().getCreated()).isTrue();
            WatchResponse end = recorder.next();
            assertThat(end.getCanceled()).isTrue();
            assertThat(end.getCompactRevision()).isEqualTo(4);
            assertThat(recorder.ends.take()).contains("compacted");
        }
    }
}
