package dev.coppice.kernel;

/** How a task ended. */
public sealed interface TaskOutcome<T> {
    /** It gave a value. */
    record Done<T>(T value) implements TaskOutcome<T> {}

    /** It threw ({@link ExitReason.Crash}), was killed, or was stopped. */
    record Failed<T>(ExitReason reason) implements TaskOutcome<T> {}
}
