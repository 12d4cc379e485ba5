package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.closure.ReadIndexClosure;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks the leader how far it is committed, which it answers once a majority has confirmed that it still leads, and waits until
 * that is applied here (Raft's read index). Asks again while leaders change. Safe for use by many threads.
 */
final class ReadBarrier {

    private static final int IDLE = 0;
    private static final int ASKING = 1;
    private static final int AGAIN = 2;

    private static final Duration PAUSE = Duration.ofMillis(10);
    private static final long ATTEMPT_NANOS = Duration.ofSeconds(2).toNanos();

    private final Kernel kernel;
    private final Leaders leaders;
    private final Node node;
    private final AtomicInteger hurrying = new AtomicInteger(IDLE);
    private final Executor threads;
    private final Duration timeout;

    /** Those who wait for the next question; its bound is that of calls on their way. */
    private final Queue<Consumer<@Nullable StoreException>> waiting = new ConcurrentLinkedQueue<>();

    private final AtomicBoolean serving = new AtomicBoolean();

    private final LongAdder slow = new LongAdder();
    private final LongAdder failed = new LongAdder();

    /** @param threads may wait */
    ReadBarrier(Kernel kernel, Leaders leaders, Node node, Executor threads, Duration timeout) {
        this.threads = threads;
        this.timeout = timeout;
        this.kernel = kernel;
        this.leaders = leaders;
        this.node = node;
    }

    /** How often the leader's answer took too long, so that it was asked again. */
    long slow() {
        return slow.sum();
    }

    /** How often it was given up to wait for the leader's answer. */
    long failed() {
        return failed.sum();
    }

    private static final class Asked extends ReadIndexClosure {
        private final CompletableFuture<Boolean> done = new CompletableFuture<>();

        @Override
        public void run(Status status, long index, byte[] context) {
            done.complete(status.isOk());
        }
    }

    /** Tells when it is reached, or why it is not; all who come while the leader is being asked share the next question. */
    void reach(Consumer<@Nullable StoreException> reached) {
        waiting.add(reached);
        serve();
    }

    private void serve() {
        if (waiting.isEmpty() || !serving.compareAndSet(false, true)) {
            return;
        }
        try {
            threads.execute(this::askForAll);
        } catch (RejectedExecutionException e) {
            serving.set(false);
            tell(taken(), Errors.stopped());
        }
    }

    private List<Consumer<@Nullable StoreException>> taken() {
        List<Consumer<@Nullable StoreException>> all = new ArrayList<>();
        for (var each = waiting.poll(); each != null; each = waiting.poll()) {
            all.add(each);
        }
        return all;
    }

    private void askForAll() {
        List<Consumer<@Nullable StoreException>> all = taken();
        StoreException error = null;
        try {
            if (!all.isEmpty()) {
                await(kernel.clock().nanoTime() + timeout.toNanos());
            }
        } catch (StoreException e) {
            error = e;
        } finally {
            serving.set(false);
        }
        serve();
        tell(all, error);
    }

    private static void tell(List<Consumer<@Nullable StoreException>> all, @Nullable StoreException error) {
        all.forEach(each -> each.accept(error));
    }

    /** @param endNanos of the kernel's clock; fails with etcd's errors for no leader, or for no answer by then */
    void await(long endNanos) {
        while (true) {
            var unused = leaders.await();
            long left = endNanos - kernel.clock().nanoTime();
            if (left <= 0) {
                failed.increment();
                throw Errors.timeout();
            }
            try {
                Asked asked = new Asked();
                node.readIndex(new byte[0], asked);
                if (asked.done.get(Math.min(left, ATTEMPT_NANOS), TimeUnit.NANOSECONDS)) {
                    return;
                }
                kernel.timers().sleep(PAUSE);
            } catch (TimeoutException | ExecutionException e) {
                slow.increment();
                if (leaders.given()) {
                    throw Errors.noLeader();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Errors.stopped();
            } catch (IllegalStateException e) {
                throw Errors.stopped();
            }
        }
    }

    /** Makes the leader tell soon how far it is committed; many calls share one question. */
    void hurry() {
        if (hurrying.getAndSet(AGAIN) == IDLE) {
            ask();
        }
    }

    /** Once more when somebody wished for it after the question was asked. */
    private void ask() {
        hurrying.set(ASKING);
        try {
            node.readIndex(new byte[0], new ReadIndexClosure() {
                @Override
                public void run(Status status, long index, byte[] context) {
                    if (!hurrying.compareAndSet(ASKING, IDLE)) {
                        ask();
                    }
                }
            });
        } catch (RuntimeException e) {
            hurrying.set(IDLE);
        }
    }
}
