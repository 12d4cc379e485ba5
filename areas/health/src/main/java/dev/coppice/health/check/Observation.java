package dev.coppice.health.check;

/**
 * The outcome of one check, after its retries.
 *
 * @param health what it says about the target
 * @param message the error or remark in words; empty when there is none
 */
public record Observation(Health health, String message) {
    public static final Observation UP = new Observation(Health.UP, "");

    /** What checks say about a target. */
    public enum Health {
        UNKNOWN,
        UP,
        DEGRADED,
        DOWN
    }
}
