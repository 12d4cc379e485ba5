package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.error.RaftException;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import dev.coppice.store.engine.Machine;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * What the library calls to apply entries, and to save and load snapshots. Its callbacks run on one thread of the
 * library's.
 */
public final class StateMachineAdapter extends com.alipay.sofa.jraft.core.StateMachineAdapter {

    private static final System.Logger LOG = System.getLogger(StateMachineAdapter.class.getName());

    private static final int MAX_BATCH = 256;
    private static final String STATE = "state";

    private final Machine machine;
    private final Runnable onLeading;
    private final Consumer<Throwable> onFailure;
    private final CountDownLatch firstLed = new CountDownLatch(1);
    private volatile boolean leading;
    private volatile boolean alone;
    private volatile boolean failed;
    private volatile long term;
    private volatile long leaderChanges;
    private volatile long snapshotIndex;

    /**
     * @param onLeading called when this member begins to lead and has applied everything before
     * @param onFailure called when the log or the state cannot go on
     */
    public StateMachineAdapter(Machine machine, Runnable onLeading, Consumer<Throwable> onFailure) {
        this.machine = machine;
        this.onLeading = onLeading;
        this.onFailure = onFailure;
    }

    boolean awaitLeading(long timeout, TimeUnit unit) throws InterruptedException {
        return firstLed.await(timeout, unit);
    }

    boolean leading() {
        return leading;
    }

    /**
     * Whether what this member has applied is all that was ever acknowledged: it is the only one, and has led. That stays
     * so when its log fails.
     */
    boolean hasEverything() {
        return alone && firstLed.getCount() == 0;
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

    long entriesSinceSnapshot() {
        return machine.applied() - snapshotIndex;
    }

    @Override
    public void onApply(Iterator entries) {
        try {
            while (entries.hasNext()) {
                if (entries.done() instanceof Proposal proposal) {
                    machine.apply(entries.getIndex(), proposal.command(), proposal);
                } else {
                    machine.apply(entries.getIndex(), entries.getData());
                }
                if (machine.pending() >= MAX_BATCH) {
                    machine.commit();
                }
                entries.next();
            }
            machine.commit();
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
        onLeading.run();
        firstLed.countDown();
    }

    @Override
    public void onLeaderStop(Status status) {
        leading = false;
    }

    @Override
    public void onConfigurationCommitted(Configuration configuration) {
        alone = configuration.size() == 1 && configuration.getLearners().isEmpty();
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
                    if (!writer.addFile(STATE + "/" + file.getFileName())) {
                        throw new IOException("the snapshot does not take " + file);
                    }
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

    /** The state on disk is always at or after the newest snapshot made here, so there is nothing to load. */
    @Override
    public boolean onSnapshotLoad(SnapshotReader reader) {
        long included = reader.load().getLastIncludedIndex();
        if (machine.applied() >= included) {
            snapshotIndex = included;
            return true;
        }
        LOG.log(
                System.Logger.Level.ERROR,
                "the state ends at entry {0}, before the snapshot at entry {1}",
                machine.applied(),
                included);
        return false;
    }
}
