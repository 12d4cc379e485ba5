package dev.coppice.health.control;

import dev.coppice.health.kind.Condition;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/** Builds the conditions of a status; times of transition are kept where the status stays. */
final class Conditions {
    private final List<Condition> before;
    private final List<Condition> now = new ArrayList<>();
    private final long generation;
    private final Instant time;

    Conditions(List<Condition> before, long generation, Instant time) {
        this.before = before;
        this.generation = generation;
        this.time = time.truncatedTo(ChronoUnit.SECONDS);
    }

    Conditions set(String type, boolean status, String reason, String message) {
        return set(type, status ? "True" : "False", reason, message);
    }

    Conditions set(String type, String status, String reason, String message) {
        Instant since = time;
        for (Condition old : before) {
            if (old.type().equals(type) && old.status().equals(status) && old.lastTransitionTime() != null) {
                since = old.lastTransitionTime();
            }
        }
        now.add(new Condition(type, status, generation, since, reason, message));
        return this;
    }

    List<Condition> list() {
        return List.copyOf(now);
    }
}
