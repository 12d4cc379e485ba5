package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.KVGrpc;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.WatchCancelRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchGrpc;
import dev.coppice.store.api.WatchProgressRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many watches of a stream through the whole of gRPC: clients that keep up and clients that are slow. */
@Timeout(120)
class WatchDeliveryTest {

    private static final String END = "the stream ended";

    @TempDir
    Path directory;

    private EtcdServed served;
    private ManagedChannel channel;
    private KVGrpc.KVBlockingStub kv;

    @BeforeEach
    void start() throws Exception {
        served = new EtcdServed(directory);
        channel = NettyChannelBuilder.forTarget(served.endpoint)
                .usePlaintext()
                .maxInboundMessageSize(64 << 20)
                .build();
        kv = KVGrpc.newBlockingStub(channel);
    }

    @AfterEach
    void stop() {
        channel.shutdownNow();
        served.close();
    }

    /** A stream of watches that takes responses when it is told to, or at once. */
    private final class Client implements ClientResponseObserver<WatchRequest, WatchResponse> {
        final LinkedBlockingQueue<WatchResponse> responses = new LinkedBlockingQueue<>();
        final Map<Long, List<Long>> revisions = new HashMap<>();
        private final boolean slow;
        private ClientCallStreamObserver<WatchRequest> requests;

        Client(boolean slow) {
            this.slow = slow;
            var unused = WatchGrpc.newStub(channel).watch(this);
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<WatchRequest> stream) {
            requests = stream;
            if (slow) {
                stream.disableAutoRequestWithInitial(0);
            }
        }

        @Override
        public void onNext(WatchResponse response) {
            responses.add(response);
        }

        @Override
        public void onError(Throwable error) {
            responses.add(WatchResponse.newBuilder()
                    .setCancelReason(END + ": " + error)
                    .build());
        }

        @Override
        public void onCompleted() {
            responses.add(WatchResponse.newBuilder().setCancelReason(END).build());
        }

        void take(int number) {
            requests.request(number);
        }

        void watch(WatchCreateRequest.Builder request) {
            requests.onNext(WatchRequest.newBuilder().setCreateRequest(request).build());
        }

        void cancel(long id) {
            requests.onNext(WatchRequest.newBuilder()
                    .setCancelRequest(WatchCancelRequest.newBuilder().setWatchId(id))
                    .build());
        }

        void askForProgress() {
            requests.onNext(WatchRequest.newBuilder()
                    .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                    .build());
        }

        WatchResponse next() throws InterruptedException {
            if (slow) {
                take(1);
            }
            WatchResponse response = responses.poll(30, TimeUnit.SECONDS);
            assertThat(response).as("a response within 30 s").isNotNull();
            assertThat(response.getCancelReason()).doesNotStartWith(END);
            return response;
        }

        /** Takes responses until each of some watches has seen a number of events. */
        void takeEvents(int watches, int each) throws InterruptedException {
            long left = (long) watches * each;
            while (left > 0) {
                WatchResponse response = next();
                List<Long> seen = revisions.computeIfAbsent(response.getWatchId(), id -> new ArrayList<>());
                for (Event event : response.getEventsList()) {
                    seen.add(event.getKv().getModRevision());
                    left--;
                }
            }
            assertThat(left).isZero();
        }
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static WatchCreateRequest.Builder of(String key) {
        return WatchCreateRequest.newBuilder().setKey(bytes(key));
    }

    private long put(String key, String value) {
        return kv.put(PutRequest.newBuilder()
                        .setKey(bytes(key))
                        .setValue(bytes(value))
                        .build())
                .getHeader()
                .getRevision();
    }

    private static List<Long> through(long first, long last) {
        return LongStream.rangeClosed(first, last).boxed().toList();
    }

