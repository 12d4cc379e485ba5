package dev.coppice.store.raft;

import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.conf.ConfigurationEntry;
import com.alipay.sofa.jraft.conf.ConfigurationManager;
import com.alipay.sofa.jraft.entity.EnumOutter.EntryType;
import com.alipay.sofa.jraft.entity.LogEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.codec.LogEntryCodecFactory;
import com.alipay.sofa.jraft.option.LogStorageOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.LogStorage;
import dev.coppice.store.wal.Record;
import dev.coppice.store.wal.WriteAheadLog;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The library's log in a {@link WriteAheadLog}: of an entry with data only the data, of another one what the library's codec makes of
 * it. After a write that failed it takes no more; the library gives up the node then, and whoever supervises it opens it again.
 */
final class WalStorage implements LogStorage {

    private static final System.Logger LOG = System.getLogger(WalStorage.class.getName());

    private static final int DATA = 1;
    private static final int OTHER = 2;
    private static final int CONFIGURATION = 3;

    private final Path former;
    private final Path directory;
    private final RaftOptions options;
    private final WalStorageFactory.Timer timer;
    private @Nullable LogEntryCodecFactory codec;
    private @Nullable WriteAheadLog log;
    private volatile @Nullable Sole sole;

    /** @param former where the library's own log was in earlier versions; the entries lie beside it */
    WalStorage(Path former, RaftOptions options, WalStorageFactory.Timer timer) {
        this.former = former;
        this.directory = former.resolveSibling("entries");
        this.options = options;
        this.timer = timer;
    }

    @Override
    public boolean init(LogStorageOptions opts) {
        codec = opts.getLogEntryCodecFactory();
        ConfigurationManager configurations = opts.getConfigurationManager();
        try {
            new FormerLog(former, directory, options).takeOver(opts, this::encode);
            log = WriteAheadLog.open(directory, record -> {
                if (record.kind() == CONFIGURATION) {
                    LogEntry entry = decode(record);
                    note(entry);
                    configurations.add(configuration(entry));
                }
            });
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    "the log in " + directory + " could not be opened: " + e.getMessage(),
                    e);
            return false;
        }
    }

    private void note(LogEntry entry) {
        Set<PeerId> members = configuration(entry).listPeers();
        boolean learners = entry.getLearners() != null && !entry.getLearners().isEmpty();
        sole = members.size() == 1 && !learners
                ? new Sole(members.iterator().next(), entry.getId().getTerm())
                : null;
    }

    private static ConfigurationEntry configuration(LogEntry entry) {
        ConfigurationEntry configuration = new ConfigurationEntry();
        configuration.setId(entry.getId().copy());
        configuration.setConf(new Configuration(entry.getPeers(), entry.getLearners()));
        if (entry.getOldPeers() != null) {
            configuration.setOldConf(new Configuration(entry.getOldPeers(), entry.getOldLearners()));
        }
        return configuration;
    }

    // ---- entries as records

    private Record encode(LogEntry entry) {
        LogId id = entry.getId();
        EntryType type = entry.getType();
        ByteBuffer data = entry.getData();
        if (type == EntryType.ENTRY_TYPE_DATA && data != null && !entry.hasChecksum()) {
            return new Record(id.getIndex(), id.getTerm(), DATA, data);
        }
        return new Record(
                id.getIndex(),
                id.getTerm(),
                type == EntryType.ENTRY_TYPE_CONFIGURATION ? CONFIGURATION : OTHER,
                ByteBuffer.wrap(codec().encoder().encode(entry)));
    }

    private LogEntry decode(Record record) {
        byte[] bytes = new byte[record.data().remaining()];
        record.data().duplicate().get(bytes);
        if (record.kind() != DATA) {
            LogEntry entry = codec().decoder().decode(bytes);
            if (entry == null) {
                throw new IllegalStateException("entry " + record.index() + " of the log cannot be read");
            }
            return entry;
        }
        LogEntry entry = new LogEntry(EntryType.ENTRY_TYPE_DATA);
        entry.setId(new LogId(record.index(), record.term()));
        entry.setData(ByteBuffer.wrap(bytes));
        return entry;
    }

    private LogEntryCodecFactory codec() {
        LogEntryCodecFactory opened = codec;
        if (opened == null) {
            throw new IllegalStateException("the log is not open");
        }
        return opened;
    }

    private WriteAheadLog log() {
        WriteAheadLog opened = log;
        if (opened == null) {
            throw new IllegalStateException("the log is not open");
        }
        return opened;
    }

    // ---- what the library asks

    /** How many bytes its files have; 0 before it is open. */
    long bytes() {
        WriteAheadLog opened = log;
        return opened == null ? 0 : opened.bytes();
    }

    /**
     * The only one that a configuration names, as voter or learner, old or new.
     *
     * @param term in which it was written, by who led then
     */
    record Sole(PeerId member, long term) {}

    /** Who is alone by the newest configuration, which counts before it is written: nobody takes part who was not in one first. */
    @Nullable
    Sole sole() {
        return sole;
    }

    @Override
    public long getFirstLogIndex() {
        return log().firstIndex();
    }

    @Override
    public long getLastLogIndex() {
        return log().lastIndex();
    }

    /** Null when it is not there, or damaged, which the library takes for the end of the node. */
    @Override
    public @Nullable LogEntry getEntry(long index) {
        Record record = read(index);
        return record == null ? null : decode(record);
    }

    /** 0 when it is not there. */
    @Override
    public long getTerm(long index) {
        Record record = read(index);
        return record == null ? 0 : record.term();
    }

    private @Nullable Record read(long index) {
        try {
            return log().read(index);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "entry " + index + " of the log could not be read", e);
            return null;
        }
    }

    @Override
    public boolean appendEntry(LogEntry entry) {
        return appendEntries(List.of(entry)) == 1;
    }

    @Override
    public int appendEntries(List<LogEntry> entries) {
        List<Record> records = new ArrayList<>(entries.size());
        for (LogEntry entry : entries) {
            if (entry.getType() == EntryType.ENTRY_TYPE_CONFIGURATION) {
                note(entry);
            }
            records.add(encode(entry));
        }
        return timer.time(() -> change("write", () -> log().append(records)) ? records.size() : 0);
    }

    @Override
    public boolean truncatePrefix(long firstIndexKept) {
        return change("forget the beginning of", () -> log().truncatePrefix(firstIndexKept));
    }

    @Override
    public boolean truncateSuffix(long lastIndexKept) {
        sole = null;
        return change("cut off the end of", () -> log().truncateSuffix(lastIndexKept));
    }

    @Override
    public boolean reset(long nextLogIndex) {
        sole = null;
        return change("begin anew", () -> log().reset(nextLogIndex));
    }

    private interface Change {
        void make() throws IOException;
    }

    private boolean change(String what, Change change) {
        try {
            change.make();
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    "could not " + what + " the log in " + directory + ": " + e.getMessage(),
                    e);
            return false;
        }
    }

    @Override
    public void shutdown() {
        WriteAheadLog opened = log;
        log = null;
        if (opened == null) {
            return;
        }
        try {
            opened.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "the log in " + directory + " could not be closed", e);
        }
    }
}
