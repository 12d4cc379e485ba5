package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Minimum;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The health of several other checks together. */
@Description(
        "The health of several other checks of the namespace together. Members that are paused or in maintenance do not count.")
public record CompositeTarget(
        @Default("\"All\"")
        @Description("All of the members must be up, Any one of them, or AtLeast so many.")
        @Nullable
        Rule rule,

        @Minimum(1) @Description("With AtLeast: how many members must be up.") @Nullable
        Integer atLeast,

        @Length(max = 1000) @Description("Members by name.") List<String> checks,

        @Description("Members by label; the composite itself is never one.") @Nullable
        LabelSelector selector) {

    public CompositeTarget {
        checks = Lists.copy(checks);
    }

    /** How members count. */
    public enum Rule {
        All,
        Any,
        AtLeast
    }
}