    @Test
    void everyWatchOfAStreamSeesEveryEventOnceAndInOrder() throws Exception {
        Client client = new Client(false);
        for (int i = 0; i < 1000; i++) {
            client.watch(of("one"));
        }
        for (int i = 0; i < 1000; i++) {
            WatchResponse created = client.next();
            assertThat(created.getCreated()).isTrue();
            assertThat(created.getWatchId()).isEqualTo(i);
        }
        long first = put("one", "0");
        long last = first;
        for (int i = 1; i < 60; i++) {
            last = put("one", "x".repeat(i * 10));
        }
        client.takeEvents(1000, 60);
        assertThat(client.revisions).hasSize(1000);
        for (List<Long> each : client.revisions.values()) {
            assertThat(each).isEqualTo(through(first, last));
        }
    }

    @Test
    void aSlowClientCatchesUpWithoutLossWhileOthersGoOn() throws Exception {
        Client slow = new Client(true);
        Client quick = new Client(false);
        for (int i = 0; i < 20; i++) {
            slow.watch(of("w/").setRangeEnd(bytes("w0")));
        }
        slow.watch(of("w/5").setPrevKv(true));
        quick.watch(of("w/").setRangeEnd(bytes("w0")));
        for (int i = 0; i < 21; i++) {
            assertThat(slow.next().getCreated()).isTrue();
        }
        assertThat(quick.next().getCreated()).isTrue();
        // More than the connection, the queues and the ring hold.
        int puts = 3000;
        long first = put("w/0", "0");
        long last = first;
        for (int i = 1; i < puts; i++) {
            last = put("w/" + i % 10, "v".repeat(5000));
        }
        quick.takeEvents(1, puts);
        assertThat(quick.revisions.get(0L)).isEqualTo(through(first, last));
        slow.askForProgress();
        // From now on as quickly as they come.
        Map<Long, List<Long>> seen = new HashMap<>();
        WatchResponse progress = null;
        while (progress == null) {
            WatchResponse response = slow.next();
            if (response.getEventsCount() == 0) {
                progress = response;
            }
            for (Event event : response.getEventsList()) {
                assertThat(event.hasPrevKv())
                        .isEqualTo(response.getWatchId() == 20 && event.getKv().getVersion() > 1);
                seen.computeIfAbsent(response.getWatchId(), id -> new ArrayList<>())
                        .add(event.getKv().getModRevision());
            }
        }
        assertThat(progress.getWatchId()).as("progress of all").isEqualTo(-1);
        assertThat(progress.getHeader().getRevision()).isEqualTo(last);
        for (long id = 0; id < 20; id++) {
            assertThat(seen.get(id)).isEqualTo(through(first, last));
        }
        assertThat(seen.get(20L)).hasSize(puts / 10);
    }

    @Test
    void watchesOfTheSameKeyBeginAndEndByThemselves() throws Exception {
        Client client = new Client(false);
        long first = put("one", "1");
        put("one", "2");
        client.watch(of("one").setStartRevision(first));
        client.watch(of("one"));
        client.watch(of("one").setStartRevision(first + 3));
        Map<Long, List<Long>> seen = new HashMap<>();
        for (int created = 0; created < 3; ) {
            WatchResponse response = client.next();
            created += response.getCreated() ? 1 : 0;
            note(response, seen);
        }
        put("one", "3");
        long last = put("one", "4");
        while (seen.values().stream().mapToInt(List::size).sum() < 7) {
            note(client.next(), seen);
        }
        assertThat(seen)
                .containsEntry(0L, through(first, last))
                .containsEntry(1L, through(last - 1, last))
                .containsEntry(2L, through(last, last));
        client.cancel(1);
        WatchResponse cancelled = client.next();
        assertThat(cancelled.getCanceled()).isTrue();
        assertThat(cancelled.getWatchId()).isEqualTo(1);
        put("one", "5");
        assertThat(List.of(client.next().getWatchId(), client.next().getWatchId()))
                .containsExactlyInAnyOrder(0L, 2L);
    }

    private static void note(WatchResponse response, Map<Long, List<Long>> seen) {
        for (Event event : response.getEventsList()) {
            seen.computeIfAbsent(response.getWatchId(), id -> new ArrayList<>())
                    .add(event.getKv().getModRevision());
        }
    }
}
