package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's timers. On a {@link SimulatedClock} they fire from its advance; on any other clock one daemon thread, started
 * with the first timer, fires them.
 *
 * <p>Who sets or cancels a timer hands that over on a lock-free stack, which the thread empties into its queue before it fires
 * or sleeps: nobody waits for anybody, and the thread is woken only for what is due before it wakes by itself.
 */
final class WheelTimers implements Timers, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(WheelTimers.class.getName());
    private static final long SLOW_NANOS = 50_000_000;
    /** Due timers that fire together, at most. */
    private static final int PORTION = 1024;
    /**
     * How late a timer may fire so that others fire with it: as many wake-ups a second as there are timers would cost more
     * than the timers.
     */
    private static final long SLACK_NANOS = 200_000;
    /** Changes that wait at most in one stack before somebody applies them. */
    private static final int MAX_CHANGES = 1024;

    private static final int STACKS = 8;
    /** References that fill a cache line, so that stacks do not share one. */
    private static final int STRIDE = 16;

    private static final long AWAKE = Long.MIN_VALUE;
    private static final long NEVER = TimerQueue.NEVER;

    private final Clock clock;
    private final @Nullable SimulatedClock simulated;
    private final KernelMetrics metrics;
    private final Function<Runnable, Thread> starter;
    /** Stacks of changes, one for several threads each. */
    private final AtomicReferenceArray<@Nullable TimerChange> changes = new AtomicReferenceArray<>(STACKS * STRIDE);

    /** When the thread wakes by itself. */
    private volatile long wakeNanos = AWAKE;

    private volatile boolean closed;
    private volatile @Nullable Thread thread;
    /** Guards the queue. */
    private final ReentrantLock lock = new ReentrantLock();

    private final TimerQueue queue;
    /** Processes with mail of timers that fire together; of the thread that fires. */
    private final List<MailTimer<?>> mail = new ArrayList<>();

    WheelTimers(Clock clock, KernelMetrics metrics) {
        this(clock, metrics, Thread.ofPlatform().daemon().name("coppice-timers")::start);
    }

    /** @param starter starts the thread that fires */
    WheelTimers(Clock clock, KernelMetrics metrics, Function<Runnable, Thread> starter) {
        this.clock = clock;
        this.metrics = metrics;
        this.starter = starter;
        this.queue = new TimerQueue(clock.nanoTime());
        this.simulated = clock instanceof SimulatedClock s ? s : null;
        if (simulated != null) {
            simulated.attach(this);
        }
    }

    @Override
    public Timer schedule(Duration delay, Runnable action) {
        TimerEntry entry = new TimerEntry(this) {
            @Override
            void fire() {
                action.run();
            }
        };
        schedule(entry, delay);
        return entry;
    }

    /** Puts a new timer in line. */
    void schedule(TimerEntry entry, Duration delay) {
        if (closed) {
            return;
        }
        if (simulated == null) {
            plan(entry, delay);
            change(entry);
            wakeFor(entry);
            return;
        }
        // Under the lock, so that the clock never moves between the look at it and the timer's place in the queue.
        lock.lock();
        try {
            plan(entry, delay);
            apply();
            add(entry);
        } finally {
            lock.unlock();
        }
    }

    private void plan(TimerEntry entry, Duration delay) {
        entry.dueNanos = clock.nanoTime() + Math.max(0, nanos(delay));
    }

    /** Makes sure that the thread looks at the timer when it is due. */
    private void wakeFor(TimerEntry entry) {
        Thread firing = thread;
        if (firing == null) {
            startThread();
            return;
        }
        long wake = wakeNanos;
        if (wake != AWAKE && (wake == NEVER || entry.dueNanos - wake < 0)) {
            LockSupport.unpark(firing);
        }
    }

    /** The time until a moment on the timers' clock, at least zero. */
    Duration until(long dueNanos) {
        return Duration.ofNanos(Math.max(0, dueNanos - clock.nanoTime()));
    }

    /** Takes note of a timer that was cancelled after it was taken over. */
    void cancelled(TimerEntry entry) {
        change(new TimerChange.Removal(entry));
    }

    private void change(TimerChange change) {
        int stack = ((int) Thread.currentThread().threadId() & STACKS - 1) * STRIDE;
        TimerChange top;
        do {
            top = changes.get(stack);
            change.next = top;
            change.depth = top == null ? 1 : top.depth + 1;
        } while (!changes.compareAndSet(stack, top, change));
        if (change.depth >= MAX_CHANGES && lock.tryLock()) {
            try {
                apply();
            } finally {
                lock.unlock();
            }
        }
    }

    private boolean changed() {
        for (int i = 0; i < STACKS; i++) {
            if (changes.get(i * STRIDE) != null) {
                return true;
            }
        }
        return false;
    }

    /** Applies the changes that wait, those of each thread in order. Under the lock. */
    private void apply() {
        for (int i = 0; i < STACKS; i++) {
            if (changes.get(i * STRIDE) != null) {
                apply(changes.getAndSet(i * STRIDE, null));
            }
        }
    }

    private void apply(@Nullable TimerChange newest) {
        TimerChange list = newest;
        TimerChange ordered = null;
        while (list != null) {
            TimerChange following = list.next;
            list.next = ordered;
            ordered = list;
            list = following;
        }
        while (ordered != null) {
            TimerChange following = ordered.next;
            ordered.next = null;
            if (ordered instanceof TimerChange.Removal removal) {
                queue.remove(removal.entry);
            } else if (ordered instanceof TimerEntry entry) {
                add(entry);
            }
            ordered = following;
        }
    }

    private void add(TimerEntry entry) {
        if (entry.take()) {
            queue.add(entry);
        }
    }

    @Override
    public Timer every(Duration interval, Runnable action) {
        return new IntervalTimer(this, clock, interval, action);
    }

    @Override
    public void sleep(Duration duration) throws InterruptedException {
        if (clock == SystemClock.INSTANCE) {
            Thread.sleep(duration);
        } else if (!await(() -> false, duration) && closed) {
            throw new InterruptedException("the kernel is closed");
        }
    }

    /**
     * Waits until {@code done} is true, whose setter unparks this thread, or the duration is over; gives the last value of
     * {@code done}. Returns early once the timers are closed.
     */
    boolean await(BooleanSupplier done, Duration limit) throws InterruptedException {
        if (clock == SystemClock.INSTANCE) {
            return awaitReal(done, nanos(limit));
        }
        Thread waiter = Thread.currentThread();
        boolean[] over = new boolean[1];
        Timer timer = schedule(limit, () -> {
            synchronized (over) {
                over[0] = true;
            }
            LockSupport.unpark(waiter);
        });
        try {
            while (!done.getAsBoolean() && !closed) {
                synchronized (over) {
                    if (over[0]) {
                        break;
                    }
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                LockSupport.parkNanos(this, TimeUnit.SECONDS.toNanos(1));
            }
            return done.getAsBoolean();
        } finally {
            timer.cancel();
        }
    }

    private static boolean awaitReal(BooleanSupplier done, long nanos) throws InterruptedException {
        long start = System.nanoTime();
        while (!done.getAsBoolean()) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            long left = nanos - (System.nanoTime() - start);
            if (left <= 0) {
                return done.getAsBoolean();
            }
            LockSupport.parkNanos(left);
        }
        return true;
    }

    /** Whether the caller runs in the thread that fires timers, where nothing may block. */
    boolean onTimerThread() {
        return Thread.currentThread() == thread;
    }

    boolean isSimulated() {
        return simulated != null;
    }

    int pending() {
        lock.lock();
        try {
            apply();
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    /** When the first is due, or {@link Long#MAX_VALUE}; for a simulated clock. */
    long nextDueNanos() {
        lock.lock();
        try {
            apply();
            return queue.firstNanos();
        } finally {
            lock.unlock();
        }
    }

    /** Runs the first timer if it is due at the given time. */
    boolean fireOne(long nowNanos) {
        List<TimerEntry> due = new ArrayList<>(1);
        takeDue(due, 1, nowNanos);
        fire(due);
        return !due.isEmpty();
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            apply();
            queue.clear();
        } finally {
            lock.unlock();
        }
        LockSupport.unpark(thread);
        if (simulated != null) {
            simulated.detach(this);
        }
    }

    static long nanos(Duration duration) {
        try {
            return Math.min(duration.toNanos(), Long.MAX_VALUE / 4);
        } catch (ArithmeticException tooLong) {
            return duration.isNegative() ? 0 : Long.MAX_VALUE / 4;
        }
    }

    private synchronized void startThread() {
        if (thread == null && !closed) {
            thread = starter.apply(this::loop);
        }
    }

    private void loop() {
        thread = Thread.currentThread(); // who started it may not have come to note that
        List<TimerEntry> due = new ArrayList<>(PORTION);
        while (!closed) {
            long now = clock.nanoTime();
            takeDue(due, PORTION, now);
            fire(due);
            if (due.size() < PORTION) {
                await(now);
            }
            due.clear();
        }
    }

    /** Waits until the next is due, or for the slack since the last look. */
    private void await(long lookedNanos) {
        long next = queued();
        long wake = next == NEVER ? NEVER : Math.max(next, lookedNanos + SLACK_NANOS);
        wakeNanos = wake;
        // Who hands over after this look sees when the thread wakes, and wakes it earlier if need be.
        if (!changed() && !closed) {
            if (wake == NEVER) {
                LockSupport.park(this);
            } else {
                LockSupport.parkNanos(this, wake - clock.nanoTime());
            }
        }
        wakeNanos = AWAKE;
        Thread.interrupted();
    }

    private long queued() {
        lock.lock();
        try {
            apply();
            return queue.nextNanos();
        } finally {
            lock.unlock();
        }
    }

    /** Takes out what is due, at most so much. */
    private void takeDue(List<TimerEntry> due, int limit, long nowNanos) {
        lock.lock();
        try {
            apply();
            for (TimerEntry first = queue.due(nowNanos);
                    first != null && due.size() < limit;
                    first = queue.due(nowNanos)) {
                queue.remove(first);
                due.add(first);
            }
        } finally {
            lock.unlock();
        }
    }

    private void fire(List<TimerEntry> due) {
        for (TimerEntry entry : due) {
            if (entry.claim()) {
                if (entry instanceof MailTimer<?> timer && due.size() > 1) {
                    gather(timer);
                } else {
                    act(entry);
                }
            }
        }
        for (MailTimer<?> first : mail) {
            MailRun.Node all = first.ties().due;
            first.ties().due = null;
            if (all != null) {
                first.run().sendAllFromTimers(all);
            }
        }
        mail.clear();
    }

    /** Collects mail, so that each process is sent its own at once. */
    private void gather(MailTimer<?> timer) {
        Relations ties = timer.ties();
        if (ties.due == null) {
            mail.add(timer);
        }
        ties.due = new MailRun.Node(timer, ties.due);
    }

    @SuppressWarnings("CatchingUnchecked")
    private void act(TimerEntry entry) {
        long start = System.nanoTime();
        try {
            entry.fire();
        } catch (Throwable t) {
            metrics.timerFailures.inc();
            LOG.log(Level.WARNING, "a timer's action failed", t);
        } finally {
            if (System.nanoTime() - start > SLOW_NANOS) {
                metrics.timerSlow.inc();
            }
        }
    }
}
