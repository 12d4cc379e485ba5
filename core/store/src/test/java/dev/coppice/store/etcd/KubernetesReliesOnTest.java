package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrpc;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.MaintenanceGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.StatusRequest;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchGrpc;
import dev.coppice.store.api.WatchProgressRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kube-apiserver expects of its store, each by the calls that it makes (k8s.io/apiserver, storage/etcd3). */
class KubernetesReliesOnTest {

    @TempDir
    Path directory;

    private EtcdServed served;
    private ManagedChannel channel;
    private KVGrpc.KVBlockingStub kv;

    @BeforeEach
    void start() throws Exception {
        served = new EtcdServed(directory);
        channel = NettyChannelBuilder.forTarget(served.endpoint).usePlaintext().build();
        kv = KVGrpc.newBlockingStub(channel);
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        served.close();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private long put(String key, String value) {
        return kv.put(PutRequest.newBuilder()
                        .setKey(bytes(key))
                        .setValue(bytes(value))
                        .build())
                .getHeader()
                .getRevision();
    }

    private static RequestOp putOperation(String key, String value) {
        return RequestOp.newBuilder()
                .setRequestPut(PutRequest.newBuilder().setKey(bytes(key)).setValue(bytes(value)))
                .build();
    }

    private static RequestOp getOperation(String key) {
        return RequestOp.newBuilder()
                .setRequestRange(RangeRequest.newBuilder().setKey(bytes(key)))
                .build();
    }

    private TxnResponse ifModifiedAt(String key, long revision, RequestOp then) {
        return kv.txn(TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(bytes(key))
                        .setTarget(Compare.CompareTarget.MOD)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setModRevision(revision))
                .addSuccess(then)
                .addFailure(getOperation(key))
                .build());
    }

    /** Several apiservers agree by this key which of them compacts (compact.go). */
    @Test
    void compactionIsAgreedOnByAKeyAndItsVersion() {
        TxnRequest.Builder request = TxnRequest.newBuilder()
                .addCompare(Compare.newBuilder()
                        .setKey(bytes("compact_rev_key"))
                        .setTarget(Compare.CompareTarget.VERSION)
                        .setResult(Compare.CompareResult.EQUAL)
                        .setVersion(0))
                .addSuccess(putOperation("compact_rev_key", "0"))
                .addFailure(getOperation("compact_rev_key"));
        TxnResponse first = kv.txn(request.build());
        assertThat(first.getSucceeded()).isTrue();
        TxnResponse second = kv.txn(request.build());
        assertThat(second.getSucceeded()).isFalse();
        KeyValue seen = second.getResponses(0).getResponseRange().getKvs(0);
        assertThat(seen.getVersion()).isEqualTo(1);
        long revision = second.getHeader().getRevision();
        assertThat(revision).isEqualTo(first.getHeader().getRevision());
        var compacted =
                kv.compact(CompactionRequest.newBuilder().setRevision(revision).build());
        assertThat(compacted.getHeader().getRevision()).isEqualTo(revision);
        assertThat(kv.range(RangeRequest.newBuilder()
                                .setKey(bytes("compact_rev_key"))
                                .build())
                        .getCount())
                .isEqualTo(1);
    }

    /** Create: only where nothing is; update and delete: only what was read (store.go). */
    @Test
    void objectsAreChangedOnlyAsTheyWereRead() {
        String key = "/registry/pods/default/a";
        TxnResponse created = ifModifiedAt(key, 0, putOperation(key, "1"));
        assertThat(created.getSucceeded()).isTrue();
        long revision = created.getResponses(0).getResponsePut().getHeader().getRevision();
        assertThat(revision).isEqualTo(created.getHeader().getRevision());
        TxnResponse again = ifModifiedAt(key, 0, putOperation(key, "2"));
        assertThat(again.getSucceeded()).isFalse();
        assertThat(again.getResponses(0).getResponseRange().getKvs(0).getModRevision())
                .isEqualTo(revision);
        assertThat(ifModifiedAt(key, revision, putOperation(key, "2")).getSucceeded())
                .isTrue();
        TxnResponse deleted = ifModifiedAt(
                key,
                revision + 1,
                RequestOp.newBuilder()
                        .setRequestDeleteRange(DeleteRangeRequest.newBuilder().setKey(bytes(key)))
                        .build());
        assertThat(deleted.getSucceeded()).isTrue();
        assertThat(deleted.getResponses(0).getResponseDeleteRange().getHeader().getRevision())
                .isEqualTo(revision + 2);
    }

