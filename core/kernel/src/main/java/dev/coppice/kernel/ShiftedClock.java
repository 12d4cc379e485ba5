package dev.coppice.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * The machine's clock, with a time of day that is off by as many milliseconds as a file says: for tests that let a node's
 * clock jump. The file is read again ten times a second; while it is missing or holds no number, the offset stays as it was.
 * Monotonic time is the machine's. Safe for use by many threads.
 */
public final class ShiftedClock implements Clock {
    private static final long LOOK_NANOS = Duration.ofMillis(100).toNanos();

    private final Path file;
    private final Clock machine;
    private volatile long offsetMillis;
    private volatile long lookedNanos;

    public ShiftedClock(Path file) {
        this(file, Clock.system());
    }

    ShiftedClock(Path file, Clock machine) {
        this.file = file;
        this.machine = machine;
        this.lookedNanos = machine.nanoTime();
        look();
    }

    @Override
    public Instant now() {
        long nanos = machine.nanoTime();
        if (nanos - lookedNanos >= LOOK_NANOS) {
            lookedNanos = nanos;
            look();
        }
        return machine.now().plusMillis(offsetMillis);
    }

    private void look() {
        try {
            offsetMillis = Long.parseLong(Files.readString(file).strip());
        } catch (IOException | NumberFormatException e) {
            // It is being written, or nobody has written it yet.
            return;
        }
    }

    @Override
    public long nanoTime() {
        return machine.nanoTime();
    }
}
