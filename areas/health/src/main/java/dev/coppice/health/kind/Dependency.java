package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A check that this one needs. */
@Description("A check that this one needs: while it fails, a failure of this one is Suppressed.")
public record Dependency(
        @Required @Length(min = 1, max = 253) @Description("Name of the other HealthCheck.")
        String name,

        @Length(max = 63) @Description("Its namespace; by default the same.") @Nullable
        String namespace) {}
