package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Keeps parts of pages fresh: renders again when woken, or after a while, and sends what changed. Bounded in number; one
 * more is answered with a 503, and the browser tries again. Safe for use by many threads.
 */
public final class LiveStreams {
    private static final int MAX_STREAMS = 256;
    private static final Duration SETTLE = Duration.ofMillis(250);

    private final Kernel kernel;
    private final PageLayout layout;
    private final Semaphore permits = new Semaphore(MAX_STREAMS);

    LiveStreams(Kernel kernel, PageLayout layout) {
        this.kernel = kernel;
        this.layout = layout;
    }

    /** How many there are now. */
    public int open() {
        return MAX_STREAMS - permits.availablePermits();
    }

    /** Tells a stream that there may be something new. */
    public static final class Wake {
        private final Semaphore signal = new Semaphore(0);

        public void up() {
            signal.release();
        }

        private boolean await(Duration atMost) throws InterruptedException {
            boolean woken = signal.tryAcquire(atMost.toMillis(), TimeUnit.MILLISECONDS);
            signal.drainPermits();
            return woken;
        }
    }

    /**
     * Runs until the client goes.
     *
     * @param every renders after this time even when nothing wakes it
     * @param allowed whether the client may (still) see it; asked before each rendering
     */
    public void run(
            Exchange exchange,
            String event,
            Wake wake,
            Duration every,
            BooleanSupplier allowed,
            Supplier<String> render)
            throws Exception {
        run(exchange, wake, every, allowed, () -> Map.of(event, render.get()));
    }

    /**
     * Runs until the client goes, with several parts of a page that change apart from each other.
     *
     * @param render gives each part by the name of its event; only those that changed are sent
     */
    public void run(
            Exchange exchange, Wake wake, Duration every, BooleanSupplier allowed, Supplier<Map<String, String>> render)
            throws Exception {
        if (!permits.tryAcquire()) {
            exchange.status(503)
                    .setHeader("Retry-After", "5")
                    .send("text/plain; charset=utf-8", "503 too many live pages are open\n");
            return;
        }
        exchange.onClose(wake::up);
        try (PageLayout.EventStream events = layout.events(exchange)) {
            Map<String, String> last = new HashMap<>();
            while (events.open() && allowed.getAsBoolean()) {
                for (Map.Entry<String, String> part : render.get().entrySet()) {
                    if (!part.getValue().equals(last.put(part.getKey(), part.getValue()))) {
                        events.send(part.getKey(), part.getValue());
                    }
                }
                if (wake.await(every) && events.open()) {
                    kernel.timers().sleep(SETTLE);
                }
            }
        } finally {
            permits.release();
        }
    }
}
