package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.SectionName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where connections go. */
@Description("Where connections go.")
public record StreamRule(
        @SectionName @Description("Its name.") @Nullable String name,

        @Required @ListType("atomic") @Length(min = 1, max = 16) @Description("Services, with their shares.")
        List<WeightedBackend> backendRefs) {}
