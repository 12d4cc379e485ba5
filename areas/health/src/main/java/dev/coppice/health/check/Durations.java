package dev.coppice.health.check;

import java.time.Duration;
import java.util.Locale;

/** Writes durations for people, as Go writes them. */
public final class Durations {
    private Durations() {}

    /** Such as {@code 1h30m}, {@code 5s}, {@code 12ms}, {@code 350µs}; three digits at most below a minute. */
    public static String text(Duration duration) {
        if (duration.isNegative()) {
            return "-" + text(duration.negated());
        }
        long micros = duration.toNanos() / 1000;
        if (micros == 0) {
            return "0s";
        } else if (micros < 1000) {
            return micros + "µs";
        } else if (micros < 1_000_000) {
            return digits(micros / 1000.0) + "ms";
        } else if (micros < 60_000_000) {
            return digits(micros / 1_000_000.0) + "s";
        }
        StringBuilder text = new StringBuilder();
        part(text, duration.toDays(), "d");
        part(text, duration.toHoursPart(), "h");
        part(text, duration.toMinutesPart(), "m");
        part(text, duration.toSecondsPart(), "s");
        return text.toString();
    }

    private static void part(StringBuilder text, long value, String unit) {
        if (value > 0) {
            text.append(value).append(unit);
        }
    }

    private static String digits(double value) {
        String text = String.format(Locale.ROOT, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
        return text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text;
    }
}
