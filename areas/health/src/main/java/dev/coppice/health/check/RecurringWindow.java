package dev.coppice.health.check;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A window of time that opens by a cron expression (five fields, as crontab(5)) in a time zone and stays open for a
 * duration. Remembers until when its last answer holds, so asking is cheap. Safe for use by many threads.
 */
public final class RecurringWindow {
    private static final Duration LONGEST = Duration.ofDays(31);

    private final ExecutionTime times;
    private final ZoneId zone;
    private final Duration duration;
    private final String reason;
    private volatile @Nullable Answer last;

    private record Answer(Instant from, Instant to, boolean open) {}

    private RecurringWindow(ExecutionTime times, ZoneId zone, Duration duration, String reason) {
        this.times = times;
        this.zone = zone;
        this.duration = duration;
        this.reason = reason;
    }

    /**
     * Compiles a window.
     *
     * @param field where it stands, for errors
     * @throws IllegalArgumentException in words for the user
     */
    public static RecurringWindow compile(
            String field, String cron, Duration duration, @Nullable String timeZone, @Nullable String reason) {
        if (duration.isNegative() || duration.isZero() || duration.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    field + ".duration: expected more than 0s and at most 744h, not " + duration.toSeconds() + "s");
        }
        ZoneId zone;
        try {
            zone = ZoneId.of(timeZone == null ? "UTC" : timeZone);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(
                    field + ".timeZone: \"" + timeZone + "\" is no time zone; give one such as UTC or Europe/Berlin",
                    e);
        }
        try {
            var parser = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));
            return new RecurringWindow(
                    ExecutionTime.forCron(parser.parse(cron).validate()), zone, duration, reason == null ? "" : reason);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    field + ".cron: \"" + cron + "\" is no cron expression (" + e.getMessage()
                            + "); give five fields: minute hour day-of-month month day-of-week, such as \"0 2 * * 7\"",
                    e);
        }
    }

    public String reason() {
        return reason;
    }

    /** Whether the window is open at the time. */
    public boolean open(Instant at) {
        Answer known = last;
        if (known == null || at.isBefore(known.from()) || !at.isBefore(known.to())) {
            known = ask(at);
            last = known;
        }
        return known.open();
    }

    private Answer ask(Instant at) {
        ZonedDateTime moment = at.atZone(zone);
        Optional<ZonedDateTime> opened = times.lastExecution(moment.plusSeconds(1));
        if (opened.isPresent() && opened.get().isAfter(moment)) {
            opened = times.lastExecution(moment);
        }
        Instant next = times.nextExecution(moment).map(ZonedDateTime::toInstant).orElse(Instant.MAX);
        if (opened.isPresent() && at.isBefore(opened.get().toInstant().plus(duration))) {
            Instant closes = opened.get().toInstant().plus(duration);
            return new Answer(at, closes.isBefore(next) ? closes : next, true);
        }
        return new Answer(at, next, false);
    }
}
