package dev.coppice.serving;

import dev.coppice.kernel.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The Date header (RFC 9110 section 5.6.7), formatted once a second. */
final class HttpDate {
    private static final DateTimeFormatter FORMAT = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    private static volatile Formatted last = new Formatted(Long.MIN_VALUE, "");

    private record Formatted(long second, String text) {}

    private HttpDate() {}

    static String of(Clock clock) {
        Instant now = clock.now();
        Formatted current = last;
        if (current.second != now.getEpochSecond()) {
            current = new Formatted(now.getEpochSecond(), FORMAT.format(now));
            last = current;
        }
        return current.text;
    }
}
