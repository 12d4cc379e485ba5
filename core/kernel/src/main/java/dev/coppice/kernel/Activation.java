package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A thread that runs a process: the loop that empties its mailbox. On demand it lasts as long as there is mail.
 *
 * <p>What the loop writes for every message stands here and not in {@link ProcessRun}, whose cache line the senders write;
 * and whatever is not mail raises {@code attention}, so that the loop reads nothing else between two messages.
 */
final class Activation<M> extends ProcessView<M> implements Watchdog.Watched {
    private static final System.Logger LOG = System.getLogger(Activation.class.getName());
    /** Messages handled between two looks at the clock. */
    private static final int BATCH = 256;
    /** Lives of a process, one after the other, between two looks at the clock. */
    private static final int LIVES = 16;
    /** Room in the mailbox that is given back at a time, at most. */
    private static final int PORTION = 256;
    /** Messages of a stretch of work from which on the senders are taken for a stream. */
    private static final int STREAM = 4;
    /** Messages of a stretch of work that make it worth the thread that ran it. */
    private static final int ENOUGH = 128;
    /** How long the loop leaves the mailbox of a stream alone, at most, so that more than a few messages gather. */
    private static final int GATHER_NANOS = 4_000;

    final Thread thread = Thread.currentThread();
    private final Behavior<M> behavior;
    private final int portion;
    /** When the present stretch of work began, or 0 while it waits. */
    private volatile long sinceNanos;
    /** Whether there may be something besides mail: a signal, an end, a wish of the behaviour. */
    private volatile boolean attention = true;

    private @Nullable Tracer tracer;
    /** When the message that is traced was sent, if that is known. */
    private @Nullable Long sentNanos;

    private MailRun.@Nullable Node batch;
    private int taken;
    private long handled;
    /** How long mail last had to gather. */
    private int gatherNanos;

    private boolean closed;
    private boolean initialised;
    /** Why its process ended, if it did so here. */
    private @Nullable ExitReason ended;
    /** The next life of the process, if it goes on on this thread. */
    private @Nullable Activation<?> next;

    /** One for the calling thread, to which the process that it {@linkplain #run runs} may be new. */
    Activation(ProcessRun<M> run, Behavior<M> behavior, boolean initialised) {
        super(run);
        this.behavior = behavior;
        this.initialised = initialised;
        this.portion = Math.clamp(run.options().mailbox() >> 3, 1, PORTION);
    }

    // ---- for other threads

    /** Makes the loop look at what is not mail, before the next message. */
    @Override
    void attend() {
        attention = true;
    }

    /** Interrupts the thread while it works for this process. */
    synchronized void interrupt() {
        if (!closed && thread != Thread.currentThread()) {
            thread.interrupt();
        }
    }

    /** Nanoseconds of the stretch of work under way. */
    long underWayNanos() {
        long since = sinceNanos;
        return since == 0 ? 0 : System.nanoTime() - since;
    }

    /** Messages taken whose room was not given back yet. */
    int taken() {
        return taken;
    }

    /** Messages handled in the stretch of work under way. */
    long handled() {
        return handled;
    }

    @Override
    public String watchedName() {
        return run.child.path();
    }

    @Override
    public long watchedProgress() {
        return run.handled();
    }

    @Override
    public Thread watchedThread() {
        return thread;
    }

    // ---- the thread

    /** Runs a process while there is mail, and its next life, if that is to go on here, and so on. */
    static void run(Activation<?> first) {
        Activation<?> current = first;
        long slice = System.nanoTime();
        int slices = 0;
        for (int lives = 1; current != null; lives++) {
            current.run();
            current = current.next;
            if (current != null && lives % LIVES == 0 && System.nanoTime() - slice > TimeSlice.NANOS) {
                TimeSlice.letOthersRun(++slices); // a life after another must not hold up others
                slice = System.nanoTime();
            }
        }
    }

    private void run() {
        if (initialised || (run.alive() && initialise())) {
            loop();
        }
        ExitReason reason = ended;
        if (reason != null) {
            run.child.lifeEnded(run, reason, this);
        }
    }

