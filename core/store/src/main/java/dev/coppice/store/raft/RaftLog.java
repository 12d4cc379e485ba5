package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.NodeManager;
import com.alipay.sofa.jraft.RaftServiceFactory;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import com.alipay.sofa.jraft.option.ApplyTaskMode;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.option.ReadOnlyOption;
import com.alipay.sofa.jraft.storage.snapshot.ThroughputSnapshotThrottle;
import com.google.protobuf.Message;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.log.Command;
import io.grpc.Status.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The log by SOFAJRaft. Entries proposed while the disk syncs are written and synced together, so that many writers share
 * one sync. Entries lie in a {@linkplain dev.coppice.store.wal.WriteAheadLog log of their own}; after a snapshot of the state
 * (linked files) the entries that it contains are forgotten.
 *
 * @see <a href="https://www.sofastack.tech/projects/sofa-jraft/jraft-user-guide/">SOFAJRaft</a>
 */
public final class RaftLog implements ReplicatedLog {

    private static final System.Logger LOG = System.getLogger(RaftLog.class.getName());

    /** As in etcd: more requests than this on their way are refused. */
    static final int MAX_WAITING = 5000;

    private static final Duration PROPOSAL_TIMEOUT = Duration.ofMillis(7000);
    private static final long LEADER_TIMEOUT_SECONDS = 30;
    /** As in etcd; fault tests let it be less, so that members that were away are sent snapshots. */
    private static final long SNAPSHOT_AFTER_ENTRIES = Long.getLong("coppice.test.snapshot-entries", 100_000);

    private static final long SNAPSHOT_TIMEOUT_SECONDS = 10;
    private static final long SNAPSHOT_BEFORE_STOP_ENTRIES = 1000;
    private static final long SNAPSHOT_AFTER_BYTES = 64L << 20;

    /** The most that a follower reads of another's snapshot. */
    private static final long SNAPSHOT_BYTES_PER_SECOND = 64L << 20;

    /** How long a leader that stops waits for another one to take over. */
    private static final Duration HAND_OVER = Duration.ofSeconds(2);

    private final Kernel kernel;
    private final StateMachineAdapter states;
    private final Node node;
    private final PeerId self;
    private final Semaphore waiting = new Semaphore(MAX_WAITING);
    private final AtomicLong bytesSinceSnapshot = new AtomicLong();
    private final AtomicBoolean snapshotting = new AtomicBoolean();
    private final LongAdder failures = new LongAdder();
    private volatile boolean closed;

    private final Leaders leaders;
    private final Progress progress;
    private final @Nullable PeerTransport transport;
    private final @Nullable PeerServices services;
    private @Nullable Proposals proposals;
    private @Nullable RaftRequests requests;
    private final ReadBarrier barrier;
    private final WalStorageFactory storage;
    private final Executor threads;

    private RaftLog(Kernel kernel, StateMachineAdapter states, Node node, PeerId self, Opening opening) {
        this.kernel = kernel;
        this.states = states;
        this.node = node;
        this.self = self;
        this.leaders = states.leaders();
        this.progress = opening.progress;
        this.transport = opening.transport;
        this.services = opening.peers == null ? null : opening.peers.settings().services();
        this.threads = opening.threads;
        this.storage = opening.storage;
        this.barrier = new ReadBarrier(kernel, leaders, node, threads, PROPOSAL_TIMEOUT);
    }

    /** What a log is opened with. */
    private static final class Opening {
        private final @Nullable Peers peers;
        private final @Nullable PeerTransport transport;
        private final Progress progress;
        private final Executor threads;
        private final WalStorageFactory storage;

        Opening(Kernel kernel, @Nullable Peers peers, Executor threads, StateMachineAdapter states) {
            this.threads = threads;
            this.storage = new WalStorageFactory(states::timedSync);
            this.peers = peers;
            this.transport = peers == null ? null : peers.settings().transport().apply(peers.addresses());
            this.progress = new Progress(kernel.clock());
        }
    }

