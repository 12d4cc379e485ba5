package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What lies between a stage and its subscribers: bounded lanes of messages, which outlive the workers at both ends. A lane
 * never holds, together with what its workers took and have not settled, more than these asked for. Many messages go in and
 * out under one lock at a time.
 */
final class Junction {
    /** Why a worker was let go. */
    enum Taken {
        MESSAGES,
        /** There will never be more. */
        END,
        /** The deadline is over. */
        LATE,
        /** The lane holds all it asked for, and this worker has some of that. */
        STARVED
    }

    private final Kernel kernel;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition room = lock.newCondition();
    private final List<LaneGroup> groups = new ArrayList<>();
    private final List<Lane> lanes = new ArrayList<>();
    private final Router router;
    private int writers;
    private int open;
    private int waitingWriters;
    private boolean closed;

    Junction(Kernel kernel, BiConsumer<Envelope, RuntimeException> misrouted) {
        this.kernel = kernel;
        this.router = new Router(groups, lanes, misrouted);
    }

    void dispatch(Dispatcher<Object> how) {
        if (isSubscribed()) {
            throw new IllegalStateException("choose the dispatcher before the first stage subscribes");
        }
        router.dispatch(how);
    }

    boolean isSubscribed() {
        return !groups.isEmpty();
    }

    /** Gives each worker of a new subscriber its slot. */
    List<Lane.Slot> subscribe(Stage stage, int concurrency, int low, int capacity) {
        boolean shared = router.dispatcher() instanceof Dispatcher.Demand<Object> && isSubscribed();
        boolean lanePerWorker = router.dispatcher() instanceof Dispatcher.Partition<Object>;
        LaneGroup group =
                shared ? groups.getFirst() : new LaneGroup(kernel.clock().nanoTime());
        if (!shared) {
            groups.add(group);
        }
        group.to.add(stage);
        List<Lane.Slot> slots = new ArrayList<>();
        for (int i = 0; i < concurrency; i++) {
            if (group.lanes.isEmpty() || lanePerWorker) {
                Lane lane = new Lane(lock.newCondition(), group.traffic);
                group.lanes.add(lane);
                lanes.add(lane);
            }
            Lane lane = group.lanes.getLast();
            lane.capacity += capacity;
            lane.low += low;
            lane.slots++;
            slots.add(new Lane.Slot(lane));
        }
        return slots;
    }

    void addWriters(int more) {
        writers += more;
    }

    int writers() {
        return writers;
    }

    /** Before anything runs: everybody asks for the first time. */
    void open(int unfinishedWriters) {
        lock.lock();
        try {
            open = unfinishedWriters;
            closed = open == 0;
            for (Lane lane : lanes) {
                lane.capacity = Math.max(lane.capacity, writers);
                lane.ask();
            }
        } finally {
            lock.unlock();
        }
    }

    /** One of those who deliver is done; after the last one, nothing more will be delivered. */
    void writerEnded() {
        lock.lock();
        try {
            if (--open == 0) {
                closed = true;
                lanes.forEach(lane -> lane.arrived.signalAll());
            }
        } finally {
            lock.unlock();
        }
    }

    /** A new life of a producing worker: what the last one had promised is void. */
    long begin(Lane.Writer writer) throws InterruptedException {
        lock.lock();
        try {
            Stage.refuseKilled();
            release(writer, 0);
            return ++writer.life;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until somebody asks, and promises that many messages, at most {@code max} and at most the writer's share. */
    int reserve(Lane.Writer writer, long life, int max) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (true) {
                if (writer.life != life) {
                    throw new InterruptedException("this worker was replaced");
                }
                int free = max;
                for (Lane lane : lanes) {
                    lane.ask();
                    free = Math.min(free, Math.min(lane.credit, Math.max(1, lane.capacity / writers)));
                }
                if (free > 0) {
                    for (Lane lane : lanes) {
                        lane.credit -= free;
                        lane.promised += free;
                    }
                    writer.promised = free;
                    return free;
                }
                awaitRoom();
            }
        } finally {
            lock.unlock();
        }
    }

