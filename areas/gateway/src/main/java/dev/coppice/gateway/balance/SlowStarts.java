package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig.SlowStart;

/** How much of its share an endpoint has some time after it came or recovered. Pure functions. */
public final class SlowStarts {
    private SlowStarts() {}

    /**
     * Its part of the whole share, up to 1.
     *
     * @param ageNanos since it came or recovered
     */
    public static double part(SlowStart slow, long ageNanos) {
        if (ageNanos >= slow.windowNanos()) {
            return 1;
        }
        double time = Math.max(0, (double) ageNanos / slow.windowNanos());
        return Math.max(slow.minWeight(), Math.pow(time, 1 / slow.aggression()));
    }
}
