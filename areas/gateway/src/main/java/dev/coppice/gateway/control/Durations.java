package dev.coppice.gateway.control;

import dev.coppice.schema.GoDuration;
import java.time.Duration;

/** Reads time spans that policies give. Pure functions. */
final class Durations {
    private Durations() {}

    /**
     * A time span.
     *
     * @param field where it stands, for the message
     */
    static Duration read(String field, String text) throws InvalidPolicyException {
        Duration duration = GoDuration.parse(text);
        if (duration == null) {
            throw new InvalidPolicyException(field + ": " + text + " is no duration; expected such as 1s or 1h30m");
        }
        return duration;
    }

    /** A time span in nanoseconds. */
    static long nanos(String field, String text) throws InvalidPolicyException {
        return read(field, text).toNanos();
    }
}
