package dev.coppice.kernel.flow;

import java.util.TreeSet;

/** How far a source is done: all its parts up to a number. Safe for use by many threads. */
final class Progress {
    private final TreeSet<Long> ahead = new TreeSet<>();
    private volatile long done = -1;
    private long given;
    private boolean exhausted;
    private volatile boolean over;

    synchronized long give() {
        return given++;
    }

    synchronized void exhaust() {
        exhausted = true;
        over = done == given - 1;
    }

    synchronized void settled(long part) {
        ahead.add(part);
        long to = done;
        while (!ahead.isEmpty() && ahead.first() == to + 1) {
            ahead.pollFirst();
            to++;
        }
        done = to;
        over = exhausted && done == given - 1;
    }

    long done() {
        return done;
    }

    boolean isOver() {
        return over;
    }
}
