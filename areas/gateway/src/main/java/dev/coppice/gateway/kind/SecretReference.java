package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A reference to a Secret. */
@Description("A reference to a Secret; into another namespace it needs a ReferenceGrant there.")
public record SecretReference(
        @GroupName @Default("\"\"") @Description("Its API group; empty for the core.") @Nullable
        String group,

        @KindName @Default("\"Secret\"") @Description("Its kind.") @Nullable
        String kind,

        @Required @ObjectName @Description("Its name.") String name,

        @NamespaceName @Description("Its namespace; by default that of the object that refers to it.") @Nullable
        String namespace) {

    public String groupOrDefault() {
        return group == null ? "" : group;
    }

    public String kindOrDefault() {
        return kind == null ? "Secret" : kind;
    }
}
