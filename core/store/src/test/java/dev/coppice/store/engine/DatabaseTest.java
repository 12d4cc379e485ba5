package dev.coppice.store.engine;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.WriteBatch;

class DatabaseTest {

    private static final int SPACE = 1;
    private static final int KEYS = 1000;

    @TempDir
    Path folder;

    private static byte[] key(int number) {
        return Codec.live(SPACE, ByteString.copyFromUtf8("key-" + number));
    }

    private static byte[] value(int number) {
        return ("value-" + number).repeat(50).getBytes(StandardCharsets.UTF_8);
    }

    /** Also where not even the index of a file is in memory, as after a start; RocksDB then finds "a value" of no bytes. */
    @Test
    void whatIsInMemoryIsTheValueOrNothing() throws Exception {
        NativeLibrary.load(folder.resolve("native"));
        Path state = folder.resolve("state");
        try (Database database = Database.open(state)) {
            try (WriteBatch batch = new WriteBatch()) {
                for (int i = 0; i < KEYS; i++) {
                    batch.put(database.handle(Database.Family.LIVE), key(i), value(i));
                }
                database.write(batch);
            }
            database.flush();
            database.compactFiles(SPACE);
        }
        try (Database database = Database.open(state)) {
            List<Integer> known = new ArrayList<>();
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < KEYS; i += 100) {
                    byte[] found = database.inMemory(Database.Family.LIVE, key(i));
                    if (found != null) {
                        assertThat(found).as("key %d", i).isEqualTo(value(i));
                        known.add(i);
                    }
                    assertThat(requireNonNull(database.get(Database.Family.LIVE, key(i))))
                            .isEqualTo(value(i));
                }
            }
            assertThat(known).as("what was read is in memory").hasSizeGreaterThan(9);
        }
    }
}
