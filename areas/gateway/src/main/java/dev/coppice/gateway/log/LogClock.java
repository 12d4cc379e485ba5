package dev.coppice.gateway.log;

import dev.coppice.kernel.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The time as lines have it. What is the same for a whole second is made once. For one thread. */
public final class LogClock {
    private static final DateTimeFormatter APACHE = DateTimeFormatter.ofPattern(
                    "dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH)
            .withZone(ZoneOffset.UTC);

    private final Clock clock;
    private long second = Long.MIN_VALUE;
    private String iso = "";
    private String apache = "";
    private int millis;

    public LogClock(Clock clock) {
        this.clock = clock;
    }

    private void look() {
        Instant now = clock.now();
        if (now.getEpochSecond() != second) {
            second = now.getEpochSecond();
            Instant whole = Instant.ofEpochSecond(second);
            String text = whole.toString();
            iso = text.substring(0, text.length() - 1);
            apache = APACHE.format(whole);
        }
        millis = now.getNano() / 1_000_000;
    }

    /** As RFC 3339 has it, in UTC, to the millisecond. */
    void iso(StringBuilder to) {
        look();
        to.append(iso).append('.');
        to.append((char) ('0' + millis / 100));
        to.append((char) ('0' + millis / 10 % 10));
        to.append((char) ('0' + millis % 10)).append('Z');
    }

    /** As Apache's common format has it, without brackets. */
    void apache(StringBuilder to) {
        look();
        to.append(apache);
    }
}
