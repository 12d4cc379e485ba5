package dev.coppice.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A timer, and its place in the {@link WheelTimers}. It fires or is cancelled, whatever comes first. */
abstract class TimerEntry extends TimerChange implements Timers.Timer {
    private static final byte WAITING = 0;
    private static final byte FIRED = 1;
    private static final byte CANCELLED = 2;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(TimerEntry.class, "state", byte.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final WheelTimers owner;
    private volatile byte state = WAITING;
    /** Whether the timers have taken it over, so that to cancel it is not enough. */
    private volatile boolean taken;

    long dueNanos;

    // Of the queue, which also uses the link to the next change, for the next in a slot:
    static final short NO_SLOT = -1;

    long sequence;
    /** Its place in the heap, or -1. */
    int index = -1;
    /** Its slot in the wheels, or {@link #NO_SLOT}. */
    short slot = NO_SLOT;

    @Nullable
    TimerEntry previous;

    TimerEntry(WheelTimers owner) {
        this.owner = owner;
    }

    /** Does what it is for. Runs in the thread that fires timers. */
    abstract void fire();

    /** Takes it over; false when it was cancelled before. Whoever cancels it later tells the timers. */
    boolean take() {
        taken = true;
        return isWaiting();
    }

    boolean isWaiting() {
        return state == WAITING;
    }

    /** Decides that it fires; false when it was cancelled. */
    boolean claim() {
        return STATE.compareAndSet(this, WAITING, FIRED);
    }

    boolean isBefore(TimerEntry other) {
        long difference = dueNanos - other.dueNanos;
        return difference < 0 || (difference == 0 && sequence - other.sequence < 0);
    }

    @Override
    public Optional<Duration> remaining() {
        return isWaiting() ? Optional.of(owner.until(dueNanos)) : Optional.empty();
    }

    @Override
    public boolean cancel() {
        if (!STATE.compareAndSet(this, WAITING, CANCELLED)) {
            return false;
        }
        if (taken) {
            owner.cancelled(this);
        }
        return true;
    }
}
