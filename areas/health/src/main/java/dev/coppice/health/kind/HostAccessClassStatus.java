package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.ListMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Nothing is observed about a class but its conditions. */
@Description("What was observed about the class.")
public record HostAccessClassStatus(
        @Description("The generation of the spec that was read.") @Nullable
        Long observedGeneration,

        @ListMap("type") @Description("Conditions.") List<Condition> conditions) {

    public HostAccessClassStatus {
        conditions = Lists.copy(conditions);
    }
}
