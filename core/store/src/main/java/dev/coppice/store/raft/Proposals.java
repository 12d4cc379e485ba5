package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.entity.Task;
import com.google.protobuf.Message;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.log.Command;
import dev.coppice.store.raft.Leaders.Leader;
import dev.coppice.store.wire.ProposeRequest;
import dev.coppice.store.wire.ProposeResponse;
import dev.coppice.store.wire.ProposeResponse.Verdict;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Commands of this member on their way to the leader, whoever that is. A command is answered when this member has applied
 * it, so that its sender then reads it here.
 *
 * <p>When the leader changes meanwhile, a command is proposed again, but only once it is certain that the attempt before
 * came to nothing: a leader takes a command in one term only; what it has taken, and what will ever come of it, lies before
 * the first entry of any later leader. So when a later leader has confirmed itself, and everything up to its commit index is
 * applied here without the command among it, then it is lost.
 */
final class Proposals {

    private static final Duration TIMEOUT = Duration.ofMillis(7000);
    private static final long CHECK_NANOS = Duration.ofMillis(100).toNanos();
    private static final Duration PAUSE = Duration.ofMillis(10);

    private final Kernel kernel;
    private final long origin;
    private final Leaders leaders;
    private final PeerTransport transport;
    private final ReadBarrier barrier;
    private final Node node;
    private final Executor rescuers;
    private final CommitNews commits;
    private final AtomicLong numbers;
    private final Map<Long, Attempt> pending = new ConcurrentHashMap<>();

    /** @param rescuers threads that may wait, for commands that meet trouble */
    Proposals(
            Kernel kernel,
            long origin,
            Leaders leaders,
            PeerTransport transport,
            ReadBarrier barrier,
            Node node,
            Executor rescuers) {
        this.kernel = kernel;
        this.rescuers = rescuers;
        this.origin = origin;
        this.leaders = leaders;
        this.transport = transport;
        this.barrier = barrier;
        this.node = node;
        this.commits = new CommitNews(node, barrier, rescuers);
        // Numbers of an earlier run of this member may still be in the log.
        this.numbers = new AtomicLong(kernel.secureRandom().nextLong());
        leaders.onChange(() -> pending.values().forEach(Attempt::nudge));
    }

    /** Who waits for a command that is being applied. */
    Machine.Outcome outcome(Command command) {
        Attempt found = command.getOrigin() == origin ? pending.get(command.getNumber()) : null;
        return found == null ? Machine.Outcome.NOBODY : found;
    }

    /** The state was replaced by another member's, in which entries were applied that were never seen here. */
    void blur() {
        pending.values().forEach(Attempt::blur);
    }

    /** Nobody is told any more what becomes of what is on its way. */
    void stop() {
        pending.values().forEach(each -> each.refused(Errors.stopped()));
    }

    int waiting() {
        return pending.size();
    }

    /**
     * Proposes a command. Nobody waits for it as long as all goes well; when there is trouble, or no leader, a thread takes
     * over that may wait.
     */
    void propose(Command command, Machine.Outcome outcome) {
        long number = numbers.incrementAndGet();
        Attempt attempt = new Attempt(
                command.toBuilder().setOrigin(origin).setNumber(number).build());
        long end = kernel.clock().nanoTime() + TIMEOUT.toNanos();
        pending.put(number, attempt);
        Leader leader = leaders.current();
        if (leader == null) {
            rescue(attempt, null, end, outcome);
            return;
        }
        Timers.Timer timer = kernel.timers().schedule(TIMEOUT, attempt::nudge);
        attempt.watch(news -> {
            timer.cancel();
            if (news.state() == Attempt.State.SETTLED) {
                pending.remove(number);
                tell(outcome, news::result);
            } else {
                rescue(news, leader, end, outcome);
            }
        });
        start(leader, attempt);
    }

    private static void tell(Machine.Outcome outcome, Supplier<Message> result) {
        Message message;
        try {
            message = result.get();
        } catch (StoreException e) {
            outcome.refused(e);
            return;
        }
        outcome.answered(message);
    }

    private void rescue(Attempt attempt, @Nullable Leader begun, long end, Machine.Outcome outcome) {
        try {
            rescuers.execute(() -> tell(outcome, () -> {
                try {
                    return await(attempt, begun, end);
                } finally {
                    pending.remove(attempt.command().getNumber());
                }
            }));
        } catch (RejectedExecutionException e) {
            pending.remove(attempt.command().getNumber());
            outcome.refused(Errors.stopped());
        }
    }

