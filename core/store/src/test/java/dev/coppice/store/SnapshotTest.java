package dev.coppice.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.store.raft.RaftLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotTest {

    @TempDir
    Path directory;

    private void write(int snapshots) throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            for (int round = 0; round < snapshots; round++) {
                for (int i = 0; i < 50; i++) {
                    store.put("k" + i, round + "-" + i);
                }
                assertThat(((RaftLog) store.store.log()).snapshotNow()).isTrue();
            }
            store.put("after", "the last snapshot");
        }
    }

    private void check(int snapshots) throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            assertThat(store.keyspace.revision()).isEqualTo(1 + 50L * snapshots + 1);
            assertThat(store.get("k7")).isEqualTo((snapshots - 1) + "-7");
            assertThat(store.get("after")).isEqualTo("the last snapshot");
        }
    }

    @Test
    void goesOnFromItsStateWhenTheLogWasCutOff() throws Exception {
        write(3);
        check(3);
        check(3);
    }

    @Test
    void restoresALostStateFromSnapshotAndLog() throws Exception {
        write(2);
        delete(directory.resolve("state"));
        check(2);
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> found = Files.walk(tree)) {
            List<Path> all = found.sorted(Comparator.reverseOrder()).toList();
            for (Path each : all) {
                Files.delete(each);
            }
        }
    }
}
