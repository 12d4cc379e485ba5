package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Lets one through per pause, on the kernel's clock. */
final class Pacer {
    private final Kernel kernel;
    private final @Nullable Duration pause;
    private long nextNanos;

    Pacer(Kernel kernel, @Nullable Duration pause) {
        this.kernel = kernel;
        this.pause = pause;
        this.nextNanos = kernel.clock().nanoTime();
    }

    void await() throws InterruptedException {
        if (pause == null) {
            return;
        }
        long wait;
        synchronized (this) {
            long now = kernel.clock().nanoTime();
            long turn = Math.max(now, nextNanos);
            nextNanos = turn + pause.toNanos();
            wait = turn - now;
        }
        if (wait > 0) {
            kernel.timers().sleep(Duration.ofNanos(wait));
        }
    }
}
