package dev.coppice.gateway.function;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Threads of the operating system that compute, so many at most, and what waits for them. Guests compute and do not wait, so that on virtual threads a few of them
 * would hold up all others. A task may be interrupted; the next one on its thread is not. Safe for use by many threads.
 *
 * <p>Shares that have tasks take turns. One that computes long is slow until a task of it ends sooner, and all slow ones together have half of the threads: whatever
 * they do, the other half is for those who need a thread for a moment.
 */
public final class FunctionWorkers {
    private enum Wake {
        WAKE
    }

    /** Part of all threads that slow shares have together, and of these that one share has. */
    private static final int PART = 2;

    /** Who computes so long is slow. */
    private static final long SLOW_NANOS = Duration.ofMillis(100).toNanos();

    private final Clock clock;
    private final int mostSlow;
    private final int mostOfShare;
    private final int threads;
    private final int most;
    /** At most as many as there are threads. */
    private final Queue<Runnable> begun = new ConcurrentLinkedQueue<>();

    private final Deque<ProcessRef<Wake>> idle = new ConcurrentLinkedDeque<>();

    // Guarded by this.
    /** Those with tasks that may be run, the next one first. */
    private final Deque<Share> turns = new ArrayDeque<>();

    private int waiting;
    private int running;
    private int slow;

    /**
     * Starts them.
     *
     * @param threads of which slow shares together have half, and one share a quarter, but one at least
     * @param most tasks that may wait, besides one of each share
     * @throws StartException when the supervisor does not start one
     */
    public FunctionWorkers(Supervisor supervisor, String name, Clock clock, int threads, int most)
            throws StartException {
        this.clock = clock;
        this.threads = threads;
        this.mostSlow = Math.max(1, threads / PART);
        this.mostOfShare = Math.max(1, mostSlow / PART);
        this.most = most;
        ProcessOptions isolated = ProcessOptions.DEFAULT.withMode(ProcessOptions.Mode.ISOLATED);
        for (int i = 0; i < threads; i++) {
            ProcessRef<Wake> _ = supervisor.startProcess(ChildSpec.process(name + "-" + i, Worker::new, isolated));
        }
    }

    private final class Worker implements Behavior<Wake> {
        @Override
        public void init(ProcessContext<Wake> self) {
            // One that crashed may have left something.
            self.continueWith(Wake.WAKE);
        }

        @Override
        public void handle(ProcessContext<Wake> self, Wake message) {
            Runnable next = begun.poll();
            if (next == null) {
                idle.add(self.self());
                // What came between the two has woken nobody.
                if (begun.isEmpty() || !idle.remove(self.self())) {
                    return;
                }
                self.continueWith(Wake.WAKE);
                return;
            }
            try {
                next.run();
            } finally {
                // Meant for a task that is over.
                boolean _ = Thread.interrupted();
            }
            self.continueWith(Wake.WAKE);
        }
    }

    /** Has as many tasks run as may. */
    private void runNext() {
        for (Runnable next = next(); next != null; next = next()) {
            begun.add(next);
            ProcessRef<Wake> one = idle.pollFirst();
            if (one != null) {
                one.cast(Wake.WAKE);
            }
        }
    }

    private synchronized @Nullable Runnable next() {
        if (running >= threads) {
            return null;
        }
        for (Iterator<Share> all = turns.iterator(); all.hasNext(); ) {
            Share share = all.next();
            if (share.running < mostOfShare && !(share.slow && slow >= mostSlow)) {
                all.remove();
                Runnable task = share.waiting.remove();
                waiting--;
                if (!share.waiting.isEmpty()) {
                    turns.addLast(share);
                }
                return share.begin(task);
            }
        }
        return null;
    }

    /** Tasks that wait, of all shares. */
    public synchronized int waiting() {
        return waiting;
    }

    /**
     * Tasks that run.
     *
     * @param slow those of slow shares, or those of the others
     */
    public synchronized int running(boolean slow) {
        return slow ? this.slow : running - this.slow;
    }

    /** A share for somebody's tasks. */
    public Share share() {
        return new Share();
    }

    /**
     * A quarter of the threads, but one at least, and as many places to wait as are left: half of them if nobody else has any, so that whoever has it leaves something to others.
     * One place is its own, however many others there are. Its tasks wait until it is opened. Safe for use by many threads.
     */
    public final class Share implements Executor {
        private final Queue<Runnable> waiting = new ArrayDeque<>();
        private boolean open;
        private boolean slow;
        private int running;

        private Share() {}

        /** @throws RejectedExecutionException when too many wait */
        @Override
        public void execute(Runnable task) {
            synchronized (FunctionWorkers.this) {
                if (!waiting.isEmpty() && waiting.size() >= most - FunctionWorkers.this.waiting) {
                    throw new RejectedExecutionException("too many tasks wait");
                }
                if (open && waiting.isEmpty()) {
                    turns.addLast(this);
                }
                waiting.add(task);
                FunctionWorkers.this.waiting++;
            }
            runNext();
        }

        /** From now on its tasks are run. */
        public void open() {
            synchronized (FunctionWorkers.this) {
                if (!open && !waiting.isEmpty()) {
                    turns.addLast(this);
                }
                open = true;
            }
            runNext();
        }

        /** Its tasks that wait. */
        public int waiting() {
            synchronized (FunctionWorkers.this) {
                return waiting.size();
            }
        }

        /** A task that counts from now on. */
        private Runnable begin(Runnable task) {
            boolean asSlow = slow;
            running++;
            FunctionWorkers.this.running++;
            FunctionWorkers.this.slow += asSlow ? 1 : 0;
            return () -> {
                long began = clock.nanoTime();
                try {
                    task.run();
                } finally {
                    long took = clock.nanoTime() - began;
                    synchronized (FunctionWorkers.this) {
                        running--;
                        FunctionWorkers.this.running--;
                        FunctionWorkers.this.slow -= asSlow ? 1 : 0;
                        slow = took >= SLOW_NANOS;
                    }
                    runNext();
                }
            };
        }
    }
}
