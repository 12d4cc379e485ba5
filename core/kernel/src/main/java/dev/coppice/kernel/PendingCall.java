package dev.coppice.kernel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A call that waits for its answer. The first of answer, failure and time-out counts; later answers are dropped.
 *
 * <p>A caller on a virtual thread lets others run before it parks: under load the answer is there by then, and a yield costs
 * a fraction of a park with a time limit.
 */
final class PendingCall<R> implements Consumer<R> {
    private static final VarHandle OUTCOME;

    static {
        try {
            OUTCOME = MethodHandles.lookup().findVarHandle(PendingCall.class, "outcome", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The answer, boxed so that it differs from a failure; an answer may be null. */
    private record Answer(@Nullable Object value) {}

    /** Times that a caller lets others run before it parks. */
    private static final int YIELDS = 8;

    private record Failure(String message, @Nullable Throwable cause) {}

    private final Kernel kernel;
    private final Thread caller = Thread.currentThread();
    private volatile @Nullable Object outcome;
    private volatile boolean parking;

    /** Neighbours in {@link PendingCalls}, which guards them. */
    @Nullable
    PendingCall<?> next;

    @Nullable
    PendingCall<?> previous;

    PendingCall(Kernel kernel) {
        this.kernel = kernel;
    }

    long callerId() {
        return caller.threadId();
    }

    @Override
    public void accept(R value) {
        if (!settle(new Answer(value))) {
            kernel.meters().lateReplies.inc();
        }
    }

    boolean fail(String message, @Nullable Throwable cause) {
        return settle(new Failure(message, cause));
    }

    private boolean settle(Object what) {
        if (outcome == null && OUTCOME.compareAndSet(this, null, what)) {
            if (parking) {
                LockSupport.unpark(caller);
            }
            return true;
        }
        return false;
    }

    @SuppressWarnings({"unchecked", "NullAway"})
    R await(ChildNode process, Duration timeout) {
        for (int i = 0; i < YIELDS && outcome == null && caller.isVirtual(); i++) {
            Thread.yield();
        }
        try {
            parking = true;
            if (outcome == null && !kernel.wheelTimers().await(() -> outcome != null, timeout)) {
                fail("process " + process.path() + " did not answer within " + timeout, null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail("interrupted while waiting for process " + process.path(), e);
        }
        if (outcome instanceof Answer answer) {
            return (R) answer.value;
        }
        if (outcome instanceof Failure failure) {
            throw new CallException(failure.message, failure.cause);
        }
        throw new IllegalStateException("a settled call has neither answer nor failure");
    }
}