    @SuppressWarnings("WaitNotInLoop") // its callers loop
    private void awaitRoom() throws InterruptedException {
        waitingWriters++;
        try {
            room.await();
        } finally {
            waitingWriters--;
        }
    }

    /** Keeps a promise: hands over at most as many messages as were reserved. A replaced worker's messages go on as well. */
    void deliver(Lane.Writer writer, long life, List<Envelope> envelopes) {
        List<Envelope> routed = router.route(envelopes);
        routed.forEach(this::fork);
        lock.lock();
        try {
            long now = kernel.clock().nanoTime();
            for (Envelope envelope : routed) {
                enqueue(envelope, now);
            }
            if (writer.life == life) {
                release(writer, routed.size());
            }
            wakeTakers();
        } finally {
            lock.unlock();
        }
    }

    private void release(Lane.Writer writer, int delivered) {
        int promised = writer.promised;
        writer.promised = 0;
        if (promised == 0) {
            return;
        }
        for (Lane lane : lanes) {
            lane.promised -= promised;
        }
        if (delivered < promised || lanes.size() > 1) {
            // Credit is what is left of the capacity, now that it is known which lanes got how much.
            for (Lane lane : lanes) {
                int left = lane.capacity - lane.queue.size() - lane.held - lane.promised;
                lane.credit = Math.clamp(lane.credit + (long) promised, 0, Math.max(0, left));
            }
            signalRoom();
        }
    }

    private void wakeTakers() {
        for (Lane lane : lanes) {
            if (lane.waiting > 0 && (!lane.queue.isEmpty() || lane.promised == 0)) {
                if (lane.queue.size() == 1) {
                    lane.arrived.signal();
                } else {
                    lane.arrived.signalAll();
                }
            }
        }
    }

    /** Hands messages over as they are asked for. */
    void send(List<Envelope> envelopes) throws InterruptedException {
        List<Envelope> routed = router.route(envelopes);
        routed.forEach(this::fork);
        int sent = 0;
        try {
            lock.lockInterruptibly();
            try {
                long now = kernel.clock().nanoTime();
                while (sent < routed.size()) {
                    Envelope next = routed.get(sent);
                    if (hasCredit(next)) {
                        spend(next);
                        enqueue(next, now);
                        sent++;
                    } else {
                        wakeTakers();
                        awaitRoom();
                        now = kernel.clock().nanoTime();
                    }
                }
                wakeTakers();
            } finally {
                lock.unlock();
            }
        } finally {
            for (Envelope left : routed.subList(sent, routed.size())) {
                for (int i = 0; i < copies(left); i++) {
                    left.claim.settle(null);
                }
            }
        }
    }

    private boolean hasCredit(Envelope envelope) {
        Lane lane = envelope.lane;
        if (lane != null) {
            return lane.ask();
        }
        boolean all = true;
        for (Lane each : lanes) {
            all &= each.ask();
        }
        return all;
    }

    private void spend(Envelope envelope) {
        Lane lane = envelope.lane;
        if (lane != null) {
            lane.credit--;
        } else {
            lanes.forEach(each -> each.credit--);
        }
    }

    private void enqueue(Envelope envelope, long now) {
        envelope.sinceNanos = now;
        Lane lane = envelope.lane;
        if (lane != null) {
            lane.queue.add(envelope);
        } else {
            for (Lane each : lanes) {
                each.queue.add(envelope);
            }
        }
    }

    private int copies(Envelope envelope) {
        return envelope.lane == null ? lanes.size() : 1;
    }

    private void fork(Envelope envelope) {
        envelope.claim.fork(copies(envelope));
    }