    /**
     * Opens the log of a member. That of an only member is ready when this returns: it leads. In a cluster of several, who
     * leads is found out later.
     *
     * @param directory holds log, votes and snapshots
     * @param group names the cluster; the same on all members, different from any other in this process
     * @param self the member's name in the library
     * @param founders the names of those who begin the cluster; empty for a member that joins one
     * @param states applies the entries
     * @param peers null for a member that is alone
     * @param threads for work that may have to wait
     */
    static RaftLog open(
            Kernel kernel,
            Path directory,
            String group,
            PeerId self,
            List<PeerId> founders,
            StateMachineAdapter states,
            @Nullable Peers peers,
            Executor threads)
            throws IOException, InterruptedException {
        LibrarySettings.apply();
        Files.createDirectories(directory);
        Opening opening = new Opening(kernel, peers, threads, states);
        NodeOptions options = options(directory, states, opening);
        options.setInitialConf(new Configuration(founders));
        NodeManager.getInstance().addAddress(self.getEndpoint());
        ElectionTimers.LeaderContact contact = ElectionTimers.contact(group, self, kernel.clock());
        Node node;
        try {
            node = RaftServiceFactory.createAndInitRaftNode(group, self, options);
        } catch (RuntimeException e) {
            if (opening.transport != null) {
                opening.transport.close();
            }
            throw e;
        }
        RaftLog log = new RaftLog(kernel, states, node, self, opening);
        if (peers != null) {
            log.serve(group, peers, contact);
            return log;
        }
        try {
            log.awaitLeading();
        } catch (IOException e) {
            log.close();
            throw e;
        }
        return log;
    }

