package dev.coppice.kernel;

import java.time.Duration;
import java.util.function.Function;

/** What a process sees of itself and of the kernel; valid inside its callbacks only. */
public interface ProcessContext<M> {

    /** Its own address, to give to others. */
    ProcessRef<M> self();

    /** The kernel it runs in. */
    Kernel kernel();

    /** Sends itself a message later; the timer dies with the process. */
    Timers.Timer sendAfter(Duration delay, M message);

    /**
     * Handles this message next, before any other mail (OTP: continue). One per callback; a second one throws
     * IllegalStateException.
     */
    void continueWith(M message);

    /** Monitors another process: its end comes as mail, exactly once, never dropped by a full mailbox. */
    Monitor monitor(ProcessRef<?> other, Function<Down, M> message);

    /**
     * Links with another process, both ways: when one ends abnormally, the other ends with the same reason. Linking with a dead
     * process is an exit signal with {@link ExitReason.NoProcess}.
     */
    void link(ProcessRef<?> other);

    /** Ends a link, both ways; does nothing when there is none. */
    void unlink(ProcessRef<?> other);

    /** From now on exit signals come as mail; except a kill, and stops by the supervisor. */
    void trapExits(Function<ExitSignal, M> message);

    /** Ends the process normally after this callback. */
    void stop();
}
