package dev.coppice.store;

import com.google.protobuf.Message;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.engine.Requests;
import dev.coppice.store.engine.Space;
import dev.coppice.store.engine.StoreMetrics;
import dev.coppice.store.log.Command;
import dev.coppice.store.raft.ClusterMember;
import dev.coppice.store.raft.ClusterSettings;
import dev.coppice.store.raft.Member;
import dev.coppice.store.raft.ReplicatedLog;
import io.grpc.Status.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One member of a replicated store: a directory with named {@linkplain Keyspace keyspaces}, kept equal on all members by
 * Raft. It runs as a supervisor of its own with these children: the member (state and log), its watches, and what it does
 * regularly. When the member fails it is opened again, and all watches end with {@code UNAVAILABLE}. When the disk is full,
 * writes are refused and reads go on until there is space again. Safe for use by many threads.
 *
 * <p>Durability: a write is acknowledged when its entry is synced to the log (many writers share a sync) and applied. The
 * state itself is not synced with each write: it contains the index of the last entry that it has, and after a crash the log
 * is replayed from there.
 */
public final class Store {

    private static final System.Logger LOG = System.getLogger(Store.class.getName());

    private static final Duration LEASE_BEAT = Duration.ofMillis(500);
    private static final Duration MEMBERS_BEAT = Duration.ofMillis(200);
    private static final Duration CHECKPOINT_BEAT = Duration.ofSeconds(10);
    private static final Duration AUTO_COMPACTION_BEAT = Duration.ofSeconds(5);
    private static final Duration UPKEEP_BEAT = Duration.ofSeconds(1);
    private static final Duration QUIET_BEFORE_PROGRESS = Duration.ofMinutes(10);
    private static final int COMPACTION_STEP = 1000;

    /** How long a call waits for a member that is being restarted. */
    private static final Duration RESTART_PATIENCE = Duration.ofSeconds(5);

    private final Kernel kernel;
    private final StoreOptions options;
    private final StoreMetrics metrics;
    private final Map<String, MemberKeyspace> keyspaces = new TreeMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private volatile @Nullable Member member;
    private volatile boolean over;
    private volatile Supervisor.@Nullable Child tree;
    private volatile @Nullable Executor calls;
    private final Disk disk;

    /** Restarts the member: it met a full disk, can still be read, and waits for space. */
    private final AtomicReference<@Nullable Runnable> restart = new AtomicReference<>();

    private volatile boolean openedBefore;
    private volatile List<String> clientUrls = List.of();
    private final List<Runnable> everySecond = new CopyOnWriteArrayList<>();

    private Store(Kernel kernel, StoreOptions options, Disk disk) {
        this.kernel = kernel;
        this.options = options;
        this.disk = disk;
        this.metrics = new StoreMetrics(kernel.metrics());
        for (StoreOptions.KeyspaceOptions each : options.keyspaces()) {
            keyspaces.put(each.name(), new MemberKeyspace(this, each));
        }
        metrics.show(this::spaces);
        metrics.show(this::waiting, this::logBytes, disk::freeBytes);
    }

    /**
     * Opens a store and starts it below a supervisor, as a child called {@code store}; it is ready when this returns.
     *
     * @throws StartException when the directory cannot be opened
     */
    public static Store start(Kernel kernel, Supervisor parent, StoreOptions options) throws StartException {
        return start(kernel, parent, options, new Disk(options.directory(), Disk.RESERVE_BYTES));
    }

    static Store start(Kernel kernel, Supervisor parent, StoreOptions options, Disk disk) throws StartException {
        Store store = new Store(kernel, options, disk);
        Supervisor.Child tree = parent.start(store.children());
        store.tree = tree;
        store.calls = tree.supervisor().executor("calls");
        return store;
    }

