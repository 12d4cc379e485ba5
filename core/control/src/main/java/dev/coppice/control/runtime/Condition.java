package dev.coppice.control.runtime;

import dev.coppice.schema.Description;
import dev.coppice.schema.Required;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One aspect of an object's state (meta.k8s.io/v1 Condition), for the status records of kinds.
 *
 * @param type in CamelCase, such as {@code Ready}
 * @param status {@code True}, {@code False} or {@code Unknown}
 * @param observedGeneration the generation of the spec that it is about; null when unknown
 * @param lastTransitionTime when {@code status} last changed; null in one that was not set yet
 * @param reason one word in CamelCase
 * @param message for people
 */
@Description("One aspect of the object's current state.")
public record Condition(
        @Required @Description("Type of condition in CamelCase.")
        String type,

        @Required @Description("Status of the condition, one of True, False, Unknown.")
        String status,

        @Description("The metadata.generation that the condition was set based upon.") @Nullable
        Long observedGeneration,

        @Description("The last time the condition changed from one status to another.") @Nullable
        Instant lastTransitionTime,

        @Required @Description("The reason for the condition's last transition, one word in CamelCase.")
        String reason,

        @Description("Details about the transition, for people.")
        String message) {

    public static Condition of(String type, boolean status, String reason, String message) {
        return new Condition(type, status ? "True" : "False", null, null, reason, message);
    }

    public static Condition unknown(String type, String reason, String message) {
        return new Condition(type, "Unknown", null, null, reason, message);
    }

    public Condition withGeneration(long observedGeneration) {
        return new Condition(type, status, observedGeneration, lastTransitionTime, reason, message);
    }

    public boolean isTrue() {
        return status.equals("True");
    }

    /** The condition of a type, if there is one. */
    public static Optional<Condition> find(@Nullable List<Condition> conditions, String type) {
        return conditions == null
                ? Optional.empty()
                : conditions.stream().filter(each -> each.type().equals(type)).findFirst();
    }

    /**
     * The conditions with one set: put in the place of the one with its type, or at the end. Its transition time is kept
     * when the status stays, else it is {@code now}, in whole seconds as Kubernetes writes it.
     */
    public static List<Condition> set(@Nullable List<Condition> conditions, Condition condition, Instant now) {
        List<Condition> result = new ArrayList<>(conditions == null ? List.of() : conditions);
        int at = 0;
        while (at < result.size() && !result.get(at).type().equals(condition.type())) {
            at++;
        }
        Condition before = at < result.size() ? result.get(at) : null;
        Instant since = before != null && before.status().equals(condition.status())
                ? before.lastTransitionTime()
                : Instant.ofEpochSecond(now.getEpochSecond());
        Condition set = new Condition(
                condition.type(),
                condition.status(),
                condition.observedGeneration(),
                since,
                condition.reason(),
                condition.message());
        if (before == null) {
            result.add(set);
        } else {
            result.set(at, set);
        }
        return List.copyOf(result);
    }
}
