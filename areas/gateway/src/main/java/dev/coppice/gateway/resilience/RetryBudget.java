package dev.coppice.gateway.resilience;

import dev.coppice.gateway.config.ResilienceConfig;

/**
 * How many of an upstream's requests may be retries: a share of all requests of the last time, and always some. So a backend that
 * fails as it has too much to do gets a little more to do, and not many times as much. Safe for use by many threads; when several ask at once
 * for what is left, it may refuse all of them, and never gives more than there is.
 *
 * <p>Source: the retry budgets of the Gateway API (GEP-3388) and of Finagle. The window moves by tenths of its length.
 */
public final class RetryBudget {
    private static final int REQUESTS = 0;
    private static final int RETRIES = 1;
    private static final int PERCENT = 100;

    private final int percent;
    private final int least;
    private final long origin;
    private final long stepNanos;
    private final long leastStepNanos;
    private final SlidingCounts counts = new SlidingCounts(2);
    private final SlidingCounts recent = new SlidingCounts(2);
    private final long request = counts.one(REQUESTS);
    private final long retry = counts.one(REQUESTS) + counts.one(RETRIES);

    /** @param origin the time now */
    public RetryBudget(ResilienceConfig.RetryBudget config, long origin) {
        this.percent = config.percent();
        this.least = config.minRetries();
        this.origin = origin;
        this.stepNanos = step(config.intervalNanos());
        this.leastStepNanos = step(config.minIntervalNanos());
    }

    private static long step(long nanos) {
        return Math.max(1, Math.ceilDiv(nanos, SlidingCounts.BUCKETS));
    }

    private long epoch(long now, long step) {
        return Math.max(0, now - origin) / step;
    }

    /** A request is sent for the first time. */
    public void request(long now) {
        counts.add(epoch(now, stepNanos), request);
    }

    /** Asks for one retry, which is counted when it is allowed. */
    public boolean retry(long now) {
        long epoch = epoch(now, stepNanos);
        long recentEpoch = epoch(now, leastStepNanos);
        // Counted before it is looked at: so no two get the last one.
        counts.add(epoch, retry);
        recent.add(recentEpoch, recent.one(0));
        long sums = counts.sums(epoch);
        if ((long) counts.sum(sums, RETRIES) * PERCENT <= (long) counts.sum(sums, REQUESTS) * percent
                || recent.sum(recent.sums(recentEpoch), 0) <= least) {
            return true;
        }
        counts.takeBack(epoch, retry);
        recent.takeBack(recentEpoch, recent.one(0));
        return false;
    }

    /** Requests of the last time, retries included; for people and tests. */
    public int requests(long now) {
        return counts.sum(counts.sums(epoch(now, stepNanos)), REQUESTS);
    }

    /** Retries among those. */
    public int retries(long now) {
        return counts.sum(counts.sums(epoch(now, stepNanos)), RETRIES);
    }
}