    /** @param begun the leader that was told of it already, or null */
    private Message await(Attempt attempt, @Nullable Leader begun, long end) {
        Leader leader = begun;
        while (true) {
            if (leader == null) {
                leader = leaders.await();
                attempt.reopen();
                start(leader, attempt);
            }
            boolean lost = !settled(attempt, leader, end);
            if (lost) {
                // Another one leads: what it has confirmed decides.
                confirm(attempt, end);
            }
            switch (attempt.state()) {
                case SETTLED -> {
                    return attempt.result();
                }
                case BUSY -> throw Errors.tooManyRequests();
                case NOT_TAKEN, OPEN -> {
                    if (!lost) {
                        pause(end);
                    }
                }
            }
            leader = null;
        }
    }

    /** Waits until the attempt has come to something; false when another leader leads meanwhile. */
    private boolean settled(Attempt attempt, Leader leader, long end) {
        while (attempt.state() == Attempt.State.OPEN) {
            Leader now = leaders.current();
            if (now != null && now.term() > leader.term()) {
                return false;
            }
            if (leaders.given() || attempt.blurred()) {
                throw Errors.timeoutByLeader();
            }
            long left = end - kernel.clock().nanoTime();
            if (left <= 0) {
                throw Errors.timeout();
            }
            attempt.pause(Math.min(left, CHECK_NANOS));
        }
        return true;
    }

    private void confirm(Attempt attempt, long end) {
        try {
            barrier.await(end);
        } catch (StoreException e) {
            if (attempt.state() != Attempt.State.SETTLED) {
                throw Errors.timeoutByLeader();
            }
        }
        if (attempt.blurred()) {
            throw Errors.timeoutByLeader();
        }
    }

    private void pause(long end) {
        if (kernel.clock().nanoTime() >= end) {
            throw Errors.timeout();
        }
        try {
            kernel.timers().sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.stopped();
        }
    }

    private void start(Leader leader, Attempt attempt) {
        if (leader.self()) {
            append(attempt.command(), leader.term(), attempt);
            return;
        }
        if (!transport.reachable(leader.raft())) {
            attempt.ended(Attempt.State.NOT_TAKEN);
            return;
        }
        ProposeRequest request = ProposeRequest.newBuilder()
                .setCommand(attempt.command())
                .setTerm(leader.term())
                .build();
        transport.call(leader.raft(), PeerMethods.PROPOSE, request, TIMEOUT.toMillis(), new PeerTransport.Answer<>() {
            @Override
            public void answered(ProposeResponse response) {
                taken(attempt, leader, response);
            }

            @Override
            public void failed(Throwable error) {
                // It may have arrived: who leads next will tell.
                attempt.nudge();
            }
        });
    }

    private void taken(Attempt attempt, Leader leader, ProposeResponse response) {
        switch (response.getVerdict()) {
            case APPLIED -> commits.told(leader, response.getIndex());
            case NOT_TAKEN -> attempt.ended(Attempt.State.NOT_TAKEN);
            case BUSY -> attempt.ended(Attempt.State.BUSY);
            case UNKNOWN, UNRECOGNIZED -> attempt.nudge();
        }
    }

    private void append(Command command, long term, PendingEntry entry) {
        try {
            node.apply(new Task(ByteBuffer.wrap(command.toByteArray()), entry, term));
        } catch (IllegalStateException e) {
            // It is being shut down; the entry was told.
            entry.run(new Status(-1, "the member stops"));
        }
    }

    // ---- on the leader, for others

    /** A command that another member proposed here; it is answered once. */
    private static final class Foreign implements PendingEntry {
        private final Command command;
        private final Consumer<Message> answer;
        private volatile long index;

        Foreign(Command command, Consumer<Message> answer) {
            this.command = command;
            this.answer = answer;
        }

        @Override
        public Command command() {
            return command;
        }

        @Override
        public void at(long applied) {
            index = applied;
        }

        private void tell(Verdict verdict) {
            answer.accept(ProposeResponse.newBuilder()
                    .setVerdict(verdict)
                    .setIndex(verdict == Verdict.APPLIED ? index : 0)
                    .build());
        }

        @Override
        public void run(Status status) {
            if (!status.isOk()) {
                tell(
                        switch (Attempt.read(status)) {
                            case NOT_TAKEN -> Verdict.NOT_TAKEN;
                            case BUSY -> Verdict.BUSY;
                            case OPEN, SETTLED -> Verdict.UNKNOWN;
                        });
            }
        }

        @Override
        public void answered(Message applied) {
            tell(Verdict.APPLIED);
        }

        @Override
        public void refused(StoreException error) {
            tell(Verdict.APPLIED);
        }
    }

    /** Takes a command of another member, in the term that it names only, without waiting; tells when it is applied. */
    void take(ProposeRequest request, Consumer<Message> answer) {
        append(request.getCommand(), request.getTerm(), new Foreign(request.getCommand(), answer));
    }
}
