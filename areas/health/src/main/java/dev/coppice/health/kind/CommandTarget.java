package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A command run on the node. */
@Description(
        "A command run on the node: exit code 0 is success. It runs in a sandbox under an unprivileged user, without network,"
                + " unless hostAccessClassName names a class that the namespace may use.")
public record CommandTarget(
        @Required
        @Length(min = 1, max = 64)
        @Description("The program and its arguments. No shell is involved: give [\"sh\", \"-c\", \"…\"] to use one.")
        List<String> command,

        @ListMap("name") @Length(max = 64) @Description("Environment variables; nothing else is inherited.")
        List<Header> environment,

        @Default("0") @Minimum(0) @Maximum(255) @Description("The exit code that means success.") @Nullable
        Integer expectedExitCode,

        @Length(max = 4096) @Description("The output must contain this text.") @Nullable
        String outputContains,

        @Default("false") @Description("Gives the sandbox the node's network.") @Nullable
        Boolean network,

        @Length(max = 253)
        @Description(
                "A HostAccessClass under which the command runs outside the sandbox. The namespace's ServiceAccounts"
                        + " must be granted the RBAC verb use on it.")
        @Nullable
        String hostAccessClassName) {

    public CommandTarget {
        command = Lists.copy(command);
        environment = Lists.copy(environment);
    }
}
