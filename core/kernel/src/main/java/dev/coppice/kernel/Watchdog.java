package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Finds handlers that run long: looks at the busy processes once a second and reports, once each, those that have been in
 * one callback over two or more looks. It sees real time only; on a simulated clock nothing is late.
 */
final class Watchdog {
    private static final System.Logger LOG = System.getLogger(Watchdog.class.getName());
    static final Duration BEAT = Duration.ofSeconds(1);
    private static final long SLOW_NANOS = Duration.ofSeconds(5).toNanos();
    private static final int STACK_LINES = 30;
    private static final int PLACE_BITS = 10;
    /** Reports of one look, at most. */
    private static final int MAX_REPORTS = 10;

    /** Something that may be stuck. */
    interface Watched {
        String watchedName();

        /** A number that changes with every message. */
        long watchedProgress();

        Thread watchedThread();
    }

    private static final class Look {
        private long progress = -1;
        private long sinceNanos;
        private boolean reported;
    }

    /** The busy ones, each at a place that its thread's number gives: most are busy for a microsecond. */
    private final AtomicReferenceArray<@Nullable Watched> places = new AtomicReferenceArray<>(1 << PLACE_BITS);
    /** Those whose place was taken. */
    private final Set<Watched> crowd = ConcurrentHashMap.newKeySet();
    /** What the last looks saw; used by one look at a time. */
    private final Map<Watched, Look> looks = new HashMap<>();

    private final Kernel kernel;
    private final boolean idle;
    private volatile boolean running;

    Watchdog(Kernel kernel, boolean idle) {
        this.kernel = kernel;
        this.idle = idle;
    }

    void enter(Watched watched) {
        if (idle) {
            return;
        }
        if (!places.compareAndSet(place(watched), null, watched)) {
            crowd.add(watched);
        }
        if (!running) {
            startBeating();
        }
    }

    void leave(Watched watched) {
        if (!idle && !places.compareAndSet(place(watched), watched, null)) {
            crowd.remove(watched);
        }
    }

    private static int place(Watched watched) {
        return (int) watched.watchedThread().threadId() * 0x9E37_79B9 >>> Integer.SIZE - PLACE_BITS;
    }

    private Set<Watched> busy() {
        Set<Watched> all = new HashSet<>(crowd);
        for (int i = 0; i < places.length(); i++) {
            Watched watched = places.get(i);
            if (watched != null) {
                all.add(watched);
            }
        }
        return all;
    }

    private synchronized void startBeating() {
        if (!running) {
            running = true;
            kernel.timers().schedule(BEAT, this::beat);
        }
    }

    private void beat() {
        look(System.nanoTime());
        if (busy().isEmpty()) {
            running = false;
            if (!busy().isEmpty()) {
                startBeating();
            }
            return;
        }
        kernel.timers().schedule(BEAT, this::beat);
    }

    /** Looks at the busy processes once. */
    synchronized void look(long nowNanos) {
        int reports = 0;
        Set<Watched> busy = busy();
        looks.keySet().retainAll(busy);
        for (Watched watched : busy) {
            Look look = looks.computeIfAbsent(watched, w -> new Look());
            long progress = watched.watchedProgress();
            if (progress != look.progress) {
                look.progress = progress;
                look.sinceNanos = nowNanos;
                look.reported = false;
            } else if (!look.reported && nowNanos - look.sinceNanos >= SLOW_NANOS) {
                look.reported = true;
                kernel.meters().handlersSlow.inc();
                if (++reports <= MAX_REPORTS) {
                    report(watched, Duration.ofNanos(nowNanos - look.sinceNanos));
                }
            }
        }
        if (reports > MAX_REPORTS) {
            LOG.log(Level.WARNING, "and {0} more callbacks run for as long", reports - MAX_REPORTS);
        }
    }

    private void report(Watched watched, Duration duration) {
        StringBuilder stack = new StringBuilder();
        StackTraceElement[] trace = watched.watchedThread().getStackTrace();
        for (int i = 0; i < Math.min(trace.length, STACK_LINES); i++) {
            stack.append("\n    at ").append(trace[i]);
        }
        LOG.log(Level.WARNING, "{0} has been in one callback for {1}{2}", watched.watchedName(), duration, stack);
        Thread.ofVirtual()
                .start(() -> kernel.telemetry()
                        .emit(new Telemetry.Event(
                                "kernel.handler.slow",
                                Map.of("duration_seconds", duration.toMillis() / 1000.0),
                                Map.of("path", watched.watchedName(), "stack", stack.toString()))));
    }
}
