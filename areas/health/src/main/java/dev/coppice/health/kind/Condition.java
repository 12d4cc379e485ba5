package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Required;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** An observation about an object (Kubernetes: meta/v1 Condition). */
@Description("An observation about an object, as Kubernetes' meta/v1 Condition.")
public record Condition(
        @Required @Description("What is observed, such as Ready.")
        String type,

        @Required @Description("True, False or Unknown.") String status,

        @Description("The generation of the object that was observed.") @Nullable
        Long observedGeneration,

        @Description("When status changed last.") @Nullable Instant lastTransitionTime,

        @Description("Why, as one word in CamelCase.") @Nullable
        String reason,

        @Description("Why, in words.") @Nullable String message) {}
