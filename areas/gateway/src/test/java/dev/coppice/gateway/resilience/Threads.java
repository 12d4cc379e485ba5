package dev.coppice.gateway.resilience;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Some threads that begin together. */
final class Threads {

    private Threads() {}

    /** What one of them does. */
    interface Action {
        void run(int number) throws Exception;
    }

    /** Returns when all have ended; throws what one of them threw. */
    static void run(int threads, Action action) throws Exception {
        CyclicBarrier together = new CyclicBarrier(threads);
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int number = i;
                all.add(pool.submit(() -> {
                    together.await();
                    action.run(number);
                    return null;
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
        }
    }
}
