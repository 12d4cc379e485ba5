package dev.coppice.kernel;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells apart who computes and who waits: looks at the threads of the busy twenty times a second, while somebody wants to
 * know and ten seconds longer. (The JVM counts no CPU time of virtual threads.) Safe for many threads.
 */
final class Sampler {
    /** Children that are sampled at a time; of others one look tells. */
    static final int MAX_CHILDREN = 1_000;

    private static final Duration BEAT = Duration.ofMillis(50);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** Looks after which old ones count half: three seconds' worth, so that a share tells of lately. */
    private static final int ENOUGH = 60;

    /** How often a thread was seen, and how often it computed, or could have. Old looks fade. */
    private static final class Counts {
        private int seen;
        private int running;
        private long wantedNanos;

        private synchronized void look(Supervisor.Child child) {
            child.thread().ifPresent(thread -> {
                seen++;
                if (thread.getState() == Thread.State.RUNNABLE) {
                    running++;
                }
                if (seen >= ENOUGH) {
                    seen /= 2;
                    running /= 2;
                }
            });
        }

        private synchronized double share(long nowNanos) {
            wantedNanos = nowNanos;
            return seen == 0 ? 1 : (double) running / seen;
        }

        private synchronized boolean forgotten(long nowNanos) {
            return nowNanos - wantedNanos > PATIENCE_NANOS;
        }
    }

    private final Kernel kernel;
    private final Map<Supervisor.Child, Counts> counts = new ConcurrentHashMap<>();
    private final AtomicBoolean beating = new AtomicBoolean();

    Sampler(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Which share, 0 to 1, of its busy time a child computed lately; 1 where it was never seen. */
    double computing(Supervisor.Child child) {
        Counts known = counts.get(child);
        if (known == null) {
            known = new Counts();
            known.look(child);
            if (counts.size() < MAX_CHILDREN) {
                counts.put(child, known);
            }
        }
        double share = known.share(System.nanoTime());
        boolean real = !kernel.wheelTimers().isSimulated(); // threads run on real time only
        if (real && !counts.isEmpty() && beating.compareAndSet(false, true)) {
            kernel.timers().schedule(BEAT, this::beat);
        }
        return share;
    }

    private void beat() {
        long now = System.nanoTime();
        counts.values().removeIf(each -> each.forgotten(now));
        if (counts.isEmpty()) {
            beating.set(false);
            return;
        }
        counts.forEach((child, each) -> each.look(child));
        kernel.timers().schedule(BEAT, this::beat);
    }

    int size() {
        return counts.size();
    }
}
