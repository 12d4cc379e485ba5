package dev.coppice.gateway.cache;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Points in time as HTTP writes them (RFC 9110, 5.6.7), in seconds since 1970. Pure functions. */
public final class HttpDate {
    private static final List<String> MONTHS =
            List.of("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec");
    private static final String TIME = "(\\d\\d):(\\d\\d):(\\d\\d)";
    private static final int MOST_CHARACTERS = 40;

    private static final Pattern FIXED =
            Pattern.compile("(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\\d\\d) ([A-Z][a-z]{2}) (\\d{4}) " + TIME + " GMT");
    private static final Pattern RFC_850 = Pattern.compile(
            "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d\\d)-([A-Z][a-z]{2})-(\\d\\d) " + TIME + " GMT");
    private static final Pattern ASCTIME =
            Pattern.compile("(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \\d]\\d) " + TIME + " (\\d{4})");

    private static final DateTimeFormatter FORMAT = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);

    private HttpDate() {}

    /**
     * Reads one, in any of the three forms.
     *
     * @param nowSeconds for years of two digits
     * @return null: it is none
     */
    public static @Nullable Long read(@Nullable String text, long nowSeconds) {
        if (text == null || text.length() > MOST_CHARACTERS) {
            return null;
        }
        Matcher fixed = FIXED.matcher(text);
        if (fixed.matches()) {
            return seconds(number(fixed, 3), fixed.group(2), number(fixed, 1), fixed, 4);
        }
        Matcher old = RFC_850.matcher(text);
        if (old.matches()) {
            int now = Instant.ofEpochSecond(nowSeconds).atOffset(ZoneOffset.UTC).getYear();
            int year = now - now % 100 + number(old, 3);
            return seconds(year > now + 50 ? year - 100 : year, old.group(2), number(old, 1), old, 4);
        }
        Matcher c = ASCTIME.matcher(text);
        return c.matches() ? seconds(number(c, 6), c.group(1), number(c, 2), c, 3) : null;
    }

    private static int number(Matcher in, int group) {
        return Integer.parseInt(in.group(group).strip());
    }

    private static @Nullable Long seconds(int year, String month, int day, Matcher time, int group) {
        // A leap second counts as the one before it.
        int second = Math.min(number(time, group + 2), 59);
        try {
            return LocalDateTime.of(
                            year, MONTHS.indexOf(month) + 1, day, number(time, group), number(time, group + 1), second)
                    .toEpochSecond(ZoneOffset.UTC);
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** As it is sent. */
    public static String text(long seconds) {
        return FORMAT.format(Instant.ofEpochSecond(seconds));
    }
}
