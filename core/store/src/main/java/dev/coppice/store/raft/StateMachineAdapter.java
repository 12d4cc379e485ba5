package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.entity.LeaderChangeContext;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.error.RaftException;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import dev.coppice.serving.Wakeups;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.log.Command;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntSupplier;

/**
 * What the library calls to apply entries, and to save and load snapshots. Its callbacks run on one thread of the
 * library's.
 */
public final class StateMachineAdapter extends com.alipay.sofa.jraft.core.StateMachineAdapter {

    private static final System.Logger LOG = System.getLogger(StateMachineAdapter.class.getName());

    private static final int MAX_BATCH = 256;
    private static final String STATE = "state";

    private final Machine machine;
    private final String self;
    private final Leaders leaders;
    private final Runnable onLeading;
    private final Consumer<Throwable> onFailure;
    private final CountDownLatch firstLed = new CountDownLatch(1);
    private volatile Function<Command, Machine.Outcome> outcomes = command -> Machine.Outcome.NOBODY;
    private volatile Runnable restored = () -> {};
    private volatile boolean leading;
    private volatile boolean failed;
    private volatile long term;
    private volatile long ledTerm;
    private volatile long leaderChanges;
    private volatile long snapshotIndex;

    /**
     * @param onLeading called when this member begins to lead and has applied everything before
     * @param onFailure called when the log or the state cannot go on
     */
    StateMachineAdapter(
            Machine machine, String self, Leaders leaders, Runnable onLeading, Consumer<Throwable> onFailure) {
        this.machine = machine;
        this.self = self;
        this.leaders = leaders;
        this.onLeading = onLeading;
        this.onFailure = onFailure;
    }

    /**
     * There may be other members.
     *
     * @param finder who waits here for a command that comes back through the log
     * @param onRestored called when another member's state took the place of this one's
     */
    void inCluster(Function<Command, Machine.Outcome> finder, Runnable onRestored) {
        outcomes = finder;
        restored = onRestored;
    }

    Leaders leaders() {
        return leaders;
    }

    boolean awaitLeading(long timeout, TimeUnit unit) throws InterruptedException {
        return firstLed.await(timeout, unit);
    }

    boolean leading() {
        return leading;
    }

    /** The newest term in which this member led, after it had applied everything before it; 0 when it has not led. */
    long ledTerm() {
        return ledTerm;
    }

    /** Whether the log or the state cannot go on. */
    boolean failed() {
        return failed;
    }

    /** How often somebody began to lead since this process began. */
    long leaderChanges() {
        return leaderChanges;
    }

    long term() {
        return term;
    }

    /** Takes note of how long a synced write to the log took. */
    int timedSync(IntSupplier append) {
        return machine.timedSync(append);
    }

    long entriesSinceSnapshot() {
        return machine.applied() - snapshotIndex;
    }

    @Override
    public void onApply(Iterator entries) {
        try {
            while (entries.hasNext()) {
                if (entries.done() instanceof PendingEntry pending) {
                    pending.at(entries.getIndex());
                    machine.apply(entries.getIndex(), pending.command(), pending);
                } else {
                    machine.apply(entries.getIndex(), entries.getData(), outcomes);
                }
                if (machine.pending() >= MAX_BATCH) {
                    Wakeups.together(machine::commit);
                }
                entries.next();
            }
            Wakeups.together(machine::commit);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "an entry of the log could not be applied", e);
            fail();
            entries.setErrorAndRollback(1, new Status(RaftError.ESTATEMACHINE, "%s", String.valueOf(e.getMessage())));
            onFailure.accept(e);
        }
    }

    @Override
    public void onLeaderStart(long newTerm) {
        term = newTerm;
        leaderChanges = leaderChanges + 1;
        machine.setTerm(newTerm);
        leading = true;
        ledTerm = newTerm;
        onLeading.run();
        leaders.elected(new Leaders.Leader(self, newTerm, true));
        firstLed.countDown();
    }

    @Override
    public void onLeaderStop(Status status) {
        leading = false;
        leaders.lost();
    }

    @Override
    public void onStartFollowing(LeaderChangeContext context) {
        term = context.getTerm();
        leaderChanges = leaderChanges + 1;
        machine.setTerm(context.getTerm());
        leaders.elected(new Leaders.Leader(context.getLeaderId().toString(), context.getTerm(), false));
    }

    @Override
    public void onStopFollowing(LeaderChangeContext context) {
        leaders.lost();
    }

    @Override
    public void onError(RaftException error) {
        fail();
        onFailure.accept(error);
    }

    private void fail() {
        failed = true;
        leading = false;
    }

    @Override
    public void onSnapshotSave(SnapshotWriter writer, Closure done) {
        Path target = Path.of(writer.getPath(), STATE);
        long index = machine.applied();
        try {
            machine.checkpoint(target);
            try (DirectoryStream<Path> files = Files.newDirectoryStream(target)) {
                for (Path file : files) {
                    CheckedSnapshots.add(writer, STATE + "/" + file.getFileName());
                }
            }
            snapshotIndex = index;
            done.run(Status.OK());
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "the snapshot could not be written", e);
            // With EIO the library would give up the log, which is sound.
            done.run(new Status(RaftError.EINTERNAL, "%s", String.valueOf(e.getMessage())));
        }
    }

    /**
     * At the start there is nothing to do: the state on disk is at or after the newest snapshot made here. Later, a member
     * that is far behind is sent the state of its leader.
     */
    @Override
    public boolean onSnapshotLoad(SnapshotReader reader) {
        long included = reader.load().getLastIncludedIndex();
        if (machine.applied() >= included) {
            snapshotIndex = included;
            return true;
        }
        LOG.log(
                System.Logger.Level.INFO,
                "the state ends at entry {0}: taking over the one of entry {1}",
                machine.applied(),
                included);
        try {
            machine.restore(Path.of(reader.getPath(), STATE));
            // The newest entries may be none of commands, and then the state tells of earlier ones.
            machine.skip(included);
            machine.commit();
            restored.run();
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "the state of another member could not be taken over", e);
            fail();
            onFailure.accept(e);
            return false;
        }
        snapshotIndex = included;
        return true;
    }
}
