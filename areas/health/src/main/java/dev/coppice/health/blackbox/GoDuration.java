package dev.coppice.health.blackbox;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;

/** Durations as Go and Prometheus write them: {@code 1h30m}, {@code 500ms}, {@code 1.5s}, {@code 2d}. */
public final class GoDuration {
    private static final Pattern PART = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,9})?)(ns|us|µs|ms|s|m|h|d|w|y)");
    private static final Map<String, Long> NANOS = Map.of(
            "ns", 1L,
            "us", 1_000L,
            "µs", 1_000L,
            "ms", 1_000_000L,
            "s", 1_000_000_000L,
            "m", 60_000_000_000L,
            "h", 3_600_000_000_000L,
            "d", 86_400_000_000_000L,
            "w", 604_800_000_000_000L,
            "y", 31_536_000_000_000_000L);

    private GoDuration() {}

    /**
     * Reads a duration.
     *
     * @throws IllegalArgumentException in words for the user
     */
    public static Duration parse(String text) {
        var trimmed = text.trim();
        if (trimmed.equals("0")) {
            return Duration.ZERO;
        }
        var matcher = PART.matcher(trimmed);
        var total = BigDecimal.ZERO;
        int end = 0;
        while (matcher.find() && matcher.start() == end) {
            total = total.add(new BigDecimal(matcher.group(1))
                    .multiply(BigDecimal.valueOf(NANOS.getOrDefault(matcher.group(2), 0L))));
            end = matcher.end();
        }
        if (end == 0 || end < trimmed.length() || total.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw new IllegalArgumentException(
                    "expected a duration such as \"30s\" or \"1h30m\", not \"" + text + "\"");
        }
        return Duration.ofNanos(total.longValue());
    }

    /** Writes it as Kubernetes does, without parts that are nothing. */
    public static String format(Duration duration) {
        if (duration.isZero()) {
            return "0s";
        }
        var out = new StringBuilder();
        if (duration.toHours() > 0) {
            out.append(duration.toHours()).append('h');
        }
        if (duration.toMinutesPart() > 0) {
            out.append(duration.toMinutesPart()).append('m');
        }
        if (duration.toSecondsPart() > 0) {
            out.append(duration.toSecondsPart()).append('s');
        }
        if (duration.toMillisPart() > 0) {
            out.append(duration.toMillisPart()).append("ms");
        }
        return out.isEmpty() ? "1ms" : out.toString();
    }
}
