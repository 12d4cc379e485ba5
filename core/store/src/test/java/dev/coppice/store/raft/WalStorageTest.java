package dev.coppice.store.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.EnumOutter.EntryType;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.codec.v2.LogEntryV2CodecFactory;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import com.alipay.sofa.jraft.storage.impl.RocksDBLogStorage;
import dev.coppice.store.engine.NativeLibrary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log as the library uses it, and the way from the log of earlier versions. */
class WalStorageTest {

    @TempDir
    Path directory;

    private ConfigurationManager configurations = new ConfigurationManager();

    @BeforeEach
    void load() throws Exception {
        NativeLibrary.load(directory.resolve("native"));
        LibrarySettings.apply();
    }

    private static LogEntry data(long index, long term) {
        LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_DATA);
        entry.setId(new LogId(index, term));
        entry.setData(ByteBuffer.wrap(("data " + index).getBytes(StandardCharsets.UTF_8)));
        return entry;
    }

    private static LogEntry configuration(long index, long term, String... peers) {
        LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_CONFIGURATION);
        entry.setId(new LogId(index, term));
        entry.setPeers(List.of(peers).stream().map(PeerId::parsePeer).toList());
        entry.setOldPeers(List.of(PeerId.parsePeer("10.0.0.9:1")));
        entry.setLearners(List.of(PeerId.parsePeer("10.0.0.8:1")));
        return entry;
    }

    private static LogEntry nothing(long index, long term) {
        LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_NO_OP);
        entry.setId(new LogId(index, term));
        return entry;
    }

    private LogStorageOptions options() {
        configurations = new ConfigurationManager();
        LogStorageOptions options = new LogStorageOptions();
        options.setGroupId("group");
        options.setConfigurationManager(configurations);
        options.setLogEntryCodecFactory(LogEntryV2CodecFactory.getInstance());
        return options;
    }

    private LogStorage open() {
        LogStorage storage = new WalStorageFactory(append -> append.getAsInt())
                .createLogStorage(directory.resolve("log").toString(), new RaftOptions());
        assertThat(storage.init(options())).isTrue();
        return storage;
    }

    private static List<LogEntry> entries() {
        return List.of(nothing(1, 1), configuration(2, 1, "10.0.0.1:1", "10.0.0.2:1"), data(3, 2), data(4, 2));
    }

    private static LogEntry only(long index, long term, List<String> former, List<String> learners) {
        LogEntry entry = configuration(index, term, "10.0.0.1:1");
        entry.setOldPeers(
                former.isEmpty() ? null : former.stream().map(PeerId::parsePeer).toList());
        entry.setLearners(
                learners.isEmpty()
                        ? null
                        : learners.stream().map(PeerId::parsePeer).toList());
        return entry;
    }

    @Test
    void tellsWhoIsAloneFromBeforeTheConfigurationIsWritten() {
        WalStorage storage = (WalStorage) open();
        assertThat(storage.sole()).isNull();
        var alone = new WalStorage.Sole(PeerId.parsePeer("10.0.0.1:1"), 3);
        assertThat(storage.appendEntries(List.of(only(1, 3, List.of(), List.of()), data(2, 3))))
                .isEqualTo(2);
        assertThat(storage.sole()).isEqualTo(alone);
        storage.shutdown();
        storage = (WalStorage) open();
        assertThat(storage.sole()).isEqualTo(alone);
        for (LogEntry notAlone : List.of(
                only(3, 3, List.of("10.0.0.2:1"), List.of()),
                only(3, 3, List.of(), List.of("10.0.0.2:1")),
                configuration(3, 3, "10.0.0.1:1", "10.0.0.2:1"))) {
            storage.appendEntries(List.of(notAlone));
            assertThat(storage.sole()).as("%s", notAlone).isNull();
            storage.truncateSuffix(2);
            storage.appendEntries(List.of(only(3, 3, List.of(), List.of())));
            assertThat(storage.sole()).isEqualTo(alone);
            storage.truncateSuffix(2);
            assertThat(storage.sole()).isNull();
        }
        storage.shutdown();
        storage.appendEntries(List.of(configuration(3, 3, "10.0.0.1:1", "10.0.0.2:1")));
        assertThat(storage.sole()).as("an entry that could not be written").isNull();
    }

    private void assertHolds(LogStorage storage, List<LogEntry> entries) {
        assertThat(storage.getFirstLogIndex())
                .isEqualTo(entries.getFirst().getId().getIndex());
        assertThat(storage.getLastLogIndex())
                .isEqualTo(entries.getLast().getId().getIndex());
        for (LogEntry each : entries) {
            assertThat(storage.getEntry(each.getId().getIndex())).isEqualTo(each);
            assertThat(storage.getTerm(each.getId().getIndex()))
                    .isEqualTo(each.getId().getTerm());
        }
        assertThat(storage.getEntry(storage.getLastLogIndex() + 1)).isNull();
        assertThat(storage.getTerm(storage.getLastLogIndex() + 1)).isZero();
    }

    @Test
    void keepsEntriesOfAllKinds() {
        LogStorage storage = open();
        assertThat(storage.getFirstLogIndex()).isEqualTo(1);
        assertThat(storage.getLastLogIndex()).isZero();
        assertThat(storage.appendEntries(entries())).isEqualTo(4);
        assertThat(storage.appendEntries(List.of())).isZero();
        assertHolds(storage, entries());
        storage.shutdown();

        LogStorage again = open();
        assertHolds(again, entries());
        assertThat(configurations.getLastConfiguration().getId()).isEqualTo(new LogId(2, 1));
        assertThat(configurations.getLastConfiguration().getConf().getPeers()).hasSize(2);
        assertThat(configurations.getLastConfiguration().getConf().getLearners())
                .hasSize(1);
        assertThat(configurations.getLastConfiguration().getOldConf().getPeers())
                .hasSize(1);
        assertThat(again.truncateSuffix(3)).isTrue();
        assertHolds(again, entries().subList(0, 3));
        assertThat(again.truncatePrefix(3)).isTrue();
        assertHolds(again, entries().subList(2, 3));
        assertThat(again.reset(70)).isTrue();
        assertThat(again.appendEntry(data(70, 5))).isTrue();
        assertHolds(again, List.of(data(70, 5)));
        again.shutdown();
    }

    @Test
    void tellsTheLibraryWhenItTakesNothing() {
        LogStorage storage = open();
        assertThat(storage.appendEntries(entries())).isEqualTo(4);
        assertThat(storage.appendEntries(List.of(data(9, 2)))).isZero();
        assertThat(storage.appendEntry(data(9, 2))).isFalse();
        storage.shutdown();
    }

    // ---- the log of earlier versions

    private void formerLog(List<LogEntry> entries, long first) {
        RocksDBLogStorage former =
                new RocksDBLogStorage(directory.resolve("log").toString(), new RaftOptions());
        assertThat(former.init(options())).isTrue();
        assertThat(former.appendEntries(entries)).isEqualTo(entries.size());
        if (first > 1) {
            assertThat(former.truncatePrefix(first)).isTrue();
        }
        former.shutdown();
    }

    private void assertTakenOver() {
        assertThat(directory.resolve("log")).isRegularFile();
        assertThat(directory.resolve("entries.unfinished")).doesNotExist();
        // An earlier version does not begin with an empty log.
        RocksDBLogStorage former =
                new RocksDBLogStorage(directory.resolve("log").toString(), new RaftOptions());
        assertThatThrownBy(() -> former.init(options())).hasMessageContaining("regular file");
    }

    @Test
    void takesOverTheLogOfEarlierVersions() {
        formerLog(entries(), 1);
        LogStorage storage = open();
        assertHolds(storage, entries());
        assertThat(configurations.getLastConfiguration().getConf().getPeers()).hasSize(2);
        assertThat(storage.appendEntry(data(5, 3))).isTrue();
        storage.shutdown();
        assertTakenOver();
        LogStorage again = open();
        assertThat(again.getLastLogIndex()).isEqualTo(5);
        again.shutdown();
    }

    @Test
    void takesOverManyEntriesBehindASnapshot() {
        List<LogEntry> many =
                LongStream.rangeClosed(1, 2000).mapToObj(i -> data(i, 1)).toList();
        formerLog(many, 1500);
        LogStorage storage = open();
        assertHolds(storage, many.subList(1499, 2000));
        storage.shutdown();
        assertTakenOver();
    }

    /** As after a crash while it was taken over, and after one before the old log was removed. */
    @Test
    void takesOverAgainWhatWasNotFinished() throws IOException {
        formerLog(entries(), 1);
        Files.createDirectories(directory.resolve("entries.unfinished"));
        Files.writeString(directory.resolve("entries.unfinished").resolve("00000000000000000001.wal"), "half");
        open().shutdown();
        assertTakenOver();

        Files.delete(directory.resolve("log"));
        Files.createDirectories(directory.resolve("log"));
        Files.writeString(directory.resolve("log").resolve("CURRENT"), "left over");
        LogStorage storage = open();
        assertHolds(storage, entries());
        storage.shutdown();
        assertTakenOver();
    }

    @Test
    void startsNothingWhenTheOldLogIsDamaged() throws IOException {
        formerLog(entries(), 1);
        Files.writeString(directory.resolve("log").resolve("CURRENT"), "damaged");
        LogStorage storage = new WalStorageFactory(append -> append.getAsInt())
                .createLogStorage(directory.resolve("log").toString(), new RaftOptions());
        assertThat(storage.init(options())).isFalse();
        assertThat(directory.resolve("entries")).doesNotExist();
        assertThat(directory.resolve("log")).isDirectory();
    }
}
