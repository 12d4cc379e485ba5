package dev.coppice.store.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.rocksdb.AbstractImmutableNativeReference;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Checkpoint;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.Env;
import org.rocksdb.FlushOptions;
import org.rocksdb.Holder;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteBatchWithIndex;
import org.rocksdb.WriteOptions;

/**
 * The state on disk, in RocksDB. Batches are written without RocksDB's own log: the Raft log already has every command on
 * disk, the index of the last applied one stands in the same batch, and all families are flushed together, so that a
 * crash leaves the state of some earlier index, from which the Raft log is replayed. Reads are safe for use by many
 * threads; batches are written by the applying thread and the compactor.
 */
final class Database implements AutoCloseable {

    /** The column families. */
    enum Family {
        META("default"),
        LIVE("live"),
        HISTORY("history"),
        REVISIONS("revisions"),
        LEASES("leases");

        final String stored;

        Family(String stored) {
            this.stored = stored;
        }
    }

    private static final System.Logger LOG = System.getLogger(Database.class.getName());

    static final byte[] APPLIED = {'A'};

    /** The most bytes of changes in memory. */
    private static final long MEMORY_BYTES = 48L << 20;

    private final List<AbstractImmutableNativeReference> closeables = new ArrayList<>();
    private final Map<Family, ColumnFamilyHandle> handles = new EnumMap<>(Family.class);
    private final Path directory;
    private final RocksDB rocks;
    private final WriteOptions withoutLog;
    private final ReadOptions defaults;

    private Database(Path directory) throws IOException, RocksDBException {
        this.directory = directory;
        Files.createDirectories(directory);
        LRUCache cache = own(new LRUCache(24L << 20));
        DBOptions options = own(new DBOptions());
        options.setCreateIfMissing(true)
                .setCreateMissingColumnFamilies(true)
                .setAtomicFlush(true)
                .setDbWriteBufferSize(MEMORY_BYTES)
                .setMaxBackgroundJobs(2)
                .setMaxOpenFiles(512)
                .setMaxFileOpeningThreads(2)
                .setKeepLogFileNum(2)
                .setMaxLogFileSize(4L << 20)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setSkipStatsUpdateOnDbOpen(true)
                .setSkipCheckingSstFileSizesOnDbOpen(true)
                .setStatsDumpPeriodSec(0)
                .setStatsPersistPeriodSec(0)
                .setAvoidFlushDuringShutdown(true)
                .setBytesPerSync(1L << 20)
                .setEnv(Env.getDefault());
        List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
        for (Family family : Family.values()) {
            descriptors.add(new ColumnFamilyDescriptor(
                    family.stored.getBytes(java.nio.charset.StandardCharsets.UTF_8), familyOptions(family, cache)));
        }
        List<ColumnFamilyHandle> opened = new ArrayList<>();
        RocksDB db;
        try {
            db = RocksDB.open(options, directory.toString(), descriptors, opened);
        } catch (RocksDBException e) {
            closeOwned();
            throw e;
        }
        rocks = db;
        for (Family family : Family.values()) {
            handles.put(family, opened.get(family.ordinal()));
        }
        withoutLog = own(new WriteOptions().setDisableWAL(true));
        defaults = own(new ReadOptions());
    }

    private ColumnFamilyOptions familyOptions(Family family, LRUCache cache) {
        BlockBasedTableConfig table = new BlockBasedTableConfig()
                .setBlockCache(cache)
                .setBlockSize(family == Family.REVISIONS ? 16 << 10 : 8 << 10)
                .setCacheIndexAndFilterBlocks(true)
                .setPinL0FilterAndIndexBlocksInCache(true)
                .setFormatVersion(5);
        if (family != Family.HISTORY) {
            table.setFilterPolicy(own(new BloomFilter(10, false)));
        }
        return own(new ColumnFamilyOptions()
                .setTableFormatConfig(table)
                .setWriteBufferSize(family == Family.REVISIONS ? 16L << 20 : 8L << 20)
                .setMaxWriteBufferNumber(3)
                .setTargetFileSizeBase(32L << 20)
                .setMaxBytesForLevelBase(128L << 20)
                .setLevelCompactionDynamicLevelBytes(true)
                .setCompressionType(CompressionType.LZ4_COMPRESSION));
    }

    private <T extends AbstractImmutableNativeReference> T own(T reference) {
        closeables.add(reference);
        return reference;
    }

    private void closeOwned() {
        for (AbstractImmutableNativeReference each : closeables.reversed()) {
            each.close();
        }
        closeables.clear();
    }

    /** Opens the state in a directory, making it first where there is none. */
    static Database open(Path directory) throws IOException {
        try {
            return new Database(directory);
        } catch (RocksDBException e) {
            throw new IOException(
                    "cannot open the store's state in " + directory + ": " + e.getMessage()
                            + "; if the disk is sound and no other process uses the directory, restore it from a backup",
                    e);
        }
    }