    /** A new life of a worker: what the last one did not settle goes back to where it came from. */
    long begin(Lane.Slot slot) throws InterruptedException {
        lock.lock();
        try {
            Stage.refuseKilled();
            Envelope blamed = slot.current.getAndSet(null);
            slot.lane.held -= slot.held.size();
            for (Iterator<Envelope> last = slot.held.descendingIterator(); last.hasNext(); ) {
                Envelope e = last.next();
                Envelope again = new Envelope(e.value, e.claim, e.batch, e.deaths + (e == blamed ? 1 : 0));
                again.sinceNanos = e.sinceNanos;
                again.lane = e.lane;
                slot.lane.queue.addFirst(again);
            }
            slot.held.clear();
            wakeTakers();
            return ++slot.life;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the next messages.
     *
     * @param deadlineNanos of the kernel's clock; the largest number for none
     */
    Taken take(Lane.Slot slot, long life, int max, long deadlineNanos, List<Envelope> into)
            throws InterruptedException {
        Lane lane = slot.lane;
        Timers.@Nullable Timer timer = null;
        lock.lockInterruptibly();
        try {
            while (true) {
                if (slot.life != life) {
                    // It may have been woken in the place of a living one.
                    wakeTakers();
                    throw new InterruptedException("this worker was replaced");
                }
                if (!lane.queue.isEmpty()) {
                    move(slot, max, into);
                    return Taken.MESSAGES;
                }
                if (closed && (lane.held == 0 || !slot.held.isEmpty())) {
                    return Taken.END;
                }
                if (!slot.held.isEmpty() && lane.promised == 0 && !lane.ask()) {
                    return Taken.STARVED;
                }
                if (deadlineNanos != Long.MAX_VALUE) {
                    long left = deadlineNanos - kernel.clock().nanoTime();
                    if (left <= 0) {
                        return Taken.LATE;
                    }
                    if (timer == null) {
                        timer = kernel.timers().schedule(Duration.ofNanos(left), () -> wake(lane));
                        continue;
                    }
                }
                lane.waiting++;
                try {
                    lane.arrived.await();
                } finally {
                    lane.waiting--;
                }
            }
        } finally {
            lock.unlock();
            if (timer != null) {
                timer.cancel();
            }
        }
    }

    private void move(Lane.Slot slot, int max, List<Envelope> into) {
        Lane lane = slot.lane;
        int fair = (lane.queue.size() + lane.slots - 1) / lane.slots;
        int count = Math.min(max, fair);
        long now = kernel.clock().nanoTime();
        long waited = 0;
        for (int i = 0; i < count; i++) {
            Envelope next = lane.queue.remove();
            waited += now - next.sinceNanos;
            slot.held.add(next);
            into.add(next);
        }
        lane.held += count;
        lane.traffic.took(now, count, waited);
    }

    private void wake(Lane lane) {
        lock.lock();
        try {
            lane.arrived.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Notes that a worker is done with messages; false when another life has them now. */
    boolean settle(Lane.Slot slot, long life, List<Envelope> envelopes) {
        lock.lock();
        try {
            if (slot.life != life) {
                return false;
            }
            Lane lane = slot.lane;
            remove(slot, envelopes);
            if (lane.ask()) {
                signalRoom();
            }
            if (closed && lane.held == 0) {
                lane.arrived.signalAll();
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private static void remove(Lane.Slot slot, List<Envelope> envelopes) {
        slot.lane.held -= envelopes.size();
        if (slot.held.size() == envelopes.size()) {
            slot.held.clear();
            return;
        }
        // A broadcast message lies in other lanes as well, so the mark is taken off again.
        envelopes.forEach(each -> each.settled = true);
        slot.held.removeIf(each -> each.settled);
        envelopes.forEach(each -> each.settled = false);
    }

    /** Gives back what was taken and not begun, for others to take. */
    void giveBack(Lane.Slot slot, long life, List<Envelope> envelopes) {
        lock.lock();
        try {
            if (slot.life == life) {
                remove(slot, envelopes);
                for (Envelope each : envelopes.reversed()) {
                    slot.lane.queue.addFirst(each);
                }
                wakeTakers();
            }
        } finally {
            lock.unlock();
        }
    }

    private void signalRoom() {
        if (waitingWriters > 0) {
            room.signalAll();
        }
    }

    /** A picture of each group of lanes. */
    List<Edge> edges(String pipeline, String from) {
        lock.lock();
        try {
            long now = kernel.clock().nanoTime();
            List<Edge> edges = new ArrayList<>();
            for (LaneGroup group : groups) {
                edges.add(group.edge(pipeline, from, now));
            }
            return edges;
        } finally {
            lock.unlock();
        }
    }
}
