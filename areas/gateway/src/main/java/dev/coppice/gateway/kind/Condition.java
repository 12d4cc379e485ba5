package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** An observation about an object (Kubernetes: meta/v1 Condition). */
@Description("An observation about an object, as Kubernetes' meta/v1 Condition.")
public record Condition(
        @Required
        @Length(max = 316)
        @Pattern(
                "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$")
        @Description("What is observed, such as Accepted.")
        String type,

        @Required @Enumeration({"True", "False", "Unknown"}) @Description("True, False or Unknown.")
        String status,

        @Minimum(0) @Description("The generation of the object that was observed.") @Nullable
        Long observedGeneration,

        @Required @Description("When status changed last.") Instant lastTransitionTime,

        @Required
        @Length(min = 1, max = 1024)
        @Pattern("^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
        @Description("Why, as one word in CamelCase.")
        String reason,

        @Required @Length(max = 32768) @Description("Why, in words.")
        String message) {}
