package dev.coppice.health.check;

import dev.coppice.health.kind.HeartbeatTarget;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** When heartbeat checks are overdue. */
final class Heartbeats {
    private Heartbeats() {}

    /** Since when a heartbeat check that was known before a restart waits. */
    static Instant since(Instant now, @Nullable Instant beat, Optional<Machine> known) {
        Instant since = beat != null ? beat : known.map(Machine::since).orElse(now);
        return since.isBefore(now) ? since : now;
    }

    /** What is left until a beat is overdue. A beat that fell into a restart may still come within the grace. */
    static Duration left(CheckEntry entry, Instant now) {
        HeartbeatTarget target = entry.plan.spec().heartbeat();
        Duration grace = target == null || target.grace() == null ? Duration.ofSeconds(10) : target.grace();
        Instant beat = entry.lastBeat;
        Instant from = beat == null || beat.isBefore(entry.registered) ? entry.registered : beat;
        Instant due = from.plus(entry.plan.interval()).plus(grace);
        Instant earliest = entry.known.plus(grace);
        Duration wait = Duration.between(now, due.isBefore(earliest) ? earliest : due);
        return wait.isNegative() ? Duration.ZERO : wait;
    }

    /** The failure of a check that nobody called in for. */
    static Attempt missed(CheckEntry entry, Instant now) {
        Instant beat = entry.lastBeat;
        Duration silent = Duration.between(beat == null ? entry.registered : beat, now);
        return Attempt.failure(
                "no heartbeat for " + Durations.text(Duration.ofSeconds(silent.toSeconds()))
                        + "; one is expected every " + Durations.text(entry.plan.interval()),
                null);
    }
}
