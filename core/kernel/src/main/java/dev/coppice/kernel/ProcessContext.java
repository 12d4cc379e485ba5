package dev.coppice.kernel;

import java.time.Duration;

/** What a process sees of itself and of the kernel; valid inside its callbacks only. */
public interface ProcessContext<M> {

    ProcessRef<M> self();

    Kernel kernel();

    /** Sends itself a message later; the timer dies with the process. */
    Timers.Timer sendAfter(Duration delay, M message);

    /** Ends the process normally after this callback. */
    void stop();
}