    private RangeResponse list(String from, long revision, long limit) {
        return kv.range(RangeRequest.newBuilder()
                .setKey(bytes(from))
                .setRangeEnd(bytes("/registry/pods0"))
                .setRevision(revision)
                .setLimit(limit)
                .build());
    }

    /** Lists in pages, all as of the revision of the first one, each saying how many there are. */
    @Test
    void listsGoOnAtTheRevisionTheyBeganAt() {
        for (int i = 0; i < 5; i++) {
            put("/registry/pods/" + i, "v");
        }
        RangeResponse first = list("/registry/pods/", 0, 2);
        assertThat(first.getKvsCount()).isEqualTo(2);
        assertThat(first.getMore()).isTrue();
        assertThat(first.getCount()).isEqualTo(5);
        put("/registry/pods/11", "later");
        long revision = first.getHeader().getRevision();
        RangeResponse next = list("/registry/pods/1\0", revision, 2);
        assertThat(next.getKvsList())
                .extracting(KeyValue::getKey)
                .containsExactly(bytes("/registry/pods/2"), bytes("/registry/pods/3"));
        assertThat(next.getMore()).isTrue();
        assertThat(next.getCount()).isEqualTo(3);
        assertThat(next.getHeader().getRevision()).isEqualTo(revision + 1);
        RangeResponse last = list("/registry/pods/3\0", revision, 2);
        assertThat(last.getMore()).isFalse();
        assertThat(last.getCount()).isEqualTo(1);
    }

    @Test
    void countsWithoutKeysAndListsKeysWithoutValues() {
        put("/registry/pods/a", "value");
        put("/registry/pods/b", "value");
        RangeRequest all = RangeRequest.newBuilder()
                .setKey(bytes("/registry/pods/"))
                .setRangeEnd(bytes("/registry/pods0"))
                .build();
        RangeResponse counted = kv.range(all.toBuilder().setCountOnly(true).build());
        assertThat(counted.getCount()).isEqualTo(2);
        assertThat(counted.getKvsCount()).isZero();
        RangeResponse keys = kv.range(all.toBuilder().setKeysOnly(true).build());
        assertThat(keys.getKvsList()).allSatisfy(pair -> {
            assertThat(pair.getValue().isEmpty()).isTrue();
            assertThat(pair.getModRevision()).isPositive();
        });
    }

    /** The bookmarks of watch caches: asked for on the stream, answered for all of its watches at once. */
    @Test
    void watchesTellHowFarTheyAreWhenAsked() throws Exception {
        LinkedBlockingQueue<WatchResponse> told = new LinkedBlockingQueue<>();
        StreamObserver<WatchRequest> stream = watch(told);
        stream.onNext(create("/registry/pods/", "/registry/pods0", 0, true));
        assertThat(next(told).getCreated()).isTrue();
        long other = put("/registry/nodes/a", "1");
        stream.onNext(WatchRequest.newBuilder()
                .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                .build());
        WatchResponse progress = next(told);
        assertThat(progress.getEventsCount()).isZero();
        assertThat(progress.getWatchId()).isEqualTo(-1);
        assertThat(progress.getHeader().getRevision()).isEqualTo(other);
        stream.onCompleted();
    }

    /** Never a bookmark before the events that it covers. */
    @Test
    void progressComesAfterTheEventsBeforeIt() throws Exception {
        LinkedBlockingQueue<WatchResponse> told = new LinkedBlockingQueue<>();
        StreamObserver<WatchRequest> stream = watch(told);
        stream.onNext(create("/registry/", "/registry0", 0, false));
        assertThat(next(told).getCreated()).isTrue();
        long seen = 0;
        for (int i = 0; i < 200; i++) {
            long written = put("/registry/pods/" + i % 7, "v" + i);
            stream.onNext(WatchRequest.newBuilder()
                    .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                    .build());
            WatchResponse response = next(told);
            while (response.getEventsCount() > 0) {
                seen = response.getEvents(response.getEventsCount() - 1).getKv().getModRevision();
                response = next(told);
            }
            assertThat(response.getHeader().getRevision()).isEqualTo(written);
            assertThat(seen).isEqualTo(written);
        }
        stream.onCompleted();
    }

