package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.NodeManager;
import com.alipay.sofa.jraft.RaftServiceFactory;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.closure.ReadIndexClosure;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import com.alipay.sofa.jraft.option.ApplyTaskMode;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.option.ReadOnlyOption;
import com.alipay.sofa.jraft.storage.impl.RocksDBLogStorage;
import com.alipay.sofa.jraft.util.StorageOptionsFactory;
import com.google.protobuf.Message;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.log.Command;
import io.grpc.Status.Code;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.InfoLogLevel;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * The log by SOFAJRaft. Entries proposed while the disk syncs are written and synced together, so that many writers share
 * one sync. Entries lie in a RocksDB of their own with a synced log; after a snapshot of the state (linked files) the entries
 * that it contains are forgotten.
 *
 * @see <a href="https://www.sofastack.tech/projects/sofa-jraft/jraft-user-guide/">SOFAJRaft</a>
 */
public final class RaftLog implements ReplicatedLog {

    private static final System.Logger LOG = System.getLogger(RaftLog.class.getName());

    /** As in etcd: more requests than this on their way are refused. */
    private static final int MAX_WAITING = 5000;

    private static final long PROPOSAL_TIMEOUT_MILLIS = 7000;
    private static final long LEADER_TIMEOUT_SECONDS = 30;
    /** As in etcd. */
    private static final long SNAPSHOT_AFTER_ENTRIES = 100_000;

    private static final long SNAPSHOT_TIMEOUT_SECONDS = 10;
    private static final long SNAPSHOT_BEFORE_STOP_ENTRIES = 1000;
    private static final long SNAPSHOT_AFTER_BYTES = 64L << 20;

    private static final AtomicBoolean SIZED = new AtomicBoolean();

    private final StateMachineAdapter states;
    private final Node node;
    private final PeerId self;
    private final Semaphore waiting = new Semaphore(MAX_WAITING);
    private final AtomicLong bytesSinceSnapshot = new AtomicLong();
    private final AtomicBoolean snapshotting = new AtomicBoolean();
    private final LongAdder failures = new LongAdder();
    private volatile boolean closed;

    private RaftLog(StateMachineAdapter states, Node node, PeerId self) {
        this.states = states;
        this.node = node;
        this.self = self;
    }

