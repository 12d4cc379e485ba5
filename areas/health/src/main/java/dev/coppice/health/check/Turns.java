package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** Spreads the runs of checks evenly over their intervals. */
record Turns(Clock clock, RandomGenerator random) {

    /** Time until a check's next turn: turns are spread over the interval by a hash of the name. */
    Duration until(CheckPlan plan) {
        long interval = Math.max(1, plan.interval().toMillis());
        long phase = Math.floorMod(spread(plan.key()), interval);
        long since = Math.floorMod(clock.currentTimeMillis() - phase, interval);
        long jitter = plan.jitter().toMillis();
        return Duration.ofMillis(interval - since + (jitter > 0 ? random.nextLong(jitter + 1) : 0));
    }

    private static long spread(Key key) {
        long hash = 1125899906842597L;
        String text = key.toString();
        for (int i = 0; i < text.length(); i++) {
            hash = 31 * hash + text.charAt(i);
        }
        hash ^= hash >>> 33;
        hash *= 0xff51afd7ed558ccdL;
        return hash ^ hash >>> 33;
    }
}
