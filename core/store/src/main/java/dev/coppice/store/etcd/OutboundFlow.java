package dev.coppice.store.etcd;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The answers of a streaming call: senders wait while the connection has no room, so that a slow client costs a bounded
 * amount of memory. Safe for use by many threads.
 */
final class OutboundFlow<A> {

    private static final long LEAST_WAIT_NANOS = 1_000_000;
    private static final long MOST_WAIT_NANOS = 200_000_000;

    private final ServerCallStreamObserver<A> observer;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean ended;
    private Runnable onEnd = () -> {};

    /** To be made inside the call's handler, before it returns. */
    OutboundFlow(ServerCallStreamObserver<A> observer) {
        this.observer = observer;
        observer.setOnReadyHandler(this::signal);
        observer.setOnCancelHandler(this::end);
    }

    /** What to do when the client goes away. */
    void onEnd(Runnable action) {
        lock.lock();
        try {
            onEnd = action;
        } finally {
            lock.unlock();
        }
    }

    private void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        Runnable action;
        lock.lock();
        try {
            ended = true;
            action = onEnd;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        action.run();
    }

    /** Sends when there is room. */
    void send(A answer) throws InterruptedException {
        lock.lock();
        try {
            // A sender inside the call's own handler keeps the signal from being delivered: so it also looks by itself.
            long waitNanos = LEAST_WAIT_NANOS;
            while (!ended && !observer.isReady()) {
                ended = observer.isCancelled();
                long left = changed.awaitNanos(waitNanos);
                waitNanos = left > 0 ? LEAST_WAIT_NANOS : Math.min(2 * waitNanos, MOST_WAIT_NANOS);
            }
            sendHeld(answer);
        } finally {
            lock.unlock();
        }
    }

    /** Sends without waiting for room; for answers whose number the client bounds by its requests. */
    void sendNow(A answer) {
        lock.lock();
        try {
            sendHeld(answer);
        } finally {
            lock.unlock();
        }
    }

    private void sendHeld(A answer) {
        if (ended) {
            throw Status.CANCELLED.withDescription("the client is gone").asRuntimeException();
        }
        observer.onNext(answer);
    }

    void complete() {
        lock.lock();
        try {
            if (!ended) {
                ended = true;
                observer.onCompleted();
            }
        } finally {
            lock.unlock();
        }
    }

    void fail(Status status) {
        lock.lock();
        try {
            if (!ended) {
                ended = true;
                observer.onError(status.asRuntimeException());
            }
        } finally {
            lock.unlock();
        }
    }
}
