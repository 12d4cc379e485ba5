package dev.coppice.kernel;

/** Why a process ended. */
public sealed interface ExitReason {
    /** It ended by itself, as meant. */
    record Normal() implements ExitReason {}

    /** Its supervisor stopped it. */
    record Shutdown() implements ExitReason {}

    /** It was killed, without a chance to clean up. */
    record Killed() implements ExitReason {}

    /** It never was, or no longer is (the reason in a DOWN for a dead process). */
    record NoProcess() implements ExitReason {}

    /** Its node cannot be reached any more: it may live on there (the reason in a DOWN, and of links, over nodes). */
    record NoConnection() implements ExitReason {}

    /** It threw. */
    record Crash(Throwable cause) implements ExitReason {}
}
