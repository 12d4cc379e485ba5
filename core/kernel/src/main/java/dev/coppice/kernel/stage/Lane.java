package dev.coppice.kernel.stage;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue for one or more workers, which outlives them. Guarded by the lock of its junction. At any time
 * {@code credit + promised + queue + held <= capacity}.
 */
final class Lane {
    final ArrayDeque<Envelope> queue = new ArrayDeque<>();
    final Condition arrived;
    final Traffic traffic;
    int capacity;
    /** More is asked for once no more than that many are queued and held. */
    int low;
    /** Asked for and not yet used. */
    int credit;
    /** Asked for, and being produced. */
    int promised;
    /** Taken and not yet settled. */
    int held;
    /** Workers. */
    int slots;
    /** Workers that wait. */
    int waiting;

    Lane(Condition arrived, Traffic traffic) {
        this.arrived = arrived;
        this.traffic = traffic;
    }

    /** Asks for more when it is time; true when there is credit. */
    boolean ask() {
        int here = queue.size() + held;
        if (here <= low) {
            credit = Math.max(credit, capacity - here - promised);
        }
        return credit > 0;
    }

    /** A worker's end of a lane, over all its lives. */
    static final class Slot {
        final Lane lane;
        final ArrayDeque<Envelope> held = new ArrayDeque<>();
        /** What the worker deals with right now, if anything: it gets the blame when the worker dies. */
        final AtomicReference<@Nullable Envelope> current = new AtomicReference<>();

        /** Being handed on, or settled and being acknowledged. */
        final Unfinished unfinished = new Unfinished();

        volatile long life;

        Slot(Lane lane) {
            this.lane = lane;
        }
    }

    /** A producing worker's end of a junction, over all its lives. */
    static final class Writer {
        /** Being produced. */
        final Unfinished unfinished = new Unfinished();

        volatile long life;
        int promised;
    }
}
