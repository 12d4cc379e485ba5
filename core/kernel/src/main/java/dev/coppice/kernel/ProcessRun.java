package dev.coppice.kernel;

import java.lang.System.Logger.Level;
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
 * One life of a process: the loop that empties its mailbox.
 *
 * <p>{@code schedule} is IDLE or BUSY: whoever moves it to BUSY gives the loop a thread (on demand) or wakes it (dedicated),
 * so the loop never runs twice at a time. Signals (exits, stops, suspensions) have a stack of their own and go first.
 */
final class ProcessRun<M> extends MailRun<M> {
    private static final System.Logger LOG = System.getLogger(ProcessRun.class.getName());
    private static final byte IDLE = 0;
    private static final byte BUSY = 1;
    /** Messages handled between two looks at the clock. */
    private static final int BATCH = 256;
    /** Nanoseconds after which other virtual threads get a chance. */
    private static final long SLICE_NANOS = 500_000;

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

    /** Mail that is dropped when its monitor was cancelled in the meantime. */
    private record Watched(Watch watch, Object message) {}

    /** An exit signal that is trapped when its turn in the mail has come, so that it stays in order with its sender's mail. */
    private record Trapped(@Nullable ProcessRef<?> from, ExitReason reason) {}

    private sealed interface Signal {}

    private record Stop() implements Signal {}

    private record Exit(@Nullable ProcessRef<?> from, ExitReason reason) implements Signal {}

    private record Suspend(boolean on) implements Signal {}

    private record Describe(CompletableFuture<Optional<Object>> answer) implements Signal {}

