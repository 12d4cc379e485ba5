package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.entity.LeaderChangeContext;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.error.RaftException;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.distribution.consensus.StateMachine;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A user's state machine as the library sees it. The machine is guarded by this object's monitor. */
final class GroupStates<C, Q, A> extends com.alipay.sofa.jraft.core.StateMachineAdapter {
    private static final System.Logger LOG = System.getLogger(GroupStates.class.getName());
    private static final String FILE = "state";
    private static final int MAX_ANSWER_BYTES = 1 << 20;

    /** The first octet of an answer. */
    static final int ANSWER = 0;

    static final int REFUSAL = 1;

    /** Told of an entry that was proposed on this node. */
    interface Pending extends Closure {
        void applied(byte[] answer);
    }

    private final String group;
    private final String self;
    private final Supplier<? extends StateMachine<C, Q, A>> factory;
    private final MessageCodec codec;
    private final Leaders leaders;
    private final Consumer<Throwable> onFailure;
    private StateMachine<C, Q, A> machine;
    private GroupSessions sessions = new GroupSessions();
    private volatile boolean leading;
    private volatile long sinceSnapshot;

    GroupStates(
            String group,
            String self,
            Supplier<? extends StateMachine<C, Q, A>> factory,
            MessageCodec codec,
            Leaders leaders,
            Consumer<Throwable> onFailure) {
        this.group = group;
        this.self = self;
        this.factory = factory;
        this.codec = codec;
        this.leaders = leaders;
        this.onFailure = onFailure;
        this.machine = factory.get();
    }

    boolean leading() {
        return leading;
    }

    long sinceSnapshot() {
        return sinceSnapshot;
    }

    synchronized A query(Q question) {
        return machine.query(question);
    }

    @Override
    public void onApply(Iterator entries) {
        while (entries.hasNext()) {
            ByteBuffer data = entries.getData();
            byte[] bytes = new byte[data.remaining()];
            data.duplicate().get(bytes);
            byte[] answer;
            try {
                answer = apply(GroupCommand.of(bytes));
            } catch (Error e) {
                LOG.log(System.Logger.Level.ERROR, "a command of the group " + group + " could not be applied", e);
                entries.setErrorAndRollback(1, new Status(RaftError.ESTATEMACHINE, "%s", String.valueOf(e)));
                onFailure.accept(e);
                return;
            }
            if (entries.done() instanceof Pending pending) {
                pending.applied(answer);
            }
            sinceSnapshot = sinceSnapshot + 1;
            entries.next();
        }
    }

    private synchronized byte[] apply(GroupCommand command) {
        byte[] before = sessions.answered(command.sender(), command.number());
        if (before != null) {
            return before;
        }
        byte[] answer;
        try {
            answer = answer(command.command());
        } catch (RuntimeException e) {
            // The same on every node: the sender is told.
            answer = refusal(e);
        }
        sessions.keep(command.sender(), command.number(), command.lowest(), answer);
        return answer;
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // a command is what its sender gave, and that was not null
    private byte[] answer(byte[] command) {
        A given = machine.apply((C) codec.decode(command));
        ByteWriter out = new ByteWriter(MAX_ANSWER_BYTES).octet(ANSWER);
        codec.write(out, given);
        return out.toBytes();
    }

    private static byte[] refusal(RuntimeException why) {
        String text = why.getMessage() == null ? why.getClass().getName() : why.getMessage();
        return new ByteWriter(MAX_ANSWER_BYTES)
                .octet(REFUSAL)
                .text(text.length() > 1_000 ? text.substring(0, 1_000) : text)
                .toBytes();
    }

    // ---- snapshots

    @Override
    public synchronized void onSnapshotSave(SnapshotWriter writer, Closure done) {
        Path file = Path.of(writer.getPath(), FILE);
        try (FileOutputStream disk = new FileOutputStream(file.toFile());
                DataOutputStream out = new DataOutputStream(new BufferedOutputStream(disk))) {
            ByteWriter known = new ByteWriter(Integer.MAX_VALUE - 64);
            sessions.write(known);
            byte[] bytes = known.toBytes();
            out.writeInt(bytes.length);
            out.write(bytes);
            machine.snapshot(out);
            out.flush();
            // The log from before it is given up.
            disk.getFD().sync();
            CheckedSnapshots.add(writer, FILE);
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "the state of the group " + group + " could not be written", e);
            done.run(new Status(RaftError.EINTERNAL, "%s", String.valueOf(e.getMessage())));
            return;
        }
        sinceSnapshot = 0;
        done.run(Status.OK());
    }

    @Override
    public synchronized boolean onSnapshotLoad(SnapshotReader reader) {
        Path file = Path.of(reader.getPath(), FILE);
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            byte[] bytes = in.readNBytes(in.readInt());
            GroupSessions read = GroupSessions.read(new ByteReader(bytes));
            StateMachine<C, Q, A> fresh = factory.get();
            fresh.restore(in);
            sessions = read;
            machine = fresh;
            sinceSnapshot = 0;
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "the state of the group " + group + " could not be read", e);
            onFailure.accept(e);
            return false;
        }
    }

    // ---- who leads

    @Override
    public void onLeaderStart(long term) {
        leading = true;
        leaders.elected(new Leaders.Leader(self, term, true));
    }

    @Override
    public void onLeaderStop(Status status) {
        leading = false;
        leaders.lost();
    }

    @Override
    public void onStartFollowing(LeaderChangeContext context) {
        leaders.elected(new Leaders.Leader(context.getLeaderId().toString(), context.getTerm(), false));
    }

    @Override
    public void onStopFollowing(LeaderChangeContext context) {
        leaders.lost();
    }

    @Override
    public void onError(RaftException error) {
        leading = false;
        onFailure.accept(error);
    }
}
