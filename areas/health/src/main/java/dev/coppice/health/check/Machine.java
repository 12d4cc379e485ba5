package dev.coppice.health.check;

import dev.coppice.health.check.Observation.Health;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state of one check, and the pure function that moves it: {@link #step} takes rules, circumstances, perhaps an
 * observation, and the time, and gives the next state with the transitions on the way. Immutable.
 *
 * <p>Two layers: {@link #observed} is what the observations say after thresholds; {@link #state} is what users see, with
 * pause, maintenance and suppression on top.
 *
 * @param state what users see
 * @param since when {@code state} began
 * @param observed what the observations say
 * @param lastError of the last failed observation; empty after a success
 * @param failures in a row
 * @param successes in a row
 * @param flapping whether it goes up and down all the time
 * @param changes when {@code observed} changed between failed and well, within the flap window, at most {@value #MAX_CHANGES}
 */
public record Machine(
        State state,
        Instant since,
        Health observed,
        String lastError,
        int failures,
        int successes,
        boolean flapping,
        List<Instant> changes) {
    static final int MAX_CHANGES = 100;
    private static final int MAX_COUNT = 1_000_000;

    public Machine {
        changes = List.copyOf(changes);
    }

    /** A check that was never observed. */
    public static Machine unknown(Instant now) {
        return new Machine(new State.Unknown(), now, Health.UNKNOWN, "", 0, 0, false, List.of());
    }

    /** A machine and what happened on the way to it. */
    public record Step(Machine machine, List<Transition> transitions) {}

    /** Whether those that depend on it should not be blamed for failing: its last observation failed. */
    public boolean failing() {
        return !(state instanceof State.Paused) && (observed == Health.DOWN || failures > 0);
    }

    /** Whether the next failed observation makes it fail. */
    public boolean wouldFail(Rules rules) {
        return observed != Health.DOWN && failures + 1 >= rules.failureThreshold();
    }

    /** Moves on. Without an observation only the circumstances and the time changed. */
    public Step step(Rules rules, Circumstances around, @Nullable Observation observation, Instant now) {
        Machine counted = around.paused() ? forgotten() : observation == null ? this : counted(rules, observation);
        List<Transition> transitions = new ArrayList<>();
        Machine flapped = counted.flapped(rules, this, around, now, transitions);
        State next = flapped.visible(around, observation);
        boolean changed = !next.same(state);
        if (changed) {
            Duration after = Duration.between(since, now);
            transitions.add(new Transition.StateChanged(state, next, now, after.isNegative() ? Duration.ZERO : after));
        }
        Machine result = new Machine(
                next,
                changed ? now : since,
                flapped.observed,
                flapped.lastError,
                flapped.failures,
                flapped.successes,
                flapped.flapping,
                flapped.changes);
        return new Step(result, List.copyOf(transitions));
    }

    private Machine forgotten() {
        return new Machine(state, since, Health.UNKNOWN, "", 0, 0, false, List.of());
    }

    private Machine counted(Rules rules, Observation observation) {
        return switch (observation.health()) {
            case UNKNOWN -> this;
            case DOWN -> {
                int row = Math.min(failures + 1, MAX_COUNT);
                Health health = observed == Health.DOWN || row >= rules.failureThreshold() ? Health.DOWN : observed;
                yield new Machine(state, since, health, observation.message(), row, 0, flapping, changes);
            }
            case UP, DEGRADED -> {
                int row = Math.min(successes + 1, MAX_COUNT);
                Health health =
                        observed == Health.DOWN && row < rules.successThreshold() ? Health.DOWN : observation.health();
                String remark = health == Health.DOWN ? lastError : observation.message();
                yield new Machine(state, since, health, remark, 0, row, flapping, changes);
            }
        };
    }

    private Machine flapped(
            Rules rules, Machine before, Circumstances around, Instant now, List<Transition> transitions) {
        List<Instant> kept = new ArrayList<>();
        Instant oldest = now.minus(rules.flapWindow());
        changes.stream().filter(at -> !at.isBefore(oldest)).forEach(kept::add);
        boolean turned = (before.observed == Health.DOWN) != (observed == Health.DOWN)
                && before.observed != Health.UNKNOWN
                && observed != Health.UNKNOWN;
        if (turned && around.maintenance() == null) {
            kept.add(now);
            if (kept.size() > MAX_CHANGES) {
                kept.removeFirst();
            }
        }
        boolean flaps = rules.flapChanges() > 0
                && (before.flapping ? kept.size() > rules.flapChanges() / 2 : kept.size() >= rules.flapChanges());
        if (flaps && !before.flapping) {
            transitions.add(new Transition.FlappingStarted(now, kept.size()));
        } else if (!flaps && before.flapping) {
            transitions.add(new Transition.FlappingStopped(now));
        }
        return new Machine(state, since, observed, lastError, failures, successes, flaps, kept);
    }

    /**
     * A failed check stays Suppressed after its dependencies are well again until it was itself observed anew: what it
     * failed with before says nothing.
     */
    private State visible(Circumstances around, @Nullable Observation observation) {
        if (around.paused()) {
            return new State.Paused();
        }
        String maintenance = around.maintenance();
        if (maintenance != null) {
            return new State.Maintenance(maintenance);
        }
        return switch (observed) {
            case UNKNOWN -> new State.Unknown();
            case UP -> new State.Up();
            case DEGRADED -> new State.Degraded(lastError);
            case DOWN -> {
                if (!around.failedParents().isEmpty()) {
                    yield new State.Suppressed(around.failedParents());
                }
                yield observation == null && state instanceof State.Suppressed ? state : new State.Down(lastError);
            }
        };
    }
}
