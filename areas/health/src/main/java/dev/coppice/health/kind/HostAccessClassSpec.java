package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import org.jspecify.annotations.Nullable;

/** What checks may do on, or reach from, the node beyond the sandbox. */
@Description(
        "What checks may do on, or reach from, the node beyond the sandbox. Made by an administrator; a namespace may use it when"
                + " RBAC grants its ServiceAccounts (group system:serviceaccounts:NAMESPACE) the verb use on it.")
public record HostAccessClassSpec(
        @Default("false")
        @Description("Permits commands to run on the node without a sandbox, as the user that Coppice runs as.")
        @Nullable
        Boolean commands,

        @Default("false") @Description("Permits targets at link-local and cloud metadata addresses.") @Nullable
        Boolean restrictedAddresses,

        @Length(max = 1024) @Description("What it is for.") @Nullable
        String description) {}
