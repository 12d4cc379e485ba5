package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Timers in a heap, four children a node to miss the cache less, that knows the place of each, so that cancelling takes
 * O(log n) and leaves nothing behind. On a
 * {@link SimulatedClock} they fire from its advance; on any other clock one daemon thread, started with the first timer,
 * fires them.
 */
final class HeapTimers implements Timers, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(HeapTimers.class.getName());
    private static final long SLOW_NANOS = 50_000_000;
    /** Due timers that are taken out under one lock, at most. One that is taken out can't be cancelled any more. */
    private static final int PORTION = 64;

    private static final int SPINS = 200;

    private final Clock clock;
    private final @Nullable SimulatedClock simulated;
    private final KernelMetrics metrics;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private @Nullable Entry[] heap = new Entry[16];
    private volatile int size;
    private long sequence;
    private volatile boolean closed;
    private volatile @Nullable Thread thread;

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
        Entry entry = new Entry(this) {
            @Override
            void fire() {
                action.run();
            }
        };
        schedule(entry, delay);
        return entry;
    }

    /** Puts a new timer in line. */
    void schedule(Entry entry, Duration delay) {
        acquire();
        try {
            if (closed) {
                return;
            }
            entry.dueNanos = clock.nanoTime() + Math.max(0, nanos(delay));
            entry.sequence = sequence++;
            add(entry);
            if (simulated == null) {
                if (thread == null) {
                    startThread();
                } else if (entry.index == 0) {
                    changed.signal();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Takes the lock. It is held for less than a microsecond mostly, so that to wait actively is cheaper than to park. */
    private void acquire() {
        for (int i = 0; i < SPINS; i++) {
            if (lock.tryLock()) {
                return;
            }
            Thread.onSpinWait();
        }
        lock.lock();
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
        return size;
    }

    long nextDueNanos() {
        lock.lock();
        try {
            Entry first = heap[0];
            return first == null ? Long.MAX_VALUE : first.dueNanos;
        } finally {
            lock.unlock();
        }
    }

    /** Runs the first timer if it is due at the given time. */
    boolean fireOne(long nowNanos) {
        Entry first;
        lock.lock();
        try {
            first = heap[0];
            if (first == null || first.dueNanos - nowNanos > 0) {
                return false;
            }
            remove(first);
        } finally {
            lock.unlock();
        }
        run(first);
        first.fired();
        return true;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            Arrays.fill(heap, null);
            size = 0;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
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

    private void startThread() {
        Thread t = Thread.ofPlatform().daemon().name("coppice-timers").unstarted(this::loop);
        thread = t;
        t.start();
    }

    private void loop() {
        Entry[] due = new Entry[PORTION];
        while (true) {
            int count = 0;
            lock.lock();
            try {
                while (!closed && count == 0) {
                    Entry first = heap[0];
                    if (first == null) {
                        changed.await();
                        continue;
                    }
                    long now = clock.nanoTime();
                    long wait = first.dueNanos - now;
                    if (wait > 0) {
                        changed.awaitNanos(wait);
                        continue;
                    }
                    while (first != null && count < PORTION && first.dueNanos - now <= 0) {
                        remove(first);
                        due[count++] = first;
                        first = heap[0];
                    }
                }
                if (closed) {
                    return;
                }
            } catch (InterruptedException nobodyMayInterruptThisThread) {
                continue;
            } finally {
                lock.unlock();
            }
            for (int i = 0; i < count; i++) {
                run(due[i]);
            }
            for (int i = 0; i < count; i++) {
                due[i].fired();
            }
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void run(Entry entry) {
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

    private void add(Entry entry) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        int last = size;
        size = last + 1;
        siftUp(last, entry);
    }

    private boolean remove(Entry entry) {
        int at = entry.index;
        if (at < 0 || at >= size || heap[at] != entry) {
            return false;
        }
        int last = size - 1;
        size = last;
        Entry moved = heap[last];
        heap[last] = null;
        entry.index = -1;
        if (at != last && moved != null) {
            siftDown(at, moved);
            if (heap[at] == moved) {
                siftUp(at, moved);
            }
        }
        return true;
    }

    private void siftUp(int from, Entry entry) {
        int at = from;
        while (at > 0) {
            int parent = (at - 1) >>> 2;
            Entry above = heap[parent];
            if (above == null || !entry.before(above)) {
                break;
            }
            put(at, above);
            at = parent;
        }
        put(at, entry);
    }

    private void siftDown(int from, Entry entry) {
        int at = from;
        while (true) {
            int child = 4 * at + 1;
            if (child >= size) {
                break;
            }
            Entry least = heap[child];
            int end = Math.min(child + 4, size);
            for (int i = child + 1; i < end; i++) {
                Entry other = heap[i];
                if (least == null || (other != null && other.before(least))) {
                    least = other;
                    child = i;
                }
            }
            if (least == null || !least.before(entry)) {
                break;
            }
            put(at, least);
            at = child;
        }
        put(at, entry);
    }

    private void put(int at, Entry entry) {
        heap[at] = entry;
        entry.index = at;
    }

    /** A timer and its place in the heap. */
    abstract static class Entry implements Timer {
        private final HeapTimers owner;
        private long dueNanos;
        private long sequence;
        private int index = -1;

        Entry(HeapTimers owner) {
            this.owner = owner;
        }

        /** Does what it is for. Runs in the thread that fires timers. */
        abstract void fire();

        /** Follows once all that were due together have fired. */
        void fired() {}

        boolean before(Entry other) {
            long difference = dueNanos - other.dueNanos;
            return difference < 0 || (difference == 0 && sequence < other.sequence);
        }

        @Override
        public Optional<Duration> remaining() {
            owner.acquire();
            try {
                return index < 0
                        ? Optional.empty()
                        : Optional.of(Duration.ofNanos(Math.max(0, dueNanos - owner.clock.nanoTime())));
            } finally {
                owner.lock.unlock();
            }
        }

        @Override
        public boolean cancel() {
            owner.acquire();
            try {
                return owner.remove(this);
            } finally {
                owner.lock.unlock();
            }
        }
    }
}