    RocksDB rocks() {
        return rocks;
    }

    ColumnFamilyHandle handle(Family family) {
        ColumnFamilyHandle handle = handles.get(family);
        if (handle == null) {
            throw new IllegalStateException(family.stored);
        }
        return handle;
    }

    byte @Nullable [] get(Family family, byte[] key) {
        return get(family, defaults, key);
    }

    /** What is known of a key without a look at the disk; null when that is nothing. */
    byte @Nullable [] inMemory(Family family, byte[] key) {
        Holder<byte[]> value = new Holder<>();
        if (!rocks.keyMayExist(handle(family), defaults, key, value)) {
            return null;
        }
        // Where the index of a file is not in memory either, RocksDB says that it found the value and gives no bytes.
        // No stored value is empty.
        byte[] found = value.getValue();
        return found == null || found.length == 0 ? null : found;
    }

    byte @Nullable [] get(Family family, ReadOptions options, byte[] key) {
        try {
            return rocks.get(handle(family), options, key);
        } catch (RocksDBException e) {
            throw new DatabaseException(e);
        }
    }

    /** The index of the last command that the state contains; 0 for none. */
    long applied() {
        byte[] found = get(Family.META, APPLIED);
        return found == null ? 0 : Codec.number(found);
    }

    void write(WriteBatchWithIndex batch, long applied) {
        try {
            batch.put(handle(Family.META), APPLIED, Codec.number(applied));
            rocks.write(withoutLog, batch);
        } catch (RocksDBException e) {
            throw new DatabaseException(e);
        }
    }

    void write(WriteBatch batch) {
        try {
            rocks.write(withoutLog, batch);
        } catch (RocksDBException e) {
            throw new DatabaseException(e);
        }
    }

    /** Puts everything applied so far on disk. */
    void flush() {
        try (FlushOptions options = new FlushOptions().setWaitForFlush(true)) {
            rocks.flush(options, List.copyOf(handles.values()));
        } catch (RocksDBException e) {
            throw new DatabaseException(e);
        }
    }

    /** Puts a consistent copy of the state into a directory that must not exist; files are linked, not copied. */
    void checkpoint(Path target) {
        if (!roomToFlush()) {
            throw new DatabaseException("there is no room on the disk of " + target + " for a snapshot");
        }
        flush();
        try (Checkpoint checkpoint = Checkpoint.create(rocks)) {
            checkpoint.createCheckpoint(target.toString());
        } catch (RocksDBException e) {
            throw new DatabaseException(e);
        }
    }

    /** Bytes of the files on disk. */
    long fileBytes() {
        long sum = 0;
        try {
            for (Family family : Family.values()) {
                sum += rocks.getLongProperty(handle(family), "rocksdb.total-sst-files-size")
                        + rocks.getLongProperty(handle(family), "rocksdb.size-all-mem-tables");
            }
        } catch (RocksDBException e) {
            throw new DatabaseException(e);
        }
        return sum;
    }

    /** Rewrites the files of a keyspace so that what was deleted frees its space. */
    void compactFiles(int space) {
        try {
            for (Family family : Family.values()) {
                if (family != Family.META) {
                    rocks.compactRange(
                            handle(family),
                            Codec.live(space, com.google.protobuf.ByteString.EMPTY),
                            Codec.spaceEnd(space));
                }
            }
        } catch (RocksDBException e) {
            throw new DatabaseException(e);
        }
    }

    /**
     * Whether what is in memory can be put on disk. RocksDB would wait for space, without end, when it cannot.
     */
    private boolean roomToFlush() {
        try {
            return directory.toFile().getUsableSpace() > MEMORY_BYTES
                    && rocks.getLongProperty(handle(Family.META), "rocksdb.background-errors") == 0;
        } catch (RocksDBException e) {
            return false;
        }
    }

    /** Closes it even when it cannot be flushed, such as on a full disk: the log then has what is missing. */
    @Override
    public void close() {
        try {
            if (roomToFlush()) {
                flush();
            }
        } catch (DatabaseException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "what was applied last is read from the log again: {0}",
                    e.getMessage());
        }
        rocks.cancelAllBackgroundWork(true);
        handles.values().forEach(ColumnFamilyHandle::close);
        rocks.close();
        closeOwned();
    }

    /** RocksDB could not read or write: the disk is full or broken, or the files are damaged. */
    static final class DatabaseException extends Machine.UnwritableException {
        DatabaseException(String message) {
            super(message, null);
        }

        DatabaseException(RocksDBException cause) {
            super("the store's state cannot be read or written: " + cause.getMessage(), cause);
        }
    }
}