    /** Deletions carry the object that was there: watch events are made of it. */
    @Test
    void watchesCarryThePairBefore() throws Exception {
        long first = put("/registry/pods/a", "1");
        put("/registry/pods/a", "2");
        var unused = kv.deleteRange(DeleteRangeRequest.newBuilder()
                .setKey(bytes("/registry/pods/a"))
                .build());
        LinkedBlockingQueue<WatchResponse> told = new LinkedBlockingQueue<>();
        StreamObserver<WatchRequest> stream = watch(told);
        stream.onNext(create("/registry/pods/", "/registry/pods0", first, true));
        List<Event> events = new ArrayList<>();
        while (events.size() < 3) {
            events.addAll(next(told).getEventsList());
        }
        assertThat(events.get(0).hasPrevKv()).isFalse();
        assertThat(events.get(1).getPrevKv().getValue()).isEqualTo(bytes("1"));
        assertThat(events.get(2).getType()).isEqualTo(Event.EventType.DELETE);
        assertThat(events.get(2).getPrevKv().getValue()).isEqualTo(bytes("2"));
        assertThat(events.get(2).getKv().getModRevision()).isEqualTo(first + 2);
        stream.onCompleted();
    }

    /** A watch from a revision that is gone ends, and tells the client to list anew ("410 Gone"). */
    @Test
    void watchesFromACompactedRevisionEndWithIt() throws Exception {
        long first = put("/registry/pods/a", "1");
        long second = put("/registry/pods/a", "2");
        put("/registry/pods/a", "3");
        var unused = kv.compact(CompactionRequest.newBuilder()
                .setRevision(second)
                .setPhysical(true)
                .build());
        LinkedBlockingQueue<WatchResponse> told = new LinkedBlockingQueue<>();
        StreamObserver<WatchRequest> stream = watch(told);
        stream.onNext(create("/registry/pods/", "/registry/pods0", first, true));
        WatchResponse response = next(told);
        while (!response.getCanceled()) {
            assertThat(response.getEventsCount()).isZero();
            response = next(told);
        }
        assertThat(response.getCompactRevision()).isEqualTo(second);
        stream.onNext(create("/registry/pods/", "/registry/pods0", second, true));
        List<Event> events = new ArrayList<>();
        while (events.size() < 2) {
            events.addAll(next(told).getEventsList());
        }
        assertThat(events.getFirst().getKv().getModRevision()).isEqualTo(second);
        stream.onCompleted();
    }

    /** Events have a time to live: many of them share a lease. */
    @Test
    void objectsGoWithTheirLease() {
        LeaseGrpc.LeaseBlockingStub leases = LeaseGrpc.newBlockingStub(channel);
        long id = leases.leaseGrant(LeaseGrantRequest.newBuilder().setTTL(3600).build())
                .getID();
        for (String key : List.of("/registry/events/a", "/registry/events/b")) {
            TxnResponse created = ifModifiedAt(
                    key,
                    0,
                    RequestOp.newBuilder()
                            .setRequestPut(
                                    PutRequest.newBuilder().setKey(bytes(key)).setLease(id))
                            .build());
            assertThat(created.getSucceeded()).isTrue();
        }
        long before = served.store.keyspace("etcd").revision();
        var revoked =
                leases.leaseRevoke(LeaseRevokeRequest.newBuilder().setID(id).build());
        assertThat(revoked.getHeader().getRevision()).isEqualTo(before + 1);
        assertThat(list("/registry/", 0, 0).getCount()).isZero();
    }