    private ChildSpec children() {
        SupervisorOptions rest = SupervisorOptions.DEFAULT.withStrategy(SupervisorOptions.Strategy.REST_FOR_ONE);
        List<ChildSpec> children = new ArrayList<>(List.of(
                ChildSpec.service("member", MemberService::new).withShutdown(Duration.ofSeconds(30)),
                ChildSpec.supervisor("watches", SupervisorOptions.DEFAULT),
                ChildSpec.periodic("leases", LEASE_BEAT, Duration.ZERO, this::endExpiredLeases),
                ChildSpec.periodic("lease-checkpoints", CHECKPOINT_BEAT, Duration.ZERO, this::checkpointLeases),
                ChildSpec.periodic("auto-compaction", AUTO_COMPACTION_BEAT, Duration.ZERO, this::compactByItself),
                ChildSpec.periodic("compaction", UPKEEP_BEAT, Duration.ZERO, this::removeOldVersions),
                ChildSpec.periodic("upkeep", UPKEEP_BEAT, Duration.ZERO, this::upkeep)));
        if (options.cluster() != null) {
            children.add(ChildSpec.periodic("members", MEMBERS_BEAT, Duration.ZERO, this::tend));
        }
        return ChildSpec.supervisor("store", rest, children.toArray(ChildSpec[]::new));
    }

    /**
     * The keyspace of that name. It stays valid over restarts of the store: while the store restarts its calls wait, for five
     * seconds at most, then fail with code {@code UNAVAILABLE}.
     *
     * @throws IllegalArgumentException when the options name no such keyspace
     */
    public Keyspace keyspace(String name) {
        return memberKeyspace(name);
    }

    /** The same, with what only a keyspace on this member can do: users, alarms, maintenance. */
    public MemberKeyspace memberKeyspace(String name) {
        MemberKeyspace keyspace = keyspaces.get(name);
        if (keyspace == null) {
            throw new IllegalArgumentException(
                    "there is no keyspace \"" + name + "\"; the store was opened with " + keyspaces.keySet());
        }
        return keyspace;
    }

    public StoreOptions options() {
        return options;
    }

    /** This member's place in the tree, such as {@code /store}. */
    public String path() {
        Supervisor.Child current = tree;
        return current == null ? "" : current.path();
    }

    /** Stops the store and forgets it; what was acknowledged is on disk. */
    public void stop(Supervisor parent) {
        over = true;
        parent.stop("store");
    }

    public Kernel kernel() {
        return kernel;
    }

    // ---- the member

