package dev.coppice.health.check;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one try of a check found.
 *
 * @param success whether the target did as expected
 * @param message the error in words; empty on success
 * @param latency how long it took; null when that has no meaning
 * @param connect until the connection stood; null when there is none
 * @param code a status code, exit code or the like; 0 when there is none
 * @param certificateExpiry when the first certificate of the chain ends
 * @param facts more about it, for people: names and values, in order, without secrets
 */
public record Attempt(
        boolean success,
        boolean degraded,
        String message,
        @Nullable Duration latency,
        @Nullable Duration connect,
        int code,
        @Nullable Instant certificateExpiry,
        Map<String, String> facts) {

    /** A success that took so long. */
    public static Attempt success(Duration latency) {
        return new Attempt(true, false, "", latency, null, 0, null, Map.of());
    }

    /** A failure. */
    public static Attempt failure(String message, @Nullable Duration latency) {
        return new Attempt(false, false, message, latency, null, 0, null, Map.of());
    }
}