    /** New apiservers look at the version to decide whether they may ask for progress. */
    @Test
    void theVersionAllowsRequestsForProgress() {
        var status = MaintenanceGrpc.newBlockingStub(channel).status(StatusRequest.getDefaultInstance());
        String[] version = status.getVersion().split("\\.");
        assertThat(Integer.parseInt(version[1])).isEqualTo(5);
        assertThat(Integer.parseInt(version[2])).isGreaterThanOrEqualTo(13);
        assertThat(status.getDbSize()).isPositive();
    }

    /** The health check of the apiserver: a key that is not there. */
    @Test
    void aKeyThatIsNotThereIsNoError() {
        RangeResponse health =
                kv.range(RangeRequest.newBuilder().setKey(bytes("health")).build());
        assertThat(health.getCount()).isZero();
        assertThat(health.getHeader().getRevision()).isPositive();
    }

    /** Its watches need a leader (clientv3.WithRequireLeader); with one, that changes nothing. */
    @Test
    void watchesThatNeedALeaderRunWhereThereIsOne() throws Exception {
        Metadata needsLeader = new Metadata();
        needsLeader.put(Metadata.Key.of("hasleader", Metadata.ASCII_STRING_MARSHALLER), "true");
        LinkedBlockingQueue<WatchResponse> told = new LinkedBlockingQueue<>();
        StreamObserver<WatchRequest> stream = WatchGrpc.newStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(needsLeader))
                .watch(taking(told));
        stream.onNext(create("/registry/", "/registry0", 0, true));
        assertThat(next(told).getCreated()).isTrue();
        long written = put("/registry/a", "1");
        assertThat(next(told).getEvents(0).getKv().getModRevision()).isEqualTo(written);
        stream.onCompleted();
    }

    /** Large lists of events come in parts, none over what a client takes. */
    @Test
    void fragmentsMakeUpTheWholeRevision() throws Exception {
        TxnRequest.Builder request = TxnRequest.newBuilder();
        String value = "x".repeat(40_000);
        for (int i = 0; i < 35; i++) {
            request.addSuccess(putOperation("/registry/a" + i, value));
        }
        long first = kv.txn(request.build()).getHeader().getRevision();
        // Every event carries the pair before, so the second revision is twice as large as a message may be.
        var unused = kv.txn(request.build());
        LinkedBlockingQueue<WatchResponse> told = new LinkedBlockingQueue<>();
        StreamObserver<WatchRequest> stream = WatchGrpc.newStub(channel).watch(taking(told));
        WatchRequest wanted = create("/registry/", "/registry0", first + 1, true);
        stream.onNext(WatchRequest.newBuilder()
                .setCreateRequest(wanted.getCreateRequest().toBuilder().setFragment(true))
                .build());
        assertThat(next(told).getCreated()).isTrue();
        List<Event> events = new ArrayList<>();
        boolean more = true;
        int parts = 0;
        while (more) {
            WatchResponse part = next(told);
            assertThat(part.getSerializedSize()).isLessThan(2 << 20);
            events.addAll(part.getEventsList());
            more = part.getFragment();
            parts++;
        }
        assertThat(parts).isGreaterThan(1);
        assertThat(events).hasSize(35).allMatch(Event::hasPrevKv);
        stream.onCompleted();
    }

    private StreamObserver<WatchRequest> watch(LinkedBlockingQueue<WatchResponse> told) {
        return WatchGrpc.newStub(channel).watch(taking(told));
    }

    private static StreamObserver<WatchResponse> taking(LinkedBlockingQueue<WatchResponse> told) {
        return new StreamObserver<>() {
            @Override
            public void onNext(WatchResponse response) {
                told.add(response);
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onCompleted() {}
        };
    }

    private static WatchRequest create(String key, String end, long revision, boolean previous) {
        return WatchRequest.newBuilder()
                .setCreateRequest(WatchCreateRequest.newBuilder()
                        .setKey(bytes(key))
                        .setRangeEnd(bytes(end))
                        .setStartRevision(revision)
                        .setProgressNotify(true)
                        .setPrevKv(previous))
                .build();
    }

    private static WatchResponse next(LinkedBlockingQueue<WatchResponse> told) throws InterruptedException {
        WatchResponse response = told.poll(10, TimeUnit.SECONDS);
        if (response == null) {
            throw new AssertionError("no response within 10 s");
        }
        return response;
    }
}