    private final class MemberService implements Service {
        @Override
        public void start(Failure failure) throws Exception {
            // A killed child is not stopped: its database would stay locked.
            stop();
            Files.createDirectories(options.directory());
            if (!disk.check() && openedBefore) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the store waits for space: {0}",
                        disk.full().getMessage());
                arrived(null, () -> failure.report(disk.full()));
                return;
            }
            Member opened = Member.open(kernel, options, metrics, Store.this::execute, error -> broken(failure, error));
            opened.machine().beforeRenewal((space, lease) -> {
                MemberKeyspace keyspace = keyspaces.get(space.name());
                if (keyspace != null) {
                    keyspace.clearCheckpoint(lease);
                }
            });
            beginAfresh(opened);
            arrived(opened, null);
            openedBefore = true;
        }

        /** The log of a restored store lacks what was restored: a snapshot at its start has it, for members that join. */
        private void beginAfresh(Member opened) throws IOException, InterruptedException {
            Path restored = options.directory().resolve(Restoration.RESTORED);
            if (!Files.exists(restored)) {
                return;
            }
            ClusterSettings cluster = options.cluster();
            if (cluster != null && cluster.founders().size() != 1) {
                opened.close();
                throw new IOException("the restored store in " + options.directory()
                        + " has to begin its cluster alone: name this node only with --cluster, and let others join");
            }
            opened.log().awaitLeading();
            if (!opened.log().snapshotNow()) {
                opened.close();
                throw new IOException("the snapshot at the start of the restored log could not be made");
            }
            Files.delete(restored);
        }

        @Override
        public void stop() {
            Member current = member;
            member = null;
            restart.set(null);
            if (current != null) {
                current.close();
            }
        }
    }

    /** Tells those who wait that there is a member, or that there will be none until there is space. */
    private void arrived(@Nullable Member opened, @Nullable Runnable waiting) {
        lock.lock();
        try {
            member = opened;
            if (waiting != null) {
                restart.set(waiting);
            }
            arrived.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * The log or the state cannot go on. When the disk is full, opening them again would fail, too: then they stay as they
     * are, for reading, until there is space.
     */
    private void broken(Service.Failure failure, Throwable error) {
        if (disk.check()) {
            failure.report(error);
        } else if (restart.compareAndSet(null, () -> failure.report(error))) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the store can only be read until there is space: {0}",
                    disk.full().getMessage());
        }
    }

    private Member member() {
        Member current = member;
        return current == null ? awaitMember() : current;
    }

    /** A restart of the member is a pause for those above, not an error: else each of them would have to be restarted, too. */
    private Member awaitMember() {
        long leftNanos = RESTART_PATIENCE.toNanos();
        lock.lock();
        try {
            while (member == null && restart.get() == null && !over && leftNanos > 0) {
                leftNanos = arrived.awaitNanos(leftNanos);
            }
            Member current = member;
            if (current == null) {
                throw restart.get() == null ? Errors.stopped() : disk.full();
            }
            return current;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.stopped();
        } finally {
            lock.unlock();
        }
    }

    /** Why writes are refused now, for whoever asks how the store is; empty when they are not. */
    public Optional<StoreException> refusal() {
        return restart.get() != null || !disk.enough() ? Optional.of(disk.full()) : Optional.empty();
    }

    public Machine machine() {
        return member().machine();
    }

    public ReplicatedLog log() {
        return member().log();
    }

    /** In a cluster that has had no leader yet there are no keyspaces. */
    Space space(String name) {
        return machine().space(name).orElseThrow(options.cluster() == null ? Errors::stopped : Errors::noLeader);
    }

    /** What this member is in a cluster of several; empty for one that is alone. */
    public Optional<ClusterMember> cluster() {
        return member().cluster();
    }

    /** Where clients reach this member, for the list of members. */
    public void announce(List<String> urls) {
        clientUrls = List.copyOf(urls);
    }

    /** Does something once a second, for as long as this store lives; it must not wait. */
    public void everySecond(Runnable action) {
        everySecond.add(action);
    }

    /** Whether this member knows of a leader; never waits. */
    public boolean led() {
        Member current = member;
        return current != null && current.log().leaders().current() != null;
    }

    /** Whether there is a leader, this member has applied what was acknowledged, and the keyspaces are there. */
    public boolean serving() {
        try {
            log().barrier();
            return options.keyspaces().stream()
                    .allMatch(each -> machine().space(each.name()).isPresent());
        } catch (StoreException e) {
            return false;
        }
    }

    private void tend() {
        Member current = member;
        if (current != null) {
            current.cluster().ifPresent(cluster -> cluster.tend(options.name(), clientUrls));
        }
    }

    private Iterable<Space> spaces() {
        Member current = member;
        return current == null ? List.of() : current.machine().spaces();
    }

    /** The supervisor that watches run under. */
    Supervisor watches() {
        Supervisor.Child current = tree;
        if (current == null) {
            throw Errors.stopped();
        }
        return current.supervisor()
                .child("watches")
                .orElseThrow(Errors::stopped)
                .supervisor();
    }

    // ---- what it does regularly

    private void endExpiredLeases() {
        Member current = member;
        if (current == null || !current.log().leading()) {
            return;
        }
        for (MemberKeyspace keyspace : keyspaces.values()) {
            if (current.machine().space(keyspace.name()).isPresent()) {
                keyspace.endExpiredLeases();
            }
        }
    }

    private void checkpointLeases() {
        Member current = member;
        if (current == null || !current.log().leading()) {
            return;
        }
        for (MemberKeyspace keyspace : keyspaces.values()) {
            try {
                if (current.machine().space(keyspace.name()).isPresent()) {
                    keyspace.checkpointLeases();
                }
            } catch (StoreException e) {
                LOG.log(System.Logger.Level.DEBUG, "leases are written down later", e);
            }
        }
    }

    private void compactByItself() {
        Member current = member;
        if (current == null || !current.log().leading()) {
            return;
        }
        for (MemberKeyspace keyspace : keyspaces.values()) {
            try {
                if (current.machine().space(keyspace.name()).isPresent()) {
                    keyspace.compactByItself();
                }
            } catch (StoreException e) {
                LOG.log(System.Logger.Level.DEBUG, "history is compacted later", e);
            }
        }
    }

    private void removeOldVersions() throws InterruptedException {
        try {
            for (Space space : spaces()) {
                while (restart.get() == null && machine().compact(space, COMPACTION_STEP)) {
                    kernel.timers().sleep(Duration.ofMillis(5));
                }
            }
        } catch (Machine.UnwritableException e) {
            if (disk.check()) {
                throw e;
            }
            LOG.log(System.Logger.Level.DEBUG, "old versions are removed later, when there is space", e);
        }
    }

    private void upkeep() {
        everySecond.forEach(Runnable::run);
        boolean space = disk.check();
        Runnable due = restart.get();
        if (due != null) {
            if (space && restart.compareAndSet(due, null)) {
                due.run();
            }
            return;
        }
        Member current = member;
        if (current == null) {
            return;
        }
        current.log().compact();
        for (Space each : current.machine().spaces()) {
            each.endUnheardWatches();
            each.notifyProgress(QUIET_BEFORE_PROGRESS.toNanos());
        }
    }

    private int waiting() {
        Member current = member;
        return current == null ? 0 : current.log().waiting();
    }

    private long logBytes() {
        Member current = member;
        return current == null ? 0 : current.log().bytes();
    }

    /**
     * Does something on a thread that may wait.
     *
     * @throws RejectedExecutionException while the store is being started or stopped
     */
    public void execute(Runnable task) {
        Executor current = calls;
        if (current == null) {
            throw new RejectedExecutionException("the store is being started");
        }
        current.execute(task);
    }

    /**
     * Sends a command through the log without waiting; see {@link ReplicatedLog#propose(Command, Machine.Outcome)}. False, and
     * nothing is done, while the store is not in a state to take it without waiting: then ask again with {@link #propose(Command)}.
     */
    boolean propose(Command command, Machine.Outcome outcome) {
        Member current = member;
        if (current == null || restart.get() != null) {
            return false;
        }
        disk.admit(command.getSerializedSize(), Requests.frees(command));
        current.log().propose(command, new Machine.Outcome() {
            @Override
            public void answered(Message answer) {
                outcome.answered(answer);
            }

            @Override
            public void refused(StoreException error) {
                outcome.refused(
                        error.code() == Code.UNAVAILABLE && restart.get() != null ? disk.fullMeanwhile(error) : error);
            }
        });
        return true;
    }

    /** The member, unless it has to be waited for. */
    @Nullable
    Member memberNow() {
        return restart.get() == null ? member : null;
    }

    /** Sends a command through the log, unless the disk is nearly full; reads and, for some time, deletes go on then. */
    Message propose(Command command) {
        if (restart.get() != null) {
            throw disk.full();
        }
        disk.admit(command.getSerializedSize(), Requests.frees(command));
        try {
            return log().propose(command);
        } catch (StoreException e) {
            if (e.code() == Code.UNAVAILABLE && restart.get() != null) {
                throw disk.fullMeanwhile(e);
            }
            throw e;
        }
    }
}
