package dev.coppice.kernel.stage;

/**
 * What lives of one worker are in the middle of. A life that was killed may still run, and have messages that it got from its
 * source or made and has not handed on, or that it has dealt with and not acknowledged: the worker is done only when it has.
 * Safe for use by many threads.
 */
final class Unfinished {
    private int count;

    synchronized void begin() {
        count++;
    }

    synchronized void end() {
        if (--count == 0) {
            notifyAll();
        }
    }

    synchronized void awaitNone() throws InterruptedException {
        while (count > 0) {
            wait();
        }
    }
}
