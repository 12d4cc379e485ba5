package dev.coppice.kernel.stage;

/**
 * The lives of a worker that produces. One that was killed may still run, with messages that it has got from its source and not
 * yet handed over; the worker is done only when it has. Safe for use by many threads.
 */
final class Lives {
    private int running;
    private int newest;

    /** What a life does. */
    @FunctionalInterface
    interface Life {
        void run() throws Exception;
    }

    /** Runs a life; when it ends by itself, and no other one began, waits for those before it. */
    void live(Life life) throws Exception {
        int own = begin();
        try {
            life.run();
            awaitFormer(own);
        } finally {
            end();
        }
    }

    private synchronized int begin() {
        running++;
        return ++newest;
    }

    private synchronized void awaitFormer(int own) throws InterruptedException {
        while (own == newest && running > 1) {
            wait();
        }
    }

    private synchronized void end() {
        running--;
        notifyAll();
    }
}
