package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Clock;
import dev.coppice.store.api.DeleteRangeRequest;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuotaTest {

    @TempDir
    Path directory;

    @Test
    void raisesTheAlarmAndStillDeletes() throws Exception {
        try (StoreFixture store = new StoreFixture(directory, Clock.system(), 100_000)) {
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 200; i++) {
                            store.put("k" + i, "x".repeat(1000));
                        }
                    })
                    .hasMessage("etcdserver: mvcc: database space exceeded");
            assertThat(store.keyspace.status().alarms()).containsExactly("NOSPACE");
            assertThat(store.keyspace
                            .delete(DeleteRangeRequest.newBuilder()
                                    .setKey(bytes("k0"))
                                    .build())
                            .getDeleted())
                    .isEqualTo(1);
            assertThatThrownBy(() -> store.put("a", "b")).hasMessage("etcdserver: mvcc: database space exceeded");
            assertThat(store.store.keyspace("control").status().alarms()).isEmpty();
        }
    }

    @Test
    void refusesARequestOver1MiBAndAHalf() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            store.put("a", "x".repeat(1_500_000));
            assertThatThrownBy(() -> store.put("a", "x".repeat(1_600_000)))
                    .hasMessage("etcdserver: request is too large");
        }
    }
}
