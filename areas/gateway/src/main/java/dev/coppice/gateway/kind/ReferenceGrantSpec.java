package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which objects of other namespaces may refer to which objects of its own. */
@Required
@Description("Which objects of other namespaces may refer to which objects of its own.")
public record ReferenceGrantSpec(
        @Required @ListType("atomic") @Length(min = 1, max = 16) @Description("Who may refer.")
        List<From> from,

        @Required @ListType("atomic") @Length(min = 1, max = 16) @Description("To what.")
        List<To> to) {

    /** A kind in a namespace that may refer. */
    @Description("A kind in a namespace that may refer.")
    public record From(
            @Required @GroupName @Description("Its API group.")
            String group,

            @Required @KindName @Description("Its kind.") String kind,

            @Required @NamespaceName @Description("Its namespace.")
            String namespace) {}

    /** What may be referred to. */
    @Description("What may be referred to.")
    public record To(
            @Required @GroupName @Description("Its API group; empty for the core.")
            String group,

            @Required @KindName @Description("Its kind.") String kind,

            @ObjectName @Description("Its name; all by default.") @Nullable
            String name) {}
}
