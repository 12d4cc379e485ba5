package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What lies between a stage and its subscribers: bounded lanes of messages, which outlive the workers at both ends. A lane
 * never holds, together with what its workers took and have not settled, more than these asked for.
 */
final class Junction {
    /** Messages for one or more workers. */
    static final class Lane {
        final ArrayDeque<Envelope> queue = new ArrayDeque<>();
        int capacity;
        int promised;
        int held;

        int free() {
            return capacity - promised - held - queue.size();
        }
    }

    /** A worker's end of a lane, over all its lives. */
    static final class Slot {
        final Lane lane;
        final ArrayDeque<Envelope> held = new ArrayDeque<>();
        long life;

        Slot(Lane lane) {
            this.lane = lane;
        }
    }

    private final Kernel kernel;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Lane> lanes = new ArrayList<>();
    private Dispatcher<Object> dispatcher = new Dispatcher.Demand<>();
    private boolean closed;
    private long messages;
    private long waitNanos;

    Junction(Kernel kernel) {
        this.kernel = kernel;
    }

    void dispatch(Dispatcher<Object> how) {
        if (!lanes.isEmpty()) {
            throw new IllegalStateException("choose the dispatcher before the first stage subscribes");
        }
        dispatcher = how;
    }

    /** Gives each worker of a new subscriber its slot. */
    List<Slot> subscribe(StageOptions options, int demand) {
        List<Slot> slots = new ArrayList<>();
        boolean fresh = switch (dispatcher) {
            case Dispatcher.Demand<Object> _ -> lanes.isEmpty();
            case Dispatcher.Broadcast<Object> _, Dispatcher.Partition<Object> _ -> true;
        };
        for (int i = 0; i < options.concurrency(); i++) {
            if (fresh) {
                lanes.add(new Lane());
                fresh = dispatcher instanceof Dispatcher.Partition<Object>;
            }
            Lane lane = lanes.getLast();
            lane.capacity += demand;
            slots.add(new Slot(lane));
        }
        return slots;
    }

    /** Waits until somebody asks, and promises that many messages, at most {@code max}. */
    int reserve(int max) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (true) {
                int free = max;
                for (Lane lane : lanes) {
                    free = Math.min(free, lane.free());
                }
                if (free > 0) {
                    for (Lane lane : lanes) {
                        lane.promised += free;
                    }
                    return free;
                }
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Keeps a promise: hands over at most as many messages as were reserved. */
    void deliver(int reserved, List<Envelope> envelopes) {
        lock.lock();
        try {
            for (Lane lane : lanes) {
                lane.promised -= reserved;
            }
            for (Envelope envelope : envelopes) {
                for (Lane lane : route(envelope)) {
                    envelope.fork();
                    lane.queue.add(envelope);
                }
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private List<Lane> route(Envelope envelope) {
        return switch (dispatcher) {
            case Dispatcher.Demand<Object> _, Dispatcher.Broadcast<Object> _ -> lanes;
            case Dispatcher.Partition<Object>(var key) -> {
                int hash = key.apply(envelope.value()).hashCode();
                yield List.of(lanes.get(Math.floorMod(hash ^ (hash >>> 16), lanes.size())));
            }
        };
    }

    /** A new life of a worker: what the last one did not settle goes back to where it came from. */
    long begin(Slot slot) {
        lock.lock();
        try {
            for (Iterator<Envelope> last = slot.held.descendingIterator(); last.hasNext(); ) {
                Envelope e = last.next();
                slot.lane.queue.addFirst(new Envelope(e.value(), e.tickets(), e.attempt() + 1, e.sinceNanos()));
                slot.lane.held--;
            }
            slot.held.clear();
            changed.signalAll();
            return ++slot.life;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The next message; null when the deadline (of the kernel's clock) is over, when the end has come, or when the worker
     * itself holds all it asked for.
     */
    @Nullable
    Envelope take(Slot slot, long life, long deadlineNanos) throws InterruptedException {
        Timers.@Nullable Timer timer = null;
        lock.lockInterruptibly();
        try {
            while (true) {
                if (slot.life != life) {
                    throw new InterruptedException("this worker was replaced");
                }
                Envelope next = slot.lane.queue.poll();
                if (next != null) {
                    slot.held.add(next);
                    slot.lane.held++;
                    messages++;
                    waitNanos += kernel.clock().nanoTime() - next.sinceNanos();
                    return next;
                }
                long left = deadlineNanos == Long.MAX_VALUE
                        ? Long.MAX_VALUE
                        : deadlineNanos - kernel.clock().nanoTime();
                boolean over = closed && (slot.lane.held == 0 || !slot.held.isEmpty());
                boolean starved = !slot.held.isEmpty() && slot.lane.free() <= 0;
                if (over || starved || left <= 0) {
                    return null;
                }
                if (timer == null && deadlineNanos != Long.MAX_VALUE) {
                    timer = kernel.timers().schedule(Duration.ofNanos(left), this::wake);
                    continue;
                }
                changed.await();
            }
        } finally {
            lock.unlock();
            if (timer != null) {
                timer.cancel();
            }
        }
    }

    private void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Notes that a worker is done with messages; false when another life has them now. */
    boolean settle(Slot slot, long life, List<Envelope> envelopes) {
        lock.lock();
        try {
            if (slot.life != life) {
                return false;
            }
            for (Envelope envelope : envelopes) {
                slot.held.removeIf(each -> each == envelope);
                slot.lane.held--;
            }
            changed.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing more will be delivered. */
    void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Queued, held, taken ever, and the nanoseconds these waited. */
    long[] figures() {
        lock.lock();
        try {
            long queued = 0;
            long held = 0;
            for (Lane lane : lanes) {
                queued += lane.queue.size();
                held += lane.held;
            }
            return new long[] {queued, held, messages, waitNanos};
        } finally {
            lock.unlock();
        }
    }
}
