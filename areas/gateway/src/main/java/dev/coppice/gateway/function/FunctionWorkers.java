package dev.coppice.gateway.function;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Threads of the operating system that compute, so many at most, and what waits for them. Guests compute and do not wait, so that on virtual threads a few of them
 * would hold up all others. A task may be interrupted; the next one on its thread is not. Safe for use by many threads.
 */
public final class FunctionWorkers implements Executor {
    private enum Wake {
        WAKE
    }

    private final Queue<Runnable> waiting;
    private final Deque<ProcessRef<Wake>> idle = new ConcurrentLinkedDeque<>();

    /**
     * Starts them.
     *
     * @param most tasks that may wait
     * @throws StartException when the supervisor does not start one
     */
    public FunctionWorkers(Supervisor supervisor, String name, int threads, int most) throws StartException {
        this.waiting = new ArrayBlockingQueue<>(most);
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
            Runnable next = waiting.poll();
            if (next == null) {
                idle.add(self.self());
                // What came between the two has woken nobody.
                if (waiting.isEmpty() || !idle.remove(self.self())) {
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
        if (!waiting.offer(task)) {
            throw new RejectedExecutionException("too many tasks wait");
        }
        ProcessRef<Wake> one = idle.pollFirst();
        if (one != null) {
            one.cast(Wake.WAKE);
        }
    }

    /** Tasks that wait. */
    public int waiting() {
        return waiting.size();
    }
}
