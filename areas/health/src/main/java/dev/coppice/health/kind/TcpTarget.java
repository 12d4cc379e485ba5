package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A TCP connection, and what is said on it. */
@Description("A TCP connection, and what is said on it.")
public record TcpTarget(
        @Required @Length(min = 1, max = 253) @Description("Host name or address.")
        String host,

        @Required @Minimum(1) @Maximum(65535) @Description("The port.")
        Integer port,

        @Length(max = 32) @Description("What is sent and expected, in order. Without steps, a connection is success.")
        List<Step> steps,

        @Description("Speaks TLS from the start.") @Nullable TlsOptions tls) {

    public TcpTarget {
        steps = Lists.copy(steps);
    }

    /** Waits for a line, then sends one, then changes to TLS. */
    @Description("Waits for a line, then sends one, then changes to TLS; each may be left out.")
    public record Step(
            @Length(max = 4096)
            @Description("A regular expression (RE2 syntax) that is waited for in the lines of the answer.")
            @Nullable
            String expect,

            @Length(max = 4096)
            @Description("A line to send; ${1} stands for what the first group of expect found.")
            @Nullable
            String send,

            @Description("Changes to TLS after this step.") @Nullable
            Boolean startTls) {}
}
