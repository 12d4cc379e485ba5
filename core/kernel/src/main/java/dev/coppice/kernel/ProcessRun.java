package dev.coppice.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One life of a process.
 *
 * <p>{@code schedule} is IDLE or BUSY: whoever moves it to BUSY gives it a thread (on demand) or wakes its own, so that never
 * two {@linkplain Activation run it} at a time. Signals (exits, stops, suspensions) have a stack of their own and go first.
 */
final class ProcessRun<M> extends MailRun<M> {
    private static final byte IDLE = 0;
    private static final byte BUSY = 1;
    /** Times that a starter lets others run before it waits. */
    private static final int YIELDS = 3;

    private static final VarHandle SIGNALS;
    private static final VarHandle SCHEDULE;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SIGNALS = lookup.findVarHandle(ProcessRun.class, "signals", Node.class);
            SCHEDULE = lookup.findVarHandle(ProcessRun.class, "schedule", byte.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private @Nullable Behavior<M> behavior;
    private volatile @Nullable Node signals;
    /** The thread that runs it: on demand only while it does. */
    private volatile @Nullable Activation<M> active;

    private volatile byte schedule = BUSY;
    private volatile boolean initialised;
    private long handled;
    private long busyNanos;

    ProcessRun(ProcessAddress<M> address) {
        super(address);
    }

    @SuppressWarnings("unchecked")
    private ProcessAddress<M> address() {
        return (ProcessAddress<M>) child;
    }

    @Nullable
    Behavior<M> behavior() {
        return behavior;
    }

    // ---- life

    @Override
    void start() throws Exception {
        start(address().newBehavior());
    }

    private void start(Behavior<M> made) throws Exception {
        behavior = made;
        if (onDemand() && !Hooks.of(made).init()) {
            initialised = true;
            schedule = IDLE;
            if (hasWork()) {
                wake();
            }
            return;
        }
        newThread(() -> Activation.run(new Activation<>(this, made, false))).start();
        try {
            awaitInit();
        } catch (InterruptedException e) {
            kill();
            throw e;
        }
        checkInitialised();
    }

    private void checkInitialised() throws StartException {
        if (!initialised) {
            if (exit() instanceof ExitReason.Crash crash) {
                throw new StartException(child.path() + " did not start: " + crash.cause(), crash.cause());
            }
            throw new StartException(child.path() + " was stopped while it was starting", null);
        }
    }

    @Override
    void start(Activation<?> last) throws Exception {
        Behavior<M> made = address().newBehavior();
        if (!onDemand() || !Hooks.of(made).init()) {
            start(made);
            return;
        }
        behavior = made;
        Activation<M> activation = new Activation<>(this, made, false);
        if (alive() && activation.initialise()) {
            last.followedBy(activation);
        }
        checkInitialised();
    }

    /** Looks at its mail on a thread of its own. */
    void continueApart() {
        Behavior<M> current = behavior;
        if (current != null) {
            newThread(() -> Activation.run(new Activation<>(this, current, true)))
                    .start();
        }
    }

    private void awaitInit() throws InterruptedException {
        // Most are done at once; to block a virtual thread costs far more than a turn of the others.
        for (int i = 0; i < YIELDS && !initialised && Thread.currentThread().isVirtual(); i++) {
            Thread.yield();
        }
        if (!initialised) {
            synchronized (this) {
                while (!initialised && alive()) {
                    wait();
                }
            }
        }
    }

    /** Lets the starter go on; false when the process ended before. */
    synchronized boolean initialised() {
        initialised = alive();
        notifyAll();
        return initialised;
    }

    private Thread newThread(Runnable body) {
        return switch (options().mode()) {
            // Unnamed when short-lived: building the name would cost more than the thread.
            case ON_DEMAND -> Thread.ofVirtual().unstarted(body);
            case DEDICATED -> Thread.ofVirtual().name(child.path()).unstarted(body);
            case ISOLATED -> Thread.ofPlatform().daemon().name(child.path()).unstarted(body);
        };
    }

    @Override
    void requestStop() {
        Behavior<M> current = behavior;
        boolean simple = onDemand() && current != null && !Hooks.of(current).terminate();
        if (simple && SCHEDULE.compareAndSet(this, IDLE, BUSY)) {
            end(new ExitReason.Shutdown());
            discard();
        } else {
            signal(new Signal.Stop());
        }
    }

    @Override
    void kill() {
        Activation<M> current = active;
        end(new ExitReason.Killed());
        if (current != null) {
            current.interrupt();
        }
    }

    @Override
    void ended(ExitReason reason) {
        Relations ties = ties();
        if (ties != null) {
            ties.close(reason, "process " + child.path() + " ended: " + describe(reason));
        }
        for (Node n = signals; n != null; n = n.next) {
            ((Signal) n.item).forget();
        }
        openGate();
        attend();
        wake();
    }

    private static String describe(ExitReason reason) {
        return switch (reason) {
            case ExitReason.Normal _ -> "it was done";
            case ExitReason.Shutdown _ -> "its supervisor stopped it";
            case ExitReason.Killed _ -> "it was killed";
            case ExitReason.NoProcess _ -> "it was not alive";
            case ExitReason.NoConnection _ -> "a linked process is on a node that cannot be reached";
            case ExitReason.Crash crash -> "it crashed: " + crash.cause();
        };
    }

    // ---- calls

    <R> R call(Function<Consumer<R>, M> message, Duration timeout) {
        if (receiving()) {
            throw new CallException("process " + child.path() + " called itself; it would wait for ever", null);
        }
        PendingCall<R> call = new PendingCall<>(kernel());
        PendingCalls calls = relations().calls;
        calls.add(call);
        try {
            if (!alive()) {
                throw new CallException("process " + child.path() + " is not alive", null);
            }
            if (!reserve()) {
                if (alive()) {
                    throw new CallException("the mailbox of process " + child.path() + " is full", null);
                }
                throw new CallException("process " + child.path() + " ended before it took the request", null);
            }
            push(message.apply(call));
            return call.await(child, timeout);
        } finally {
            calls.remove(call);
        }
    }

    // ---- signals

    private void signal(Signal signal) {
        Node top;
        Node node = new Node(signal, null);
        do {
            top = signals;
            node.next = top;
        } while (!SIGNALS.compareAndSet(this, top, node));
        attend();
        wake();
    }

    /** Makes the loop, if it runs, look at what is not mail. */
    void attend() {
        Activation<M> current = active;
        if (current != null) {
            current.attend();
        }
    }

    void suspend(boolean on) {
        signal(new Signal.Suspend(on));
    }

    CompletableFuture<Optional<Object>> describe() {
        Signal.Describe request = new Signal.Describe(new CompletableFuture<>());
        signal(request);
        if (!alive()) {
            request.forget();
        }
        return request.answer();
    }

    @Override
    void exitSignal(@Nullable ProcessRef<?> from, ExitReason reason) {
        if (from == null && reason instanceof ExitReason.Killed) {
            kill();
            return;
        }
        Signal.Exit exit = new Signal.Exit(from, reason);
        if (trap() != null) {
            sendAlways(exit);
            return;
        }
        signal(exit);
        Activation<M> current = active;
        if (current != null && !(reason instanceof ExitReason.Normal)) {
            current.interrupt();
        }
    }

    /** How it traps exits, if it does. */
    @Nullable
    Function<ExitSignal, ?> trap() {
        Relations ties = ties();
        return ties == null ? null : ties.trap;
    }

    /** Why a signal that waits will end it, if one does. */
    @Nullable
    ExitReason fatalSignal() {
        if (trap() == null) {
            for (Node n = signals; n != null; n = n.next) {
                if (n.item instanceof Signal.Exit exit && !(exit.reason() instanceof ExitReason.Normal)) {
                    return exit.reason();
                }
            }
        }
        return null;
    }

    // ---- its thread

    boolean onDemand() {
        return options().mode() == ProcessOptions.Mode.ON_DEMAND;
    }

    @Override
    ProcessOptions options() {
        return ((ChildSpec.ProcessBody) child.spec().body()).options();
    }

    @Override
    boolean receiving() {
        Activation<M> current = active;
        return current != null && current.thread == Thread.currentThread();
    }

    @Override
    void wake() {
        if (schedule == IDLE && SCHEDULE.compareAndSet(this, IDLE, BUSY)) {
            if (!onDemand()) {
                Activation<M> own = active;
                LockSupport.unpark(own == null ? null : own.thread);
            } else if (alive()) {
                continueApart();
            } else {
                discard(); // nobody else will: it ended while it was idle, or suspended with mail
            }
        }
    }

    void active(@Nullable Activation<M> activation) {
        active = activation;
    }

    /** Signals that wait, in order, or null. For the receiver only. */
    @Nullable
    Node takeSignals() {
        return signals == null ? null : Node.reverse((Node) SIGNALS.getAndSet(this, null));
    }

    /** Adds up a stretch of work; {@code rest} is the mail that it took and did not handle. For the receiver only. */
    void worked(long messages, long nanos, @Nullable Node rest) {
        handled += messages;
        busyNanos += nanos;
        keep(rest);
    }

    /** Gives the thread back or, when it is the process's own, waits for work; false when the thread is to end. */
    boolean rest(Activation<M> activation) {
        if (onDemand()) {
            if (hasWork()) {
                return true;
            }
            active = null;
            schedule = IDLE;
            return hasWork() && SCHEDULE.compareAndSet(this, IDLE, BUSY);
        }
        schedule = IDLE;
        if (!hasWork() || !SCHEDULE.compareAndSet(this, IDLE, BUSY)) {
            while (schedule == IDLE && alive()) {
                LockSupport.park(activation);
                Thread.interrupted();
            }
        }
        return true;
    }

    private boolean hasWork() {
        Relations ties = ties();
        boolean held = ties != null && ties.suspended;
        boolean continues = ties != null && ties.continuation != null;
        return signals != null || !alive() || (!held && (continues || hasMail()));
    }

    void discard() {
        int dropped = dropMail();
        if (dropped > 0) {
            kernel().meters().deadLetters.inc(dropped);
        }
    }

    // ---- views

    void link(ProcessRun<?> other) {
        if (other == this || !relations().addLink(other)) {
            return;
        }
        if (!other.relations().addLink(this)) {
            relations().removeLink(other);
            exitSignal(other.child.ref(), new ExitReason.NoProcess());
        }
    }

    void unlink(ProcessRun<?> other) {
        relations().removeLink(other);
        other.relations().removeLink(this);
    }

    Watch observe(ProcessRef<?> other, Function<Down, M> message) {
        Watch[] self = new Watch[1];
        Watch watch = new Watch(other, down -> {
            if (alive()) {
                sendAlways(new Activation.Watched(self[0], message.apply(down)));
            }
        });
        self[0] = watch;
        watch.observer(relations());
        relations().addObserved(watch);
        ProcessRef<?> resolved = NamedRef.resolve(other);
        if (resolved instanceof ForeignRef<?> foreign) {
            watch.abroad(foreign.monitor(down -> watch.fire(down.reason())));
            return watch;
        }
        ProcessRun<?> target = resolved instanceof ProcessAddress<?> address ? address.run() : null;
        if (target == null) {
            watch.fire(new ExitReason.NoProcess());
        } else {
            target.relations().addWatch(watch);
        }
        return watch;
    }

    void next(M message) {
        Relations ties = relations();
        if (ties.continuation != null) {
            throw new IllegalStateException(child.path() + " continues with two messages; one per callback");
        }
        ties.continuation = message;
    }

    @Override
    int mailbox() {
        Activation<M> current = active;
        return Math.max(0, super.mailbox() - (current == null ? 0 : current.taken()));
    }

    @Override
    long handled() {
        Activation<M> current = active;
        return handled + (current == null ? 0 : current.handled());
    }

    @Override
    long busyNanos() {
        Activation<M> current = active;
        return busyNanos + (current == null ? 0 : current.underWayNanos());
    }

    @Override
    @Nullable
    Thread thread() {
        Activation<M> current = active;
        return current == null ? null : current.thread;
    }
}