    private @Nullable Behavior<M> behavior;
    private volatile @Nullable Node signals;
    /** The thread that runs it: on demand only while it does. */
    private volatile @Nullable ProcessView<M> active;

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
        Behavior<M> made = address().newBehavior();
        behavior = made;
        if (onDemand() && !Hooks.of(made).init()) {
            initialised = true;
            schedule = IDLE;
            if (hasWork()) {
                wake();
            }
            return;
        }
        newThread(() -> {
                    if (alive() && initialise(made)) {
                        loop();
                    }
                })
                .start();
        try {
            awaitInit();
        } catch (InterruptedException e) {
            kill();
            throw e;
        }
        if (!initialised) {
            if (exit() instanceof ExitReason.Crash crash) {
                throw new StartException(child.path() + " did not start: " + crash.cause(), crash.cause());
            }
            throw new StartException(child.path() + " was stopped while it was starting", null);
        }
    }

    private synchronized void awaitInit() throws InterruptedException {
        while (!initialised && alive()) {
            wait();
        }
    }

    private synchronized boolean initialised() {
        initialised = alive();
        notifyAll();
        return initialised;
    }

    @SuppressWarnings("CatchingUnchecked")
    private boolean initialise(Behavior<M> made) {
        ProcessView<M> view = enter();
        try {
            made.init(view);
        } catch (Throwable t) {
            stopping = true;
            ExitReason fatal = fatalSignal();
            end(fatal == null ? new ExitReason.Crash(t) : fatal);
        }
        leave(view);
        return initialised();
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
            signal(new Stop());
        }
    }

    @Override
    void kill() {
        ProcessView<M> current = active;
        end(new ExitReason.Killed());
        if (current != null) {
            current.interrupt();
        }
    }

    /** Runs terminate, then ends. In the process's own thread, inside its loop. */
    @SuppressWarnings("CatchingUnchecked")
    private void finish(ProcessView<M> view, ExitReason reason) {
        Behavior<M> current = behavior;
        if (current != null && alive()) {
            Thread.interrupted();
            try {
                current.terminate(view, reason);
            } catch (Throwable t) {
                if (alive()) {
                    kernel().meters().handlerFailures.inc();
                    LOG.log(Level.WARNING, child.path() + " failed while it terminated", t);
                }
            }
        }
        if (over(reason)) {
            view.close();
            child.lifeEnded(this, reason, true);
        }
    }

    @Override
    void ended(ExitReason reason) {
        Relations ties = ties();
        if (ties != null) {
            ties.close(reason, "process " + child.path() + " ended: " + describe(reason));
        }
        for (Node n = signals; n != null; n = n.next) {
            forget((Signal) n.item);
        }
        openGate();
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
        wake();
    }

    void suspend(boolean on) {
        signal(new Suspend(on));
    }

    CompletableFuture<Optional<Object>> describe() {
        Describe request = new Describe(new CompletableFuture<>());
        signal(request);
        if (!alive()) {
            forget(request);
        }
        return request.answer;
    }

    /** Completes what waits for an answer that will not come. */
    private static void forget(Signal signal) {
        if (signal instanceof Describe request) {
            request.answer.complete(Optional.empty());
        }
    }

    @Override
    void exitSignal(@Nullable ProcessRef<?> from, ExitReason reason) {
        if (from == null && reason instanceof ExitReason.Killed) {
            kill();
            return;
        }
        Relations ties = ties();
        if (ties != null && ties.trap != null) {
            sendAlways(new Trapped(from, reason));
            return;
        }
        signal(new Exit(from, reason));
        if (!(reason instanceof ExitReason.Normal)) {
            ProcessView<M> current = active;
            if (current != null) {
                current.interrupt();
            }
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void obey(ProcessView<M> view, Signal signal) {
        switch (signal) {
            case Stop _ -> finish(view, new ExitReason.Shutdown());
            case Suspend suspend -> relations().suspended = suspend.on;
            case Exit exit -> {
                Relations ties = ties();
                if (ties != null && ties.trap != null) {
                    sendAlways(new Trapped(exit.from, exit.reason));
                } else if (!(exit.reason instanceof ExitReason.Normal)) {
                    finish(view, exit.reason);
                }
            }
            case Describe request -> {
                try {
                    Behavior<M> current = behavior;
                    request.answer.complete(Optional.ofNullable(current == null ? null : current.describe()));
                } catch (Throwable t) {
                    request.answer.completeExceptionally(t);
                }
            }
        }
    }

    private @Nullable ExitReason fatalSignal() {
        Relations ties = ties();
        if (ties == null || ties.trap == null) {
            for (Node n = signals; n != null; n = n.next) {
                if (n.item instanceof Exit exit && !(exit.reason instanceof ExitReason.Normal)) {
                    return exit.reason;
                }
            }
        }
        return null;
    }

    // ---- the loop

    private boolean onDemand() {
        return options().mode() == ProcessOptions.Mode.ON_DEMAND;
    }

    @Override
    ProcessOptions options() {
        return ((ChildSpec.ProcessBody) child.spec().body()).options();
    }

    @Override
    boolean receiving() {
        ProcessView<M> current = active;
        return current != null && current.thread == Thread.currentThread();
    }

    @Override
    void wake() {
        if (schedule == IDLE && SCHEDULE.compareAndSet(this, IDLE, BUSY)) {
            if (!onDemand()) {
                ProcessView<M> current = active;
                LockSupport.unpark(current == null ? null : current.thread);
            } else if (alive()) {
                newThread(this::loop).start();
            }
        }
    }

    private boolean hasWork() {
        Relations ties = ties();
        boolean held = ties != null && ties.suspended;
        boolean continues = ties != null && ties.continuation != null;
        return signals != null || !alive() || (!held && (continues || hasMail()));
    }

    private void loop() {
        boolean onDemand = onDemand();
        ProcessView<M> view = enter();
        try {
            while (true) {
                drain(view);
                if (!alive()) {
                    leave(view);
                    discard();
                    return;
                }
                busyNanos += view.pause();
                if (onDemand) {
                    active = null;
                }
                schedule = IDLE;
                if (hasWork()) {
                    if (!SCHEDULE.compareAndSet(this, IDLE, BUSY) && onDemand) {
                        return;
                    }
                } else if (onDemand) {
                    return;
                } else {
                    while (schedule == IDLE && alive()) {
                        LockSupport.park(this);
                        Thread.interrupted();
                    }
                }
                active = view;
                view.begin();
            }
        } catch (Error broken) {
            // A defect of the kernel itself must not leave a process that looks alive.
            end(new ExitReason.Crash(broken));
            throw broken;
        }
    }

    private void drain(ProcessView<M> view) {
        int budget = BATCH;
        long slice = 0;
        while (alive()) {
            if (signals != null) {
                obeyAll(view);
                continue;
            }
            Object item = null;
            Relations ties = ties();
            if (ties != null) {
                if (ties.leaving) {
                    finish(view, new ExitReason.Normal());
                    return;
                }
                if (ties.suspended) {
                    return;
                }
                item = ties.continuation;
                ties.continuation = null;
            }
            if (item == null) {
                item = take(view);
            }
            if (item == null) {
                return;
            }
            deliver(view, item, ties);
            if (--budget == 0) {
                budget = BATCH;
                long now = System.nanoTime();
                if (slice == 0) {
                    slice = now;
                } else if (now - slice > SLICE_NANOS) {
                    Thread.yield();
                    slice = now;
                }
            }
        }
    }

    private void obeyAll(ProcessView<M> view) {
        Node list = Node.reverse((Node) SIGNALS.getAndSet(this, null));
        while (list != null) {
            Signal signal = (Signal) list.item;
            if (alive()) {
                obey(view, signal);
            } else {
                forget(signal);
            }
            list = list.next;
        }
    }

    @SuppressWarnings({"unchecked", "CatchingUnchecked"})
    private void deliver(ProcessView<M> view, Object item, @Nullable Relations ties) {
        Behavior<M> current = behavior;
        if (current == null) {
            return;
        }
        Object message = item;
        Tracer tracer = ties == null ? null : ties.tracer;
        long start = tracer == null ? 0 : System.nanoTime();
        Throwable failure = null;
        try {
            message = opened(item, ties);
            if (message == null) {
                return;
            }
            current.handle(view, (M) message);
            handled++;
        } catch (Throwable t) {
            failure = t;
        }
        if (tracer != null) {
            tell(tracer, message == null ? item : message, start, failure);
        }
        if (failure != null && alive()) {
            ExitReason fatal = fatalSignal();
            finish(view, fatal == null ? new ExitReason.Crash(failure) : fatal);
        } else {
            Thread.interrupted();
        }
    }

    /** The message in an entry of the mailbox; null when it is void. */
    private static @Nullable Object opened(Object item, @Nullable Relations ties) {
        if (item instanceof Watched watched) {
            return watched.watch.cancelled() ? null : watched.message;
        }
        if (item instanceof Trapped trapped) {
            Function<ExitSignal, ?> trap = ties == null ? null : ties.trap;
            return trap == null ? null : trap.apply(new ExitSignal(trapped.from, trapped.reason));
        }
        return item;
    }

    @SuppressWarnings("CatchingUnchecked")
    private void tell(Tracer tracer, Object message, long startNanos, @Nullable Throwable failure) {
        try {
            tracer.handled(message, startNanos, System.nanoTime() - startNanos, failure);
        } catch (Throwable t) {
            relations().tracer = null;
            LOG.log(Level.WARNING, "the tracer of " + child.path() + " failed and was detached", t);
        }
    }

    private void discard() {
        int dropped = dropMail();
        if (dropped > 0) {
            kernel().meters().deadLetters.inc(dropped);
        }
    }

    private ProcessView<M> enter() {
        ProcessView<M> view = new ProcessView<>(this, Thread.currentThread());
        active = view;
        view.begin();
        return view;
    }

    private void leave(ProcessView<M> view) {
        busyNanos += view.pause();
        active = null;
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
                sendAlways(new Watched(self[0], message.apply(down)));
            }
        });
        self[0] = watch;
        watch.observer(relations());
        relations().addObserved(watch);
        ProcessRun<?> target = NamedRef.resolve(other) instanceof ProcessAddress<?> address ? address.run() : null;
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
    long handled() {
        return handled;
    }

    @Override
    long busyNanos() {
        ProcessView<M> current = active;
        return busyNanos + (current == null ? 0 : current.underWay());
    }

    @Override
    @Nullable
    Thread thread() {
        ProcessView<M> current = active;
        return current == null ? null : current.thread;
    }
}
