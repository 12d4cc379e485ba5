package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Supervisor;
import dev.coppice.store.StoreFixture.Recorder;
import dev.coppice.store.api.WatchCreateRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever child of the store dies: it comes back by itself, with everything. */
class HealingTest {

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"member", "watches", "leases", "compaction", "upkeep"})
    void comesBackAfterAKill(String child) throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            store.put("a", "1");
            Recorder recorder = store.watch(WatchCreateRequest.newBuilder().setKey(bytes("a")));
            assertThat(recorder.next().getCreated()).isTrue();
            Supervisor tree = store.kernel.root().child("store").orElseThrow().supervisor();
            tree.child(child).orElseThrow().kill();
            if (child.equals("member") || child.equals("watches")) {
                assertThat(recorder.ends.poll(20, TimeUnit.SECONDS)).isEqualTo("etcdserver: server stopped");
            }
            assertThat(putSoon(store)).isGreaterThan(2);
            assertThat(watchSoon(store).next().getCreated()).isTrue();
            assertThat(store.get("a")).isEqualTo("2");
        }
    }

    private interface Attempt<T> {
        T run() throws Exception;
    }

    private static <T> T soon(StoreFixture store, Attempt<T> attempt) throws Exception {
        StoreException last = null;
        for (int i = 0; i < 400; i++) {
            try {
                return attempt.run();
            } catch (StoreException e) {
                last = e;
                store.kernel.timers().sleep(Duration.ofMillis(25));
            }
        }
        throw new AssertionError("the store did not come back within 10 s", last);
    }

    private static long putSoon(StoreFixture store) throws Exception {
        return soon(store, () -> store.put("a", "2"));
    }

    private static Recorder watchSoon(StoreFixture store) throws Exception {
        return soon(store, () -> store.watch(WatchCreateRequest.newBuilder().setKey(bytes("a"))));
    }
}