    /** Waits until this member leads for the first time, which one that is alone soon does. */
    public void awaitLeading() throws IOException, InterruptedException {
        if (!states.awaitLeading(LEADER_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
            throw new IOException("the log did not become ready in " + LEADER_TIMEOUT_SECONDS
                    + " s; see the messages before this one");
        }
    }

    /** Takes part in the cluster from now on. */
    private void serve(String group, Peers peers, ElectionTimers.LeaderContact contact) {
        PeerTransport way = transport;
        if (way == null) {
            return;
        }
        Proposals made = new Proposals(kernel, peers.memberId(), leaders, way, barrier, node, threads);
        proposals = made;
        states.inCluster(made::outcome, made::blur);
        RaftRequests handler =
                new RaftRequests(group, self.toString(), node, contact, states::leading, made::take, peers.answering());
        requests = handler;
        var _ = new LeaderWatch(this::electAfter, leaders, way, peers.settings().election(), threads);
        peers.settings().services().attach(handler);
    }

    private void electAfter(int millis) {
        node.getOptions().getRaftOptions().setMaxElectionDelayMs(Math.max(millis / 2, 1));
        node.resetElectionTimeoutMs(millis);
    }

    private static NodeOptions options(Path directory, StateMachineAdapter states, Opening opening) {
        RaftOptions raft = new RaftOptions();
        raft.setSync(true);
        raft.setSyncMeta(true);
        raft.setOpenStatistics(false);
        raft.setDisruptorBufferSize(2048);
        raft.setApplyBatch(64);
        raft.setMaxAppendBufferSize(1 << 20);
        raft.setMaxLogsInMemoryBytes(16L << 20);
        raft.setReadOnlyOptions(ReadOnlyOption.ReadOnlySafe);
        NodeOptions options = new ClusterNodeOptions(opening.transport, opening.progress);
        options.setRaftOptions(raft);
        options.setServiceFactory(opening.storage);
        options.setFsm(states);
        options.setLogUri(directory.resolve("log").toString());
        options.setRaftMetaUri(directory.resolve("votes").toString());
        options.setSnapshotUri(directory.resolve("snapshots").toString());
        options.setSnapshotIntervalSecs(0);
        options.setElectionTimeoutMs(1000);
        options.setApplyTaskMode(ApplyTaskMode.NonBlocking);
        options.setDisableCli(true);
        options.setEnableMetrics(false);
        options.setSharedTimerPool(true);
        options.setTimerPoolSize(1);
        options.setCliRpcThreadPoolSize(1);
        options.setRaftRpcThreadPoolSize(1);
        options.setRpcProcessorThreadPoolSize(1);
        if (opening.peers != null) {
            forCluster(options, raft, opening.peers.settings().election());
        }
        return options;
    }

    private static void forCluster(NodeOptions options, RaftOptions raft, Duration election) {
        int millis = Math.toIntExact(election.toMillis());
        options.setElectionTimeoutMs(millis);
        raft.setMaxElectionDelayMs(Math.max(millis / 2, 1));
        // Bounds what waits for one follower: entries of 512 KiB together, or one that is larger.
        raft.setMaxReplicatorInflightMsgs(32);
        options.setRpcConnectTimeoutMs(200);
        options.setRpcDefaultTimeout(3000);
        options.setRpcProcessorThreadPoolSize(4);
        options.setSnapshotThrottle(new ThroughputSnapshotThrottle(SNAPSHOT_BYTES_PER_SECOND, 10));
        options.setSharedTimerPool(false);
    }

    @Override
    public Message propose(Command command) {
        AwaitedOutcome outcome = new AwaitedOutcome();
        propose(command, outcome);
        return outcome.await();
    }

    @Override
    public void propose(Command command, Machine.Outcome outcome) {
        if (closed) {
            outcome.refused(Errors.stopped());
            return;
        }
        if (!waiting.tryAcquire()) {
            outcome.refused(Errors.tooManyRequests());
            return;
        }
        Counted counted = new Counted(outcome);
        bytesSinceSnapshot.addAndGet(command.getSerializedSize());
        Proposals several = proposals;
        if (several != null) {
            several.propose(command, counted);
            return;
        }
        Proposal proposal = new Proposal(command, counted, kernel.timers(), PROPOSAL_TIMEOUT);
        try {
            node.apply(new Task(ByteBuffer.wrap(command.toByteArray()), proposal));
        } catch (IllegalStateException e) {
            // It is being shut down.
            proposal.refused(Errors.stopped());
        }
    }

    /** Gives the place of a proposal back when its outcome is told, which happens once. */
    private final class Counted implements Machine.Outcome {
        private final Machine.Outcome outcome;

        Counted(Machine.Outcome outcome) {
            this.outcome = outcome;
        }

        @Override
        public void answered(Message answer) {
            waiting.release();
            outcome.answered(answer);
        }

        @Override
        public void refused(StoreException error) {
            waiting.release();
            if (error.code() == Code.UNAVAILABLE) {
                failures.increment();
            }
            outcome.refused(error);
        }
    }

    @Override
    public void barrier(Consumer<@Nullable StoreException> reached) {
        if (closed) {
            reached.accept(Errors.stopped());
        } else {
            barrier.reach(reached);
        }
    }

    @Override
    public boolean upToDate() {
        return !closed && hasEverything();
    }

    @Override
    public void barrier() {
        if (closed) {
            throw Errors.stopped();
        }
        if (hasEverything()) {
            return;
        }
        barrier.await(kernel.clock().nanoTime() + PROPOSAL_TIMEOUT.toNanos());
    }

    /**
     * Whether what this member has applied is all that was ever acknowledged: it has written that it is alone, as the leader that
     * it became after it had applied everything before. That stays so when its log fails.
     */
    private boolean hasEverything() {
        WalStorage.Sole sole = storage.sole();
        return sole != null && sole.term() == states.ledTerm() && sole.member().equals(self);
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
    public long slowReads() {
        return barrier.slow();
    }

    @Override
    public long failedReads() {
        return barrier.failed();
    }

    @Override
    public int waiting() {
        return MAX_WAITING - waiting.availablePermits();
    }

    @Override
    public long bytes() {
        return storage.bytes();
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
        PeerTransport way = transport;
        Proposals several = proposals;
        if (several != null) {
            handOver();
            several.stop();
        }
        PeerServices served = services;
        RaftRequests handler = requests;
        if (served != null && handler != null) {
            served.detach(handler);
        }
        try {
            // The next start then has little to read again.
            if (!states.failed() && states.entriesSinceSnapshot() >= SNAPSHOT_BEFORE_STOP_ENTRIES && !snapshotNow()) {
                LOG.log(System.Logger.Level.DEBUG, "no snapshot was made before stopping");
            }
            node.shutdown();
            node.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            if (way != null) {
                way.close();
            }
        }
        LOG.log(System.Logger.Level.DEBUG, "the log of {0} is closed", self);
    }

    /** A leader that stops makes the follower that is furthest lead, so that nobody has to notice its absence first. */
    private void handOver() {
        if (!states.leading() || node.listPeers().size() < 2 || states.failed()) {
            return;
        }
        var unused = transfer(PeerId.ANY_PEER);
    }

    /** Makes another member lead, and waits until it does; says whether it does. */
    boolean transfer(PeerId to) {
        long term = states.term();
        if (!node.transferLeadershipTo(to).isOk()) {
            return false;
        }
        long end = kernel.clock().nanoTime() + HAND_OVER.toNanos();
        while (kernel.clock().nanoTime() < end) {
            Leaders.Leader now = leaders.current();
            if (now != null && !now.self() && now.term() > term) {
                return true;
            }
            try {
                kernel.timers().sleep(Duration.ofMillis(10));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return false;
    }

    Node node() {
        return node;
    }

    PeerId self() {
        return self;
    }

    Progress progress() {
        return progress;
    }

    @Nullable
    PeerTransport transport() {
        return transport;
    }

    @Override
    public Leaders leaders() {
        return leaders;
    }
}
