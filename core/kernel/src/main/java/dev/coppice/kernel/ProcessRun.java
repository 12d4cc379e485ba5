package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One life of a process: the loop that empties its mailbox, and its ties to others.
 *
 * <p>{@code schedule} is IDLE or BUSY: whoever moves it to BUSY gives the loop a thread (on demand) or wakes it (dedicated),
 * so the loop never runs twice at a time. Signals (exits, stops, suspensions) have a stack of their own and go first.
 */
final class ProcessRun<M> extends MailRun<M> implements Watchdog.Watched {
    private static final System.Logger LOG = System.getLogger(ProcessRun.class.getName());
    private static final int IDLE = 0;
    private static final int BUSY = 1;
    /** Messages handled before other virtual threads get a chance. */
    private static final int BATCH = 256;

    private static final VarHandle SIGNALS;
    private static final VarHandle SCHEDULE;
    private static final VarHandle RELATIONS;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SIGNALS = lookup.findVarHandle(ProcessRun.class, "signals", Node.class);
            SCHEDULE = lookup.findVarHandle(ProcessRun.class, "schedule", int.class);
            RELATIONS = lookup.findVarHandle(ProcessRun.class, "relations", Relations.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Mail that is dropped when its monitor was cancelled in the meantime. */
    private record Watched(Watch watch, Object message) {}

    private sealed interface Signal {}

    private record Stop() implements Signal {}

    private record Exit(@Nullable ProcessRef<?> from, ExitReason reason) implements Signal {}

    private record Suspend(boolean on) implements Signal {}

    private final ChildSpec.ProcessBody body;
    private @Nullable Behavior<M> behavior;
    private @Nullable ProcessView<M> context;
    private Hooks hooks = Hooks.BOTH;

    private volatile @Nullable Node signals;

    private volatile int schedule = BUSY;
    private volatile @Nullable Relations relations;
    private volatile @Nullable Thread runner;
    private volatile @Nullable CountDownLatch ready;
    private volatile boolean initialised;
    private volatile boolean trapping;

    private @Nullable M continuation;
    private @Nullable Function<ExitSignal, M> trap;
    private boolean suspended;
    private boolean leaving;
    private long handled;
    private long busyNanos;
    private volatile long busySince;

    ProcessRun(ChildNode child, ChildSpec.ProcessBody body) {
        super(child);
        this.body = body;
    }

    // ---- life

    @Override
    void start() throws Exception {
        make();
        if (body.options().mode() == ProcessOptions.Mode.ON_DEMAND && !hooks.init()) {
            initialised = true;
            schedule = IDLE;
            if (hasWork()) {
                wake();
            }
            return;
        }
        CountDownLatch latch = new CountDownLatch(1);
        ready = latch;
        newThread(() -> {
                    boolean up = alive() && initialise();
                    latch.countDown();
                    if (up) {
                        loop();
                    }
                })
                .start();
        try {
            latch.await();
        } catch (InterruptedException e) {
            kill();
            throw e;
        }
        ready = null;
        if (!initialised) {
            if (exit() instanceof ExitReason.Crash crash) {
                throw new StartException(child.path() + " did not start: " + crash.cause(), crash.cause());
            }
            throw new StartException(child.path() + " was stopped while it was starting", null);
        }
    }

    @SuppressWarnings("unchecked")
    private void make() {
        Behavior<M> made = (Behavior<M>) body.behavior().get();
        behavior = made;
        context = new ProcessView<>(this);
        hooks = Hooks.of(made);
    }

    @SuppressWarnings("CatchingUnchecked")
    private boolean initialise() {
        enter();
        try {
            Behavior<M> made = behavior;
            ProcessView<M> view = context;
            if (made != null && view != null) {
                made.init(view);
            }
            initialised = alive();
        } catch (Throwable t) {
            stopping = true;
            ExitReason fatal = fatalSignal();
            end(fatal == null ? new ExitReason.Crash(t) : fatal);
        }
        leave();
        return initialised;
    }

    private Thread newThread(Runnable body) {
        // Unnamed when short-lived: building the name would cost more than the thread.
        return this.body.options().mode() == ProcessOptions.Mode.DEDICATED
                ? Thread.ofVirtual().name(child.path()).unstarted(body)
                : Thread.ofVirtual().unstarted(body);
    }

    @Override
    void requestStop() {
        boolean simple = body.options().mode() == ProcessOptions.Mode.ON_DEMAND && !hooks.terminate();
        if (simple && SCHEDULE.compareAndSet(this, IDLE, BUSY)) {
            end(new ExitReason.Shutdown());
            discard();
        } else {
            signal(new Stop());
        }
    }

    @Override
    void kill() {
        Thread current = runner;
        end(new ExitReason.Killed());
        if (current != null && current != Thread.currentThread()) {
            current.interrupt();
        }
    }

    /** Runs terminate, then ends. In the process's own thread. */
    @SuppressWarnings("CatchingUnchecked")
    private void finish(ExitReason reason) {
        leaving = true;
        Behavior<M> current = behavior;
        ProcessView<M> view = context;
        if (current != null && view != null && alive()) {
            enter();
            boolean interrupted = Thread.interrupted();
            try {
                current.terminate(view, reason);
            } catch (Throwable t) {
                if (alive()) {
                    kernel().meters().handlerFailures.inc();
                    LOG.log(Level.WARNING, child.path() + " failed while it terminated", t);
                }
            } finally {
                leave();
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
        end(reason);
    }

    @Override
    void ended(ExitReason reason) {
        Relations ties = relations;
        if (ties != null) {
            Throwable cause = reason instanceof ExitReason.Crash crash ? crash.cause() : null;
            ties.failCalls("process " + child.path() + " ended: " + describe(reason), cause);
            ties.close(reason);
        }
        openGate();
        CountDownLatch starting = ready;
        if (starting != null) {
            starting.countDown();
        }
        wake();
    }

    private static String describe(ExitReason reason) {
        return switch (reason) {
            case ExitReason.Normal _ -> "it was done";
            case ExitReason.Shutdown _ -> "its supervisor stopped it";
            case ExitReason.Killed _ -> "it was killed";
            case ExitReason.NoProcess _ -> "it was not alive";
            case ExitReason.Crash crash -> "it crashed: " + crash.cause();
        };
    }

    // ---- calls

    <R> R call(Function<Consumer<R>, M> message, Duration timeout) {
        if (Thread.currentThread() == runner) {
            throw new CallException("process " + child.path() + " called itself; it would wait for ever", null);
        }
        PendingCall<R> call = new PendingCall<>(kernel());
        Relations ties = relations();
        ties.addCall(call);
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
            return call.await(child.path(), timeout);
        } finally {
            ties.removeCall(call);
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
        wake();
    }

    void suspend(boolean on) {
        signal(new Suspend(on));
    }

    /** An exit signal, from a linked process or from anybody. */
    void exitSignal(@Nullable ProcessRef<?> from, ExitReason reason) {
        if (from == null && reason instanceof ExitReason.Killed) {
            kill();
            return;
        }
        signal(new Exit(from, reason));
        if (!(reason instanceof ExitReason.Normal) && !trapping) {
            Thread current = runner;
            if (current != null && current != Thread.currentThread()) {
                current.interrupt();
            }
        }
    }

    private void obey(Signal signal) {
        switch (signal) {
            case Stop _ -> finish(new ExitReason.Shutdown());
            case Suspend suspend -> suspended = suspend.on;
            case Exit exit -> {
                Function<ExitSignal, M> mapping = trap;
                if (mapping != null) {
                    sendAlways(mapping.apply(new ExitSignal(exit.from, exit.reason)));
                } else if (!(exit.reason instanceof ExitReason.Normal)) {
                    finish(exit.reason);
                }
            }
        }
    }

    private @Nullable ExitReason fatalSignal() {
        for (Node n = signals; n != null; n = n.next) {
            if (n.item instanceof Exit exit && trap == null && !(exit.reason instanceof ExitReason.Normal)) {
                return exit.reason;
            }
        }
        return null;
    }

    // ---- the loop

    @Override
    ProcessOptions options() {
        return body.options();
    }

    @Override
    boolean receiving() {
        return Thread.currentThread() == runner;
    }

    @Override
    void wake() {
        if (schedule == IDLE && SCHEDULE.compareAndSet(this, IDLE, BUSY)) {
            if (body.options().mode() == ProcessOptions.Mode.DEDICATED) {
                LockSupport.unpark(runner);
            } else if (alive()) {
                newThread(this::loop).start();
            }
        }
    }

    private boolean hasWork() {
        return signals != null || !alive() || (!suspended && (continuation != null || hasMail()));
    }

    private void loop() {
        boolean dedicated = body.options().mode() == ProcessOptions.Mode.DEDICATED;
        enter();
        try {
            while (true) {
                drain();
                if (!alive()) {
                    discard();
                    return;
                }
                pause();
                if (!dedicated) {
                    runner = null;
                }
                schedule = IDLE;
                if (hasWork()) {
                    if (!SCHEDULE.compareAndSet(this, IDLE, BUSY)) {
                        if (!dedicated) {
                            return;
                        }
                    }
                } else if (!dedicated) {
                    return;
                } else {
                    while (schedule == IDLE && alive()) {
                        LockSupport.park(this);
                        Thread.interrupted();
                    }
                }
                enter();
            }
        } catch (Error broken) {
            // A defect of the kernel itself must not leave a process that looks alive.
            end(new ExitReason.Crash(broken));
            throw broken;
        }
    }

    private void drain() {
        int budget = BATCH;
        while (alive()) {
            if (signals != null) {
                obeyAll();
                continue;
            }
            if (leaving) {
                finish(new ExitReason.Normal());
                return;
            }
            if (suspended) {
                return;
            }
            Object item = next();
            if (item == null) {
                return;
            }
            deliver(item);
            if (--budget == 0) {
                budget = BATCH;
                Thread.yield();
            }
        }
    }

    private void obeyAll() {
        Node list = Node.reverse((Node) SIGNALS.getAndSet(this, null));
        while (list != null && alive()) {
            obey((Signal) list.item);
            list = list.next;
        }
    }

    private @Nullable Object next() {
        M first = continuation;
        if (first != null) {
            continuation = null;
            return first;
        }
        return take();
    }

    @SuppressWarnings({"unchecked", "CatchingUnchecked"})
    private void deliver(Object item) {
        Object message = item;
        if (item instanceof Watched watched) {
            if (watched.watch.cancelled()) {
                return;
            }
            message = watched.message;
        }
        Behavior<M> current = behavior;
        ProcessView<M> view = context;
        if (current == null || view == null) {
            return;
        }
        try {
            current.handle(view, (M) message);
            handled++;
        } catch (Throwable t) {
            if (alive()) {
                ExitReason fatal = fatalSignal();
                finish(fatal == null ? new ExitReason.Crash(t) : fatal);
            }
            return;
        }
        Thread.interrupted();
    }

    private void discard() {
        int dropped = dropMail();
        continuation = null;
        runner = null;
        pause();
        if (dropped > 0) {
            kernel().meters().deadLetters.inc(dropped);
        }
    }

    private void enter() {
        runner = Thread.currentThread();
        if (busySince == 0) {
            busySince = System.nanoTime();
            kernel().watchdog().enter(this);
        }
    }

    /** Leaves a callback that stands outside the loop. */
    private void leave() {
        pause();
        runner = null;
    }

    private void pause() {
        long since = busySince;
        if (since != 0) {
            busyNanos += System.nanoTime() - since;
            busySince = 0;
            kernel().watchdog().leave(this);
        }
    }

    // ---- views

    Relations relations() {
        Relations made = relations;
        if (made == null) {
            made = new Relations(this);
            Relations before = (Relations) RELATIONS.compareAndExchange(this, null, made);
            if (before != null) {
                return before;
            }
            ExitReason over = exit();
            if (over != null) {
                made.close(over);
            }
        }
        return made;
    }

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
                sendAlways(new Watched(self[0], message.apply(down)));
            }
        });
        self[0] = watch;
        watch.observer(relations());
        relations().addObserved(watch);
        ProcessRun<?> target = other instanceof ProcessAddress<?> address ? address.run() : null;
        if (target == null) {
            watch.fire(new ExitReason.NoProcess());
        } else {
            target.relations().addWatch(watch);
        }
        return watch;
    }

    void trap(Function<ExitSignal, M> message) {
        trap = message;
        trapping = true;
    }

    void next(M message) {
        if (continuation != null) {
            throw new IllegalStateException(child.path() + " continues with two messages; one per callback");
        }
        continuation = message;
    }

    void leaveSoon() {
        leaving = true;
    }

    @Override
    long handled() {
        return handled;
    }

    @Override
    long busyNanos() {
        long since = busySince;
        return busyNanos + (since == 0 ? 0 : System.nanoTime() - since);
    }

    @Override
    public String watchedName() {
        return child.path();
    }

    @Override
    public long watchedProgress() {
        return handled;
    }

    @Override
    public @Nullable Thread watchedThread() {
        return runner;
    }
}
