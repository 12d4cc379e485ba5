package dev.coppice.health.check;

import dev.coppice.control.Key;
import java.util.List;
import java.util.stream.Collectors;

/** What is known about a check's target, as users see it. */
public sealed interface State {

    /** Not checked yet, or not often enough to say. */
    record Unknown() implements State {}

    /** Well. */
    record Up() implements State {}

    /** Well, but slow, or a composite with members that are. */
    record Degraded(String reason) implements State {}

    /** Failed. */
    record Down(String error) implements State {}

    /** Failed, while something that it needs failed too: nobody is told. */
    record Suppressed(List<Key> failedParents) implements State {
        public Suppressed {
            failedParents = List.copyOf(failedParents);
        }
    }

    /** In a maintenance window. */
    record Maintenance(String reason) implements State {}

    /** Not checked, because its owner said so. */
    record Paused() implements State {}

    /** The state in one word, as in the status. */
    default String word() {
        return switch (this) {
            case Unknown ignored -> "Unknown";
            case Up ignored -> "Up";
            case Degraded ignored -> "Degraded";
            case Down ignored -> "Down";
            case Suppressed ignored -> "Suppressed";
            case Maintenance ignored -> "Maintenance";
            case Paused ignored -> "Paused";
        };
    }

    /** Why, in words; empty when there is nothing to say. */
    default String reason() {
        return switch (this) {
            case Unknown ignored -> "";
            case Up ignored -> "";
            case Degraded degraded -> degraded.reason();
            case Down down -> down.error();
            case Suppressed suppressed ->
                "needs "
                        + suppressed.failedParents().stream().map(Key::toString).collect(Collectors.joining(", "))
                        + ", which fails";
            case Maintenance maintenance -> maintenance.reason();
            case Paused ignored -> "";
        };
    }

    /** Whether two states are the same to a reader: the reasons may differ. */
    default boolean same(State other) {
        return getClass() == other.getClass();
    }
}