    /**
     * Opens the log of the only member and waits until it leads.
     *
     * @param directory holds log, votes and snapshots
     * @param group names the cluster; the same on all members, different from any other in this process
     * @param states applies the entries
     */
    public static RaftLog open(Path directory, String group, StateMachineAdapter states)
            throws IOException, InterruptedException {
        prepareOnce();
        Files.createDirectories(directory);
        PeerId self = new PeerId("127.0.0.1", 1);
        NodeOptions options = options(directory, self, states);
        NodeManager.getInstance().addAddress(self.getEndpoint());
        Node node = RaftServiceFactory.createAndInitRaftNode(group, self, options);
        RaftLog log = new RaftLog(states, node, self);
        if (!states.awaitLeading(LEADER_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
            log.close();
            throw new IOException("the log in " + directory + " did not become ready in " + LEADER_TIMEOUT_SECONDS
                    + " s; see the messages before this one");
        }
        return log;
    }

    private static NodeOptions options(Path directory, PeerId self, StateMachineAdapter states) {
        RaftOptions raft = new RaftOptions();
        raft.setSync(true);
        raft.setSyncMeta(true);
        raft.setOpenStatistics(false);
        raft.setDisruptorBufferSize(2048);
        raft.setApplyBatch(64);
        raft.setMaxAppendBufferSize(1 << 20);
        raft.setMaxLogsInMemoryBytes(16L << 20);
        raft.setReadOnlyOptions(ReadOnlyOption.ReadOnlySafe);
        NodeOptions options = new NodeOptions();
        options.setRaftOptions(raft);
        options.setInitialConf(new Configuration(java.util.List.of(self)));
        options.setFsm(states);
        options.setLogUri(directory.resolve("log").toString());
        options.setRaftMetaUri(directory.resolve("votes").toString());
        options.setSnapshotUri(directory.resolve("snapshots").toString());
        options.setSnapshotIntervalSecs(0);
        options.setElectionTimeoutMs(1000);
        options.setApplyTaskMode(ApplyTaskMode.NonBlocking);
        options.setDisableCli(true);
        options.setEnableMetrics(false);
        // The timers of a node of its own wake up every millisecond; the shared ones only when something is due.
        options.setSharedTimerPool(true);
        options.setTimerPoolSize(1);
        options.setCliRpcThreadPoolSize(1);
        options.setRaftRpcThreadPoolSize(1);
        options.setRpcProcessorThreadPoolSize(1);
        return options;
    }

    /** The library's thread pools and its database are made for big machines; the process has to stay small. */
    private static void prepareOnce() {
        if (!SIZED.compareAndSet(false, true)) {
            return;
        }
        // The library's generated messages are old; they read this member's own files only.
        setUnlessSet("com.google.protobuf.use_unsafe_pre22_gencode", "true");
        setUnlessSet("jraft.closure.threadpool.size.min", "1");
        // It queues nothing: what finds no thread is refused, and then a failing log could not be closed.
        setUnlessSet("jraft.closure.threadpool.size.max", "128");
        for (String timer : java.util.List.of("election", "vote", "step_down", "snapshot")) {
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
        table.setBlockCache(new org.rocksdb.LRUCache(2L << 20));
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

    @Override
    public Message propose(Command command) {
        if (closed) {
            throw Errors.stopped();
        }
        if (!waiting.tryAcquire()) {
            throw Errors.tooManyRequests();
        }
        try {
            Proposal proposal = new Proposal(command);
            byte[] data = command.toByteArray();
            bytesSinceSnapshot.addAndGet(data.length);
            node.apply(new Task(ByteBuffer.wrap(data), proposal));
            return proposal.await(PROPOSAL_TIMEOUT_MILLIS);
        } catch (StoreException e) {
            if (e.code() == Code.UNAVAILABLE) {
                failures.increment();
            }
            throw e;
        } finally {
            waiting.release();
        }
    }

    @Override
    public void barrier() {
        if (closed) {
            throw Errors.stopped();
        }
        if (states.hasEverything()) {
            return;
        }
        Proposal proposal = new Proposal(Command.getDefaultInstance());
        node.readIndex(new byte[0], new ReadIndexClosure() {
            @Override
            public void run(Status status, long index, byte[] context) {
                if (status.isOk()) {
                    proposal.answered(Command.getDefaultInstance());
                } else {
                    proposal.refused(Proposal.failure(status));
                }
            }
        });
        Message unused = proposal.await(PROPOSAL_TIMEOUT_MILLIS);
        LOG.log(System.Logger.Level.TRACE, "read index reached {0}", unused);
    }

    @Override
    public boolean leading() {
        return !closed && states.leading();
    }

    @Override
    public long term() {
        return states.term();
    }

    @Override
    public long committed() {
        return node.getLastCommittedIndex();
    }

    @Override
    public long leaderChanges() {
        return states.leaderChanges();
    }

    @Override
    public long failures() {
        return failures.sum();
    }

    @Override
    public int waiting() {
        return MAX_WAITING - waiting.availablePermits();
    }

    @Override
    public void compact() {
        long entries = states.entriesSinceSnapshot();
        boolean due =
                entries >= SNAPSHOT_AFTER_ENTRIES || entries > 0 && bytesSinceSnapshot.get() >= SNAPSHOT_AFTER_BYTES;
        if (due && !closed && snapshotting.compareAndSet(false, true)) {
            bytesSinceSnapshot.set(0);
            node.snapshot(status -> {
                snapshotting.set(false);
                if (!status.isOk()) {
                    LOG.log(System.Logger.Level.WARNING, "no snapshot was made: {0}", status.getErrorMsg());
                }
            });
        }
    }

    /** Makes a snapshot now and waits for it; says whether it was made. */
    public boolean snapshotNow() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        AtomicBoolean made = new AtomicBoolean();
        node.snapshot(status -> {
            made.set(status.isOk());
            done.countDown();
        });
        return done.await(SNAPSHOT_TIMEOUT_SECONDS, TimeUnit.SECONDS) && made.get();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            // The next start then has little to read again.
            if (!states.failed() && states.entriesSinceSnapshot() >= SNAPSHOT_BEFORE_STOP_ENTRIES && !snapshotNow()) {
                LOG.log(System.Logger.Level.DEBUG, "no snapshot was made before stopping");
            }
            node.shutdown();
            node.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        LOG.log(System.Logger.Level.DEBUG, "the log of {0} is closed", self);
    }
}
