package dev.coppice.health.check;

import dev.coppice.health.check.Observation.Health;
import dev.coppice.health.series.Sample;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads attempts as observations for the machine and as samples for the series. */
final class Results {
    private Results() {}

    /** The attempt of a check that looked at nothing itself; null while nothing can be said. */
    static @Nullable Attempt attempt(Observation observation) {
        return observation.health() == Health.UNKNOWN
                ? null
                : new Attempt(
                        observation.health() != Health.DOWN,
                        observation.health() == Health.DEGRADED,
                        observation.message(),
                        null,
                        null,
                        0,
                        null,
                        Map.of());
    }

    /** What an attempt says about the health of the target. */
    static Observation observation(CheckPlan plan, Attempt attempt) {
        if (!attempt.success()) {
            return new Observation(Health.DOWN, attempt.message());
        }
        Duration slow = plan.spec().degradedAfter();
        Duration latency = attempt.latency();
        if (slow != null && latency != null && latency.compareTo(slow) > 0) {
            return new Observation(
                    Health.DEGRADED, "took " + Durations.text(latency) + ", more than " + Durations.text(slow));
        }
        return attempt.degraded() ? new Observation(Health.DEGRADED, attempt.message()) : Observation.UP;
    }

    /** The sample that is kept of an attempt, after the machine took it in. */
    static Sample sample(CheckEntry entry, Attempt attempt, Instant now) {
        Sample.Outcome outcome = switch (entry.machine.state()) {
            case State.Maintenance ignored -> Sample.Outcome.MAINTENANCE;
            case State.Suppressed ignored -> Sample.Outcome.SUPPRESSED;
            case State.Degraded ignored when attempt.success() -> Sample.Outcome.DEGRADED;
            case State.Unknown ignored -> plain(attempt);
            case State.Up ignored -> plain(attempt);
            case State.Degraded ignored -> plain(attempt);
            case State.Down ignored -> plain(attempt);
            case State.Paused ignored -> plain(attempt);
        };
        return new Sample(
                entry.number,
                now.toEpochMilli(),
                outcome,
                attempt.code(),
                micros(attempt.latency()),
                micros(attempt.connect()));
    }

    private static Sample.Outcome plain(Attempt attempt) {
        return attempt.success() ? Sample.Outcome.UP : Sample.Outcome.DOWN;
    }

    private static int micros(@Nullable Duration duration) {
        return duration == null ? -1 : (int) Math.min(Integer.MAX_VALUE, duration.toNanos() / 1000);
    }
}
