package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's timers. On a {@link SimulatedClock} they fire from its advance; on any other clock one daemon thread, started
 * with the first timer, fires them.
 *
 * <p>Who sets or cancels a timer hands that over on a lock-free stack, which the thread empties into its heap before it fires
 * or sleeps: nobody waits for anybody, and the thread is woken only for what is due before it wakes by itself.
 */
final class HeapTimers implements Timers, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(HeapTimers.class.getName());
    private static final long SLOW_NANOS = 50_000_000;
    /** Due timers that fire together, at most. */
    private static final int PORTION = 64;
    /** Changes that wait at most before somebody applies them. */
    private static final int MAX_CHANGES = 1024;

    private static final long AWAKE = Long.MIN_VALUE;
    private static final long NEVER = Long.MAX_VALUE;

    private static final VarHandle CHANGES;
    private static final VarHandle SEQUENCE;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            CHANGES = lookup.findVarHandle(HeapTimers.class, "changes", TimerChange.class);
            SEQUENCE = lookup.findVarHandle(HeapTimers.class, "sequence", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Clock clock;
    private final @Nullable SimulatedClock simulated;
    private final KernelMetrics metrics;
    private final LongAdder pending = new LongAdder();
    private volatile @Nullable TimerChange changes;

    @SuppressWarnings("unused") // by its handle
    private volatile long sequence;

    /** When the thread wakes by itself. */
    private volatile long wakeNanos = AWAKE;

    private volatile boolean closed;
    private volatile @Nullable Thread thread;
    /** Guards the heap. */
    private final ReentrantLock lock = new ReentrantLock();

    private final TimerHeap heap = new TimerHeap();

    HeapTimers(Clock clock, KernelMetrics metrics) {
        this.clock = clock;
        this.metrics = metrics;
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
            pending.increment();
            wakeFor(entry);
            return;
        }
        // Under the lock, so that the clock never moves between the look at it and the timer's place in the heap.
        lock.lock();
        try {
            plan(entry, delay);
            apply();
            heap.add(entry);
            pending.increment();
        } finally {
            lock.unlock();
        }
    }

    private void plan(TimerEntry entry, Duration delay) {
        entry.dueNanos = clock.nanoTime() + Math.max(0, nanos(delay));
        entry.sequence = (long) SEQUENCE.getAndAdd(this, 1L);
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

    /** Takes note of a timer that was cancelled. */
    void cancelled(TimerEntry entry) {
        pending.decrement();
        change(new TimerChange.Removal(entry));
    }

    private void change(TimerChange change) {
        TimerChange top;
        do {
            top = changes;
            change.next = top;
            change.depth = top == null ? 1 : top.depth + 1;
        } while (!CHANGES.compareAndSet(this, top, change));
        if (change.depth >= MAX_CHANGES && lock.tryLock()) {
            try {
                apply();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Applies the changes that wait, in order. Under the lock. */
    private void apply() {
        TimerChange list = changes == null ? null : (TimerChange) CHANGES.getAndSet(this, null);
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
                heap.remove(removal.entry);
            } else if (ordered instanceof TimerEntry entry && entry.isWaiting()) {
                heap.add(entry);
            }
            ordered = following;
        }
    }

    /** The timer that is due first; null when there is none. Under the lock. */
    private @Nullable TimerEntry first() {
        TimerEntry first = heap.first();
        while (first != null && !first.isWaiting()) {
            heap.remove(first);
            first = heap.first();
        }
        return first;
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
        // Counted after it was handed over: one that fires at once is taken off before.
        return Math.max(0, pending.intValue());
    }

    long nextDueNanos() {
        lock.lock();
        try {
            apply();
            TimerEntry first = first();
            return first == null ? Long.MAX_VALUE : first.dueNanos;
        } finally {
            lock.unlock();
        }
    }

    /** Runs the first timer if it is due at the given time. */
    boolean fireOne(long nowNanos) {
        TimerEntry[] due = new TimerEntry[1];
        if (takeDue(due, nowNanos) == 0) {
            return false;
        }
        fire(due, 1);
        return true;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            apply();
            heap.clear();
            pending.reset();
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
            Thread t = Thread.ofPlatform().daemon().name("coppice-timers").unstarted(this::loop);
            thread = t;
            t.start();
        }
    }

    private void loop() {
        TimerEntry[] due = new TimerEntry[PORTION];
        while (!closed) {
            long now = clock.nanoTime();
            int count = takeDue(due, now);
            if (count > 0) {
                fire(due, count);
                continue;
            }
            long next = nextDueNanos();
            wakeNanos = next;
            // Who hands over after this look sees when the thread wakes, and wakes it earlier if need be.
            if (changes == null && !closed) {
                if (next == NEVER) {
                    LockSupport.park(this);
                } else {
                    LockSupport.parkNanos(this, next - clock.nanoTime());
                }
            }
            wakeNanos = AWAKE;
            Thread.interrupted();
        }
    }

    /** Takes out what is due, as much as there is room for; gives the number. */
    private int takeDue(TimerEntry[] due, long nowNanos) {
        int count = 0;
        lock.lock();
        try {
            apply();
            for (TimerEntry first = first();
                    first != null && count < due.length && first.dueNanos - nowNanos <= 0;
                    first = first()) {
                heap.remove(first);
                due[count++] = first;
            }
        } finally {
            lock.unlock();
        }
        return count;
    }

    @SuppressWarnings("CatchingUnchecked")
    private void fire(TimerEntry[] due, int count) {
        for (int i = 0; i < count; i++) {
            TimerEntry entry = due[i];
            if (!entry.claim()) {
                continue;
            }
            pending.decrement();
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
        for (int i = 0; i < count; i++) {
            due[i].fired();
        }
        Arrays.fill(due, null);
    }
}
