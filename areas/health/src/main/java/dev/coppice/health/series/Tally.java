package dev.coppice.health.series;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How many results there were of each sort.
 *
 * @param excluded suppressed or in maintenance
 */
public record Tally(long up, long degraded, long down, long excluded) {
    public static final Tally NONE = new Tally(0, 0, 0, 0);

    public Tally plus(Tally other) {
        return new Tally(up + other.up, degraded + other.degraded, down + other.down, excluded + other.excluded);
    }

    public Tally plus(Sample.Outcome outcome) {
        return switch (outcome) {
            case UP -> new Tally(up + 1, degraded, down, excluded);
            case DEGRADED -> new Tally(up, degraded + 1, down, excluded);
            case DOWN -> new Tally(up, degraded, down + 1, excluded);
            case SUPPRESSED, MAINTENANCE -> new Tally(up, degraded, down, excluded + 1);
        };
    }

    public long total() {
        return up + degraded + down + excluded;
    }

    /** The share of successes, 0 to 1, among results that count; NaN when there are none. */
    public double uptime() {
        long counted = up + degraded + down;
        return counted == 0 ? Double.NaN : (double) (up + degraded) / counted;
    }

    /** The uptime such as 99.95%, rounded down, so that only a clean record is 100%; null when nothing counts. */
    public @Nullable String percent() {
        double share = uptime();
        if (Double.isNaN(share)) {
            return null;
        }
        double floored = Math.floor(share * 10_000 + 1e-9) / 100;
        return floored == 100 ? "100%" : String.format(Locale.ROOT, "%.2f%%", floored);
    }
}
