package dev.coppice.gateway.proxy;

import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Does for upstreams what is due from time to time, and what takes too long for an event loop: plans are made anew when health changes, checks
 * are started. Sleeps while there is nothing to do. Safe for use by many threads.
 */
final class Upkeep {
    private static final Duration TICK = Duration.ofMillis(100);

    private final Timers timers;
    private final HealthChecker checker;
    private final Consumer<Throwable> faults;
    private final Semaphore wanted = new Semaphore(0);
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private volatile List<Upstream> upstreams = List.of();

    /** @param faults hears of what should not have happened */
    Upkeep(Timers timers, HealthChecker checker, Consumer<Throwable> faults) {
        this.timers = timers;
        this.faults = faults;
        this.checker = checker;
    }

    /** There are these upstreams from now on. */
    void update(Collection<Upstream> now) {
        upstreams = now.stream().filter(Upstream::tended).toList();
        wake();
    }

    /** Has it look after them soon. */
    void wake() {
        if (wanted.availablePermits() == 0) {
            wanted.release();
        }
    }

    /** A fault with one does not keep the others from being looked after. */
    private boolean tend(Upstream upstream) {
        try {
            return upstream.tend(checker);
        } catch (RuntimeException e) {
            faults.accept(e);
            return true;
        }
    }

    /** Looks after them until it is interrupted. */
    void run() throws InterruptedException {
        // The timer of one that ran before may be lost.
        scheduled.set(false);
        while (true) {
            boolean more = false;
            for (Upstream each : upstreams) {
                more |= tend(each);
            }
            if (more && scheduled.compareAndSet(false, true)) {
                var _ = timers.schedule(TICK, () -> {
                    scheduled.set(false);
                    wake();
                });
            }
            wanted.acquire();
            int _ = wanted.drainPermits();
        }
    }
}
