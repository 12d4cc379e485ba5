package dev.coppice.kernel.stage;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Counts what is still to be done for one produced message. */
final class Ticket {
    private final Consumer<@Nullable Throwable> settled;
    private int open;
    private @Nullable Throwable failure;

    Ticket(Consumer<@Nullable Throwable> settled) {
        this.settled = settled;
    }

    synchronized void fork() {
        open++;
    }

    void settle(@Nullable Throwable why) {
        Throwable first;
        synchronized (this) {
            if (failure == null) {
                failure = why;
            }
            if (--open > 0) {
                return;
            }
            first = failure;
        }
        settled.accept(first);
    }
}
