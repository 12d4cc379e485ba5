package dev.coppice.gateway.authentication;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Runs tasks on an executor that others use, too, few at a time, so that tasks that take long leave room for those of others; further ones
 * wait in turn. Whoever gives them bounds how many do. Safe for use by many threads.
 */
final class ExecutorShare implements Executor {
    private final Executor all;
    private final int most;
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private int running;

    /** @param most tasks at a time */
    ExecutorShare(Executor all, int most) {
        this.all = all;
        this.most = most;
    }

    @Override
    public void execute(Runnable task) {
        synchronized (waiting) {
            if (running == most) {
                waiting.add(task);
                return;
            }
            running++;
        }
        try {
            all.execute(() -> run(task));
        } catch (RejectedExecutionException e) {
            next();
            throw e;
        }
    }

    private void run(Runnable task) {
        try {
            task.run();
        } finally {
            next();
        }
    }

    private void next() {
        Runnable task;
        synchronized (waiting) {
            task = waiting.poll();
            if (task == null) {
                running--;
                return;
            }
        }
        try {
            all.execute(() -> run(task));
        } catch (RejectedExecutionException e) {
            // It was taken on before: somebody waits for it.
            run(task);
        }
    }
}
