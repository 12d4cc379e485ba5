package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Required;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A window of time that comes again and again. */
@Description(
        "A window of time that comes again and again: it opens by a cron expression and stays open for the duration.")
public record TimeWindow(
        @Required
        @Length(min = 1, max = 256)
        @Description(
                "When it opens: five cron fields (minute hour day-of-month month day-of-week), such as 0 2 * * SUN.")
        String cron,

        @Required @Description("How long it stays open, such as 2h.")
        Duration duration,

        @Default("\"UTC\"") @Description("The time zone of the cron expression, such as Europe/Berlin.") @Nullable
        String timeZone,

        @Length(max = 1024) @Description("Why, for those who read it.") @Nullable
        String reason) {}
