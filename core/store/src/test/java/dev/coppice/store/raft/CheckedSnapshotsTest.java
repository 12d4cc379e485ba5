package dev.coppice.store.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A snapshot takes no file that differs from the one it was copied from. */
final class CheckedSnapshotsTest {
    @TempDir
    Path directory;

    private SnapshotWriter sender;
    private SnapshotWriter receiver;

    @BeforeEach
    void start() {
        sender = writer("sender");
        receiver = writer("receiver");
    }

    private SnapshotWriter writer(String name) {
        CheckedSnapshots storage = new CheckedSnapshots(directory.resolve(name).toString(), "", new RaftOptions());
        assertThat(storage.init(null)).isTrue();
        SnapshotWriter writer = storage.create();
        assertThat(writer).isNotNull();
        return writer;
    }

    /** Whether the receiver takes a copy of these bytes for what the sender has. */
    private boolean taken(byte[] sent, byte[] received) throws Exception {
        Files.write(Path.of(sender.getPath(), "file"), sent);
        CheckedSnapshots.add(sender, "file");
        Files.write(Path.of(receiver.getPath(), "file"), received);
        return receiver.addFile("file", sender.getFileMeta("file"));
    }

    @Test
    void theSameIsTaken() throws Exception {
        assertThat(taken("a state".getBytes(), "a state".getBytes())).isTrue();
        assertThat(receiver.listFiles()).containsExactly("file");
    }

    @Test
    void aFileWithoutItsEndIsNot() throws Exception {
        assertThat(taken(new byte[5_000_000], new byte[4_999_999])).isFalse();
        assertThat(receiver.listFiles()).isEmpty();
    }

    @Test
    void otherBytesAreNot() throws Exception {
        assertThat(taken("a state".getBytes(), "a strut".getBytes())).isFalse();
    }

    @Test
    void aMissingFileIsNot() throws Exception {
        Files.writeString(Path.of(sender.getPath(), "file"), "a state");
        CheckedSnapshots.add(sender, "file");
        assertThat(receiver.addFile("file", sender.getFileMeta("file"))).isFalse();
    }

    @Test
    void whatAnEarlierVersionSentIsTaken() throws Exception {
        Files.writeString(Path.of(receiver.getPath(), "file"), "a state");
        assertThat(receiver.addFile("file")).isTrue();
    }
}