    /** Runs another life, whose init is done, on this thread once the present one has come to its end. */
    void followedBy(Activation<?> life) {
        next = life;
    }

    /** Runs the life that would follow here on a thread of its own, from now on. */
    void handOver() {
        Activation<?> life = next;
        next = null;
        if (life != null) {
            life.run.continueApart();
        }
    }

    /** Runs the behaviour's init; false when it failed or the process ended meanwhile. */
    @SuppressWarnings("CatchingUnchecked")
    boolean initialise() {
        begin();
        try {
            behavior.init(this);
        } catch (Throwable t) {
            run.stopping = true;
            ExitReason fatal = run.fatalSignal();
            run.end(fatal == null ? new ExitReason.Crash(t) : fatal);
        }
        pause();
        run.active(null);
        initialised = run.initialised();
        return initialised;
    }

    /** Empties the mailbox until there is nothing more, or, for a dedicated thread, until the process ends. */
    void loop() {
        try {
            do {
                begin();
                drain();
                long count = pause();
                if (!run.alive()) {
                    run.active(null);
                    run.discard();
                    return;
                }
                if (count > 1 && run.onDemand()) {
                    gather(count);
                }
            } while (run.rest(this));
        } catch (Error broken) {
            // A defect of the kernel itself must not leave a process that looks alive.
            run.end(new ExitReason.Crash(broken));
            throw broken;
        }
    }

    /**
     * Lets others run, since more mail may come at once, and that costs less than a new thread. When there are none, and
     * another processor sends a stream of mail that nobody waits for, it lets some gather: to take each message at once
     * would move the mailbox's cache line to and fro with each, which costs the senders more than to send.
     */
    private void gather(long count) {
        long from = System.nanoTime();
        Thread.yield();
        Relations ties = run.ties();
        if (count < STREAM || (ties != null && ties.calls.any())) {
            gatherNanos = 0;
            return;
        }
        if (count < ENOUGH) {
            gatherNanos = Math.min(gatherNanos * 2 + 250, GATHER_NANOS);
        }
        while (System.nanoTime() - from < gatherNanos && !attention) {
            Thread.onSpinWait();
        }
    }

    private void begin() {
        run.active(this);
        attention = true;
        batch = run.leftover();
        sinceNanos = System.nanoTime();
        run.kernel().watchdog().enter(this);
    }

    /** Ends a stretch of work; gives the messages handled in it. */
    private long pause() {
        run.kernel().watchdog().leave(this);
        long count = handled;
        handled = 0;
        run.worked(count, System.nanoTime() - sinceNanos, batch);
        sinceNanos = 0;
        batch = null;
        return count;
    }

    /** Ends its work for this process: from now on its thread is not interrupted any more. */
    private synchronized void close() {
        closed = true;
        Thread.interrupted();
    }

    private void drain() {
        int budget = BATCH;
        long slice = 0;
        int slices = 0;
        while (true) {
            if (attention && !attended()) {
                break;
            }
            Object item = take();
            if (item == null) {
                if (attention) {
                    continue;
                }
                break;
            }
            deliver(item);
            if (--budget == 0) {
                budget = BATCH;
                long now = System.nanoTime();
                if (slice == 0) {
                    slice = now;
                } else if (now - slice > TimeSlice.NANOS) {
                    TimeSlice.letOthersRun(++slices);
                    slice = now;
                }
            }
        }
        giveBack();
    }

    private @Nullable Object take() {
        MailRun.Node node = batch;
        if (node == null) {
            node = run.takeAll();
            if (node == null) {
                return null;
            }
        }
        batch = node.next;
        if (tracer != null) {
            sentNanos = node.sentNanos();
        }
        if (++taken >= portion || batch == null) {
            giveBack();
        }
        return node.item;
    }

    private void giveBack() {
        if (taken > 0) {
            run.release(taken);
            taken = 0;
        }
    }

