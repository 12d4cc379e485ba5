package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A bounded buffer into which others put messages for a pipeline: the producer of whoever does not wait to be asked. Give the
 * same one for every life of the producing stage, so that it outlives them: {@code produce(name, options, () -> inlet, …)}.
 * When the pipeline drains it refuses newcomers, and what it holds goes through. Safe for use by many threads.
 */
public final class Inlet<T> implements Producer<T> {
    private final Kernel kernel;
    private final int capacity;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final Condition room = lock.newCondition();
    private final ArrayDeque<T> queue = new ArrayDeque<>();
    private boolean ended;
    private boolean draining;
    private long refused;

    /** @param capacity messages that it may hold */
    public Inlet(Kernel kernel, int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity " + capacity + " must be at least 1");
        }
        this.kernel = kernel;
        this.capacity = capacity;
    }

    /**
     * Puts a message, and waits while it is full.
     *
     * @throws IllegalStateException when it takes no more
     */
    public void put(T message) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (queue.size() >= capacity && isOpen()) {
                room.await();
            }
            add(message);
        } finally {
            lock.unlock();
        }
    }

    /** Puts a message if there is room now; false, and counted, when there is none or it takes no more. */
    public boolean offer(T message) {
        lock.lock();
        try {
            if (queue.size() >= capacity || !isOpen()) {
                refused++;
                return false;
            }
            add(message);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Puts a message once there is room; false, and counted, when there is none within the limit or it takes no more. */
    public boolean offer(T message, Duration limit) throws InterruptedException {
        long deadline = kernel.clock().nanoTime() + limit.toNanos();
        Timers.@Nullable Timer timer = null;
        lock.lockInterruptibly();
        try {
            while (queue.size() >= capacity && isOpen()) {
                long left = deadline - kernel.clock().nanoTime();
                if (left <= 0) {
                    break;
                }
                if (timer == null) {
                    timer = kernel.timers().schedule(Duration.ofNanos(left), this::wake);
                    continue;
                }
                room.await();
            }
            return offer(message);
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
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void add(T message) {
        if (!isOpen()) {
            throw new IllegalStateException(
                    ended ? "the inlet was ended" : "the inlet takes no more: its pipeline drains");
        }
        queue.add(message);
        arrived.signal();
    }

    private boolean isOpen() {
        return !ended && !draining;
    }

    /** There will be no more, ever; what it holds goes through. */
    public void end() {
        finish(true);
    }

    private void finish(boolean forEver) {
        lock.lock();
        try {
            ended |= forEver;
            draining = true;
            arrived.signalAll();
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Messages in it. */
    public int size() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    /** Offers that were refused. */
    public long refused() {
        lock.lock();
        try {
            return refused;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<T> produce(int demand) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (queue.isEmpty() && isOpen()) {
                arrived.await();
            }
            int count = Math.min(demand, queue.size());
            List<T> messages = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                messages.add(queue.remove());
            }
            if (!queue.isEmpty()) {
                arrived.signal();
            }
            if (count == 1) {
                room.signal();
            } else {
                room.signalAll();
            }
            return messages;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean drain() {
        finish(false);
        return true;
    }

    /** Its pipeline was started again after a drain. */
    void reopen() {
        lock.lock();
        try {
            draining = ended;
        } finally {
            lock.unlock();
        }
    }
}
