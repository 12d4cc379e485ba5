package dev.coppice.gateway.function;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads of the operating system that compute, so many at most, and what waits for them. Guests compute and do not wait, so that on virtual threads a few of them
 * would hold up all others. A task may be interrupted; the next one on its thread is not. Safe for use by many threads.
 */
public final class FunctionWorkers implements Executor {
    private enum Wake {
        WAKE
    }

    /** Part of all threads and places to wait that one share has. */
    private static final int SHARE = 2;

    private final int threads;
    private final int most;
    /** Bounded by {@code accepted}, or each share's threads. */
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();

    private final AtomicInteger accepted = new AtomicInteger();
    private final Deque<ProcessRef<Wake>> idle = new ConcurrentLinkedDeque<>();

    /**
     * Starts them.
     *
     * @param most tasks that may wait
     * @throws StartException when the supervisor does not start one
     */
    public FunctionWorkers(Supervisor supervisor, String name, int threads, int most) throws StartException {
        this.threads = threads;
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
            Runnable next = queue.poll();
            if (next == null) {
                idle.add(self.self());
                // What came between the two has woken nobody.
                if (queue.isEmpty() || !idle.remove(self.self())) {
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

    /** @throws RejectedExecutionException when too many wait */
    @Override
    public void execute(Runnable task) {
        accept();
        run(() -> {
            accepted.decrementAndGet();
            task.run();
        });
    }

    private void accept() {
        if (accepted.incrementAndGet() > most) {
            accepted.decrementAndGet();
            throw new RejectedExecutionException("too many tasks wait");
        }
    }

    private void run(Runnable task) {
        queue.add(task);
        ProcessRef<Wake> one = idle.pollFirst();
        if (one != null) {
            one.cast(Wake.WAKE);
        }
    }

    /** Tasks that wait, those of shares too. */
    public int waiting() {
        return accepted.get();
    }

    /** A share for somebody's tasks. */
    public Share share() {
        return new Share();
    }

    /**
     * Half of the threads, or the only one, and half of the places to wait: so that whoever has it leaves something to others. Its tasks wait until it is opened.
     * Safe for use by many threads.
     */
    public final class Share implements Executor {
        private final Queue<Runnable> waiting = new ArrayDeque<>();
        private boolean open;
        private int running;

        private Share() {}

        /** @throws RejectedExecutionException when too many wait */
        @Override
        public void execute(Runnable task) {
            synchronized (this) {
                if (waiting.size() >= Math.max(1, most / SHARE)) {
                    throw new RejectedExecutionException("too many tasks of one share wait");
                }
                accept();
                waiting.add(task);
            }
            boolean _ = runNext();
        }

        /** From now on its tasks are run. */
        public void open() {
            synchronized (this) {
                open = true;
            }
            while (runNext()) {
                // As many as may run.
            }
        }

        private boolean runNext() {
            Runnable next;
            synchronized (this) {
                if (!open || running >= Math.max(1, threads / SHARE)) {
                    return false;
                }
                next = waiting.poll();
                if (next == null) {
                    return false;
                }
                running++;
            }
            run(() -> {
                accepted.decrementAndGet();
                try {
                    next.run();
                } finally {
                    synchronized (this) {
                        running--;
                    }
                    boolean _ = runNext();
                }
            });
            return true;
        }
    }
}
