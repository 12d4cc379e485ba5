package dev.coppice.health.check;

import java.time.Duration;

/**
 * When observations become states.
 *
 * @param failureThreshold failures in a row that make a check Down
 * @param successThreshold successes in a row that make it Up again
 * @param flapChanges changes within {@code flapWindow} that make it flapping; 0 turns that off
 */
public record Rules(int failureThreshold, int successThreshold, int flapChanges, Duration flapWindow) {
    public static final Rules DEFAULT = new Rules(1, 1, 6, Duration.ofMinutes(15));
}
