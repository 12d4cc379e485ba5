package dev.coppice.schema;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Durations as Go and Kubernetes write them: {@code 1h30m0s}, {@code 300ms}. Pure functions. */
public final class GoDuration {
    private static final Map<String, Long> NANOS = Map.of(
            "ns", 1L,
            "us", 1_000L,
            "µs", 1_000L,
            "μs", 1_000L,
            "ms", 1_000_000L,
            "s", 1_000_000_000L,
            "m", 60_000_000_000L,
            "h", 3_600_000_000_000L);
    private static final BigDecimal MAX = BigDecimal.valueOf(Long.MAX_VALUE);

    private GoDuration() {}

    /** Reads a duration, as Go's time.ParseDuration; null when it is none. */
    public static @Nullable Duration parse(String text) {
        boolean negative = text.startsWith("-");
        String rest = negative || text.startsWith("+") ? text.substring(1) : text;
        if (rest.equals("0")) {
            return Duration.ZERO;
        }
        if (rest.isEmpty() || rest.length() > 64) {
            return null;
        }
        BigDecimal nanos = BigDecimal.ZERO;
        while (!rest.isEmpty()) {
            int number = span(rest, 0, true);
            int end = span(rest, number, false);
            String digits = rest.substring(0, number);
            Long unit = NANOS.get(rest.substring(number, end));
            if (unit == null || !digits.matches("\\d+\\.?\\d*|\\.\\d+")) {
                return null;
            }
            nanos = nanos.add(
                    new BigDecimal(digits.endsWith(".") ? digits + "0" : digits).multiply(BigDecimal.valueOf(unit)));
            rest = rest.substring(end);
        }
        if (nanos.compareTo(MAX) > 0) {
            return null;
        }
        Duration duration =
                Duration.ofNanos(nanos.setScale(0, RoundingMode.DOWN).longValue());
        return negative ? duration.negated() : duration;
    }

    private static int span(String text, int from, boolean number) {
        int at = from;
        while (at < text.length() && (Character.isDigit(text.charAt(at)) || text.charAt(at) == '.') == number) {
            at++;
        }
        return at;
    }

    /** Writes a duration, as Go's Duration.String: {@code 30s}, {@code 1h30m0s}, {@code 1.5s}, {@code 0s}. */
    public static String format(Duration duration) {
        if (duration.isNegative()) {
            return "-" + format(duration.negated());
        }
        if (duration.isZero()) {
            return "0s";
        }
        if (duration.compareTo(Duration.ofSeconds(1)) < 0) {
            long nanos = duration.toNanos();
            String unit = nanos < 1_000 ? "ns" : nanos < 1_000_000 ? "µs" : "ms";
            long size = nanos < 1_000 ? 1 : nanos < 1_000_000 ? 1_000 : 1_000_000;
            return decimal(BigDecimal.valueOf(nanos).divide(BigDecimal.valueOf(size))) + unit;
        }
        long hours = duration.toHours();
        StringBuilder out = new StringBuilder();
        if (hours > 0) {
            out.append(hours).append('h');
        }
        if (duration.toMinutes() > 0) {
            out.append(duration.toMinutesPart()).append('m');
        }
        BigDecimal seconds =
                BigDecimal.valueOf(duration.toSecondsPart()).add(BigDecimal.valueOf(duration.toNanosPart(), 9));
        return out.append(decimal(seconds)).append('s').toString();
    }

    private static String decimal(BigDecimal value) {
        return value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
    }
}
