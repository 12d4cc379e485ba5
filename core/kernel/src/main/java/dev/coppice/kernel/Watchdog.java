package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
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

    /** Something that may be stuck. */
    interface Watched {
        String watchedName();

        /** A number that changes with every message. */
        long watchedProgress();

        @Nullable
        Thread watchedThread();
    }

    private static final class Look {
        private volatile long progress = -1;
        private volatile long sinceNanos;
        private volatile boolean reported;
    }

    private final Map<Watched, Look> busy = new ConcurrentHashMap<>();
    private final Kernel kernel;
    private volatile boolean running;

    Watchdog(Kernel kernel) {
        this.kernel = kernel;
    }

    void enter(Watched watched) {
        busy.put(watched, new Look());
        if (!running) {
            startBeating();
        }
    }

    void leave(Watched watched) {
        busy.remove(watched);
    }

    private synchronized void startBeating() {
        if (!running && !kernel.heapTimers().isSimulated()) {
            running = true;
            kernel.timers().schedule(BEAT, this::beat);
        }
    }

    private void beat() {
        long now = System.nanoTime();
        busy.forEach((watched, look) -> {
            long progress = watched.watchedProgress();
            if (progress != look.progress) {
                look.progress = progress;
                look.sinceNanos = now;
                look.reported = false;
            } else if (!look.reported && now - look.sinceNanos >= SLOW_NANOS) {
                look.reported = true;
                report(watched, Duration.ofNanos(now - look.sinceNanos));
            }
        });
        if (busy.isEmpty()) {
            running = false;
            if (busy.isEmpty()) {
                return;
            }
            running = true;
        }
        kernel.timers().schedule(BEAT, this::beat);
    }

    private void report(Watched watched, Duration duration) {
        StringBuilder stack = new StringBuilder();
        Thread thread = watched.watchedThread();
        if (thread != null) {
            StackTraceElement[] trace = thread.getStackTrace();
            for (int i = 0; i < Math.min(trace.length, STACK_LINES); i++) {
                stack.append("\n    at ").append(trace[i]);
            }
        }
        kernel.meters().handlersSlow.inc();
        LOG.log(Level.WARNING, "{0} has been in one callback for {1}{2}", watched.watchedName(), duration, stack);
        Thread.ofVirtual()
                .start(() -> kernel.telemetry()
                        .emit(new Telemetry.Event(
                                "kernel.handler.slow",
                                Map.of("duration_seconds", duration.toMillis() / 1000.0),
                                Map.of("path", watched.watchedName(), "stack", stack.toString()))));
    }
}
