package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.ListMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the page is, and what it shows. */
@Description("Where the page is, and what it shows.")
public record StatusPageStatus(
        @Description("The path on the public port.") @Nullable
        String path,

        @Description("What the page says as a whole: Up, Degraded, Down, Maintenance or Unknown.") @Nullable
        String state,

        @Description("How many checks it shows.") @Nullable Integer checks,

        @Description("The generation of the spec that the controller accepted.") @Nullable
        Long observedGeneration,

        @ListMap("type") @Description("Ready: the page is served.")
        List<Condition> conditions) {

    public StatusPageStatus {
        conditions = Lists.copy(conditions);
    }
}
