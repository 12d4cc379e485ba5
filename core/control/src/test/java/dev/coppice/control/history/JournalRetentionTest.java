package dev.coppice.control.history;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.Sealer;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.TxnRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalRetentionTest {
    private static final Definition MAPS = Definition.of("", "v1", "configmaps", "ConfigMap")
            .stored("/registry/configmaps/")
            .build();

    @TempDir
    private Path directory;

    private final Kernel kernel = Kernel.start();
    private final Caller caller = Caller.internal("test");
    private Keyspace keyspace;
    private Journal journal;

    @BeforeEach
    void start() throws Exception {
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        keyspace = store.keyspace("control");
        journal = new Journal(kernel, keyspace, Sealer.open(kernel, directory));
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private void write(String name, int size) {
        ObjectNode before = Json.parse("{\"metadata\":{\"name\":\"" + name + "\"},\"data\":{}}");
        ObjectNode after = before.deepCopy();
        after.withObjectProperty("data").put("text", "x".repeat(size));
        Journal.Draft draft = new Journal.Draft(Target.of(MAPS, "default", name), before, after, "update", "test");
        var unused = keyspace.txn(TxnRequest.newBuilder()
                .addAllSuccess(journal.operations(draft, 1, caller))
                .build());
    }

    private int entries() {
        return journal.all("", 0, 0, 10_000).entries().size();
    }

    private JournalRetention retention(Duration age, long bytes) {
        JournalRetention retention = new JournalRetention(kernel, journal, new JournalRetention.Limits(age, bytes));
        retention.begin();
        return retention;
    }

    @Test
    void endsTheOldestWhenAllAreTooLargeAndSaysFromWhenOnAllIsThere() {
        JournalRetention retention = retention(Duration.ofDays(1), 60_000);
        Journal.Horizon begun = journal.horizon();
        for (int i = 0; i < 200; i++) {
            write("map-" + i % 7, 500);
        }
        retention.trim();
        int left = entries();
        assertThat(left).isBetween(20, 100);
        Entry newest = journal.all("", 0, 0, 1).entries().getFirst();
        assertThat(newest.subject().name()).isEqualTo("map-3");
        int pointed = 0;
        for (int i = 0; i < 7; i++) {
            pointed += journal.of("/registry/configmaps/default/map-" + i, Long.MAX_VALUE, 0, 1_000)
                    .size();
        }
        assertThat(pointed).isEqualTo(left);
        Journal.Horizon horizon = journal.horizon();
        assertThat(horizon.revision()).isGreaterThan(begun.revision());
        assertThat(journal.all("", 0, 0, 10_000).entries())
                .allSatisfy(each -> assertThat(each.revision()).isGreaterThan(horizon.revision()));
        retention.trim();
        assertThat(entries()).isEqualTo(left);
    }

    @Test
    void whatIsChosenWronglyIsToldTogether() {
        List<String> problems = new ArrayList<>();
        new JournalRetention.Limits(Duration.ofDays(0), 1L << 50).check(problems);
        assertThat(problems)
                .containsExactly(
                        "--journal-max-age: 0 is no number of days to keep changes: expected 1 to 3650, such as 30",
                        "--journal-max-size: 1073741824 is no number of megabytes for the journal: expected 1 to 1048576,"
                                + " such as 256");
        problems.clear();
        JournalRetention.Limits.DEFAULT.check(problems);
        assertThat(problems).isEmpty();
    }

    @Test
    void endsWhatIsTooOld() {
        for (int i = 0; i < 150; i++) {
            write("old", 10);
        }
        retention(Duration.ofMillis(-10), 1 << 20).trim();
        assertThat(entries()).isZero();
        assertThat(journal.of("/registry/configmaps/default/old", Long.MAX_VALUE, 0, 10))
                .isEmpty();
    }

    @Test
    void countsWhatIsWrittenAfterItCountedOnce() {
        JournalRetention retention = retention(Duration.ofDays(1), 40_000);
        retention.trim();
        for (int i = 0; i < 100; i++) {
            write("later", 500);
            journal.all("", 0, 0, 1)
                    .entries()
                    .forEach(each -> retention.written(Journal.TIMES + each.id(), each.revision(), 900));
        }
        retention.trim();
        assertThat(entries()).isLessThan(100);
    }

    @Test
    void keepsTheFirstHorizon() {
        JournalRetention retention = retention(Duration.ofDays(1), 1 << 20);
        Journal.Horizon begun = journal.horizon();
        write("one", 1);
        retention.begin();
        assertThat(journal.horizon()).isEqualTo(begun);
    }

    @Test
    void leavesOutWhatIsTooLargeAndSaysSo() {
        StringBuilder noise = new StringBuilder();
        java.util.Random random = new java.util.Random(7);
        while (noise.length() < 800_000) {
            noise.append(Long.toHexString(random.nextLong()));
        }
        ObjectNode before = Json.parse("{\"data\":{}}");
        ObjectNode after = Json.object();
        after.putObject("data").put("noise", noise.toString());
        var unused = keyspace.txn(TxnRequest.newBuilder()
                .addAllSuccess(journal.operations(
                        new Journal.Draft(Target.of(MAPS, "default", "big"), before, after, "update", "test"),
                        1,
                        caller))
                .build());
        Entry entry = journal.all("", 0, 0, 1).entries().getFirst();
        assertThat(entry.difference()).isNull();
        assertThat(entry.fields()).containsExactly("data.noise");
    }
}
