package dev.coppice.gateway.control;

import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Says that something is to be done, once however often it is raised before it is done. Safe for use by many threads. */
final class Signal {
    private final Timers timers;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition raised = lock.newCondition();
    private boolean up;
    private boolean soon;
    private boolean later;
    private long pauses;

    Signal(Timers timers) {
        this.timers = timers;
    }

    /** Raises it now. */
    void raise() {
        lock.lock();
        try {
            up = true;
            raised.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Raises it a little later; nothing when that is to be already. */
    void raiseSoon(Duration delay) {
        lock.lock();
        try {
            if (!up && !soon) {
                soon = true;
                timers.schedule(delay, () -> due(false));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Raises it much later, however much happens before; nothing when that is to be already. */
    void raiseLater(Duration delay) {
        lock.lock();
        try {
            if (!later) {
                later = true;
                timers.schedule(delay, () -> due(true));
            }
        } finally {
            lock.unlock();
        }
    }

    private void due(boolean wasLater) {
        lock.lock();
        try {
            if (wasLater) {
                later = false;
            } else {
                soon = false;
            }
            up = true;
            raised.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until it is raised, and lowers it. */
    void await() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (!up) {
                raised.await();
            }
            up = false;
        } finally {
            lock.unlock();
        }
    }

    /** Waits for so long, whatever is raised. */
    void pause(Duration time) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long before = pauses;
            timers.schedule(time, this::resume);
            while (pauses == before) {
                raised.await();
            }
        } finally {
            lock.unlock();
        }
    }

    private void resume() {
        lock.lock();
        try {
            pauses++;
            raised.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