    /** Looks at what is not mail; false when the loop has to end. */
    private boolean attended() {
        attention = false;
        while (run.alive()) {
            MailRun.Node signals = run.takeSignals();
            if (signals != null) {
                obeyAll(signals);
                continue;
            }
            Relations ties = run.ties();
            if (ties == null) {
                return true;
            }
            if (ties.leaving) {
                finish(new ExitReason.Normal());
                return false;
            }
            if (ties.suspended) {
                return false;
            }
            tracer = ties.tracer;
            Object next = ties.continuation;
            if (next == null) {
                return true;
            }
            ties.continuation = null;
            deliver(next);
        }
        return false;
    }

    private void obeyAll(MailRun.Node signals) {
        for (MailRun.Node node = signals; node != null; node = node.next) {
            Signal signal = (Signal) node.item;
            if (run.alive()) {
                obey(signal);
            } else {
                signal.forget();
            }
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void obey(Signal signal) {
        switch (signal) {
            case Signal.Stop _ -> finish(new ExitReason.Shutdown());
            case Signal.Suspend suspend -> run.relations().suspended = suspend.on();
            case Signal.Exit exit -> {
                if (run.trap() != null) {
                    run.sendAlways(exit);
                } else if (!(exit.reason() instanceof ExitReason.Normal)) {
                    finish(exit.reason());
                }
            }
            case Signal.Describe request -> {
                try {
                    request.complete(behavior.describe());
                } catch (Throwable t) {
                    request.answer().completeExceptionally(t);
                }
            }
        }
    }

    @SuppressWarnings({"unchecked", "CatchingUnchecked"})
    private void deliver(Object item) {
        Tracer watching = tracer;
        long start = watching == null ? 0 : System.nanoTime();
        Object message = item;
        Throwable failure = null;
        try {
            message = item instanceof KernelMail mail ? opened(mail) : item;
            if (message == null) {
                return;
            }
            behavior.handle(this, (M) message);
            handled++;
        } catch (Throwable t) {
            failure = t;
        }
        if (watching != null) {
            tell(watching, message == null ? item : message, start, failure);
        }
        if (failure != null && run.alive()) {
            ExitReason fatal = run.fatalSignal();
            finish(fatal == null ? new ExitReason.Crash(failure) : fatal);
        } else {
            Thread.interrupted();
        }
    }

    /** The message behind an entry of the mailbox that the kernel put there; null when it is void. */
    private @Nullable Object opened(KernelMail mail) {
        return switch (mail) {
            case MailTimer<?> timer -> timer.opened();
            case Watched watched -> watched.watch().cancelled() ? null : watched.message();
            case Signal.Exit exit -> {
                Function<ExitSignal, ?> trap = run.trap();
                yield trap == null ? null : trap.apply(new ExitSignal(exit.from(), exit.reason()));
            }
            case Signal _ -> null;
        };
    }

    @SuppressWarnings("CatchingUnchecked")
    private void tell(Tracer watching, Object message, long startNanos, @Nullable Throwable failure) {
        try {
            Long sent = sentNanos;
            sentNanos = null;
            long waited = sent == null ? -1 : Math.max(0, startNanos - sent);
            watching.handled(message, waited, startNanos, System.nanoTime() - startNanos, failure);
        } catch (Throwable t) {
            run.relations().tracer = null;
            tracer = null;
            LOG.log(Level.WARNING, "the tracer of " + run.child.path() + " failed and was detached", t);
        }
    }

    /** Runs terminate, then ends the process. */
    @SuppressWarnings("CatchingUnchecked")
    private void finish(ExitReason reason) {
        if (run.alive()) {
            Thread.interrupted();
            try {
                behavior.terminate(this, reason);
            } catch (Throwable t) {
                if (run.alive()) {
                    run.kernel().meters().handlerFailures.inc();
                    LOG.log(Level.WARNING, run.child.path() + " failed while it terminated", t);
                }
            }
        }
        if (run.over(reason)) {
            close();
            ended = reason;
        }
    }

    /** Mail that is dropped when its monitor was cancelled in the meantime. */
    record Watched(Watch watch, Object message) implements KernelMail {}
}
