package dev.coppice.store.raft;

import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.storage.impl.RocksDBLogStorage;
import com.alipay.sofa.jraft.util.StorageOptionsFactory;
import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/** Sizes the Raft library for a small process, once, before anything of it is loaded. */
final class LibrarySettings {

    private static final AtomicBoolean SIZED = new AtomicBoolean();

    private LibrarySettings() {}

    /** The library's generated messages are old; they are read from this member's files and from authenticated members only. */
    static void allowOldMessages() {
        setUnlessSet("com.google.protobuf.use_unsafe_pre22_gencode", "true");
    }

    /** The library's thread pools and its database are made for big machines; the process has to stay small. */
    static void apply() {
        if (!SIZED.compareAndSet(false, true)) {
            return;
        }
        allowOldMessages();
        setUnlessSet("jraft.closure.threadpool.size.min", "1");
        // It queues nothing: what finds no thread is refused, and then a failing log could not be closed.
        setUnlessSet("jraft.closure.threadpool.size.max", "128");
        for (String timer : List.of("election", "vote", "step_down", "snapshot")) {
            setUnlessSet("jraft.timer.global_" + timer + "_timer_workers", "1");
        }
        setUnlessSet("jraft.default.scheduler.threadpool.size", "1");
        DBOptions options = StorageOptionsFactory.getDefaultRocksDBOptions();
        options.setMaxBackgroundJobs(2)
                .setMaxOpenFiles(128)
                .setKeepLogFileNum(2)
                .setMaxLogFileSize(4L << 20)
                .setMaxTotalWalSize(64L << 20)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setStatsDumpPeriodSec(0)
                .setStatsPersistPeriodSec(0)
                .setRecycleLogFileNum(0);
        StorageOptionsFactory.registerRocksDBOptions(RocksDBLogStorage.class, options);
        ColumnFamilyOptions family = StorageOptionsFactory.getDefaultRocksDBColumnFamilyOptions();
        family.setWriteBufferSize(16L << 20)
                .setMaxWriteBufferNumber(3)
                .setMinWriteBufferNumberToMerge(1)
                .setTargetFileSizeBase(32L << 20)
                .setCompressionType(CompressionType.LZ4_COMPRESSION);
        StorageOptionsFactory.registerRocksDBColumnFamilyOptions(RocksDBLogStorage.class, family);
        BlockBasedTableConfig table = StorageOptionsFactory.getDefaultRocksDBTableConfig();
        table.setBlockCache(new LRUCache(2L << 20));
        StorageOptionsFactory.registerRocksDBTableFormatConfig(RocksDBLogStorage.class, table);
        loadWithoutSignals();
    }

    /**
     * Loads the library's node, which would take over SIGUSR2 and answer it by writing files about itself into the working
     * directory. The JVM itself uses that signal to suspend threads: it gets it back.
     */
    private static void loadWithoutSignals() {
        Signal signal;
        try {
            signal = new Signal("USR2");
        } catch (IllegalArgumentException e) {
            return;
        }
        SignalHandler before = Signal.handle(signal, SignalHandler.SIG_IGN);
        try {
            MethodHandles.lookup().ensureInitialized(NodeImpl.class);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        } finally {
            var unused = Signal.handle(signal, before);
        }
    }

    private static void setUnlessSet(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }
}
