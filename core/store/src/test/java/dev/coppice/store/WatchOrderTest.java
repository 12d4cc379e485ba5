package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.store.StoreFixture.Recorder;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing is lost, repeated or reordered, however slow a watch is and however many write. */
class WatchOrderTest {

    private static final int WRITERS = 8;
    private static final int WRITES = 400;

    @TempDir
    Path directory;

    /** Blocks in its first events until it is let go, so that it falls behind; then takes everything. */
    private static final class Slow implements WatchObserver {
        final CountDownLatch go = new CountDownLatch(1);
        final List<Event> events = new ArrayList<>();
        final CountDownLatch done = new CountDownLatch(WRITERS * WRITES);

        @Override
        public void response(WatchResponse response) throws InterruptedException {
            if (response.getEventsCount() > 0 && !go.await(60, TimeUnit.SECONDS)) {
                throw new AssertionError("never let go");
            }
            synchronized (events) {
                events.addAll(response.getEventsList());
            }
            response.getEventsList().forEach(each -> done.countDown());
        }

        @Override
        public void closed(@Nullable Throwable error) {}
    }

    @Test
    void everyWatchSeesEveryChangeInOrder() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            WatchCreateRequest all = WatchCreateRequest.newBuilder()
                    .setKey(bytes("w/"))
                    .setRangeEnd(bytes("w0"))
                    .build();
            Slow slow = new Slow();
            Slow quick = new Slow();
            quick.go.countDown();
            Watch first = store.keyspace.watch(all, slow);
            Watch second = store.keyspace.watch(all, quick);
            Recorder created = store.watch(WatchCreateRequest.newBuilder().setKey(bytes("none")));
            assertThat(created.next().getCreated()).isTrue();
            write(store);
            slow.go.countDown();
            Slow late = new Slow();
            late.go.countDown();
            Watch third =
                    store.keyspace.watch(all.toBuilder().setStartRevision(2).build(), late);
            for (Slow each : List.of(quick, slow, late)) {
                assertThat(each.done.await(60, TimeUnit.SECONDS)).isTrue();
                assertThat(each.events)
                        .extracting(event -> event.getKv().getModRevision())
                        .as("revisions 2 to %d, each once, in order", WRITERS * WRITES + 1)
                        .containsExactlyElementsOf(java.util.stream.LongStream.rangeClosed(2, WRITERS * WRITES + 1)
                                .boxed()
                                .toList());
            }
            first.close();
            second.close();
            third.close();
        }
    }

    private static void write(StoreFixture store) throws Exception {
        CountDownLatch written = new CountDownLatch(WRITERS);
        for (int writer = 0; writer < WRITERS; writer++) {
            String prefix = "w/" + writer + "/";
            var unused = store.kernel
                    .root()
                    .start(ChildSpec.task("writer-" + writer, () -> {
                                for (int i = 0; i < WRITES; i++) {
                                    store.put(prefix + i % 10, "x".repeat(2000) + i);
                                }
                                written.countDown();
                            })
                            .withRestart(ChildSpec.Restart.TEMPORARY));
        }
        assertThat(written.await(60, TimeUnit.SECONDS)).isTrue();
    }
}
