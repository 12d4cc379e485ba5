package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** An ICMP echo (ping), where the machine permits it. */
@Description("An ICMP echo (ping), where the machine permits it.")
public record IcmpTarget(
        @Required @Length(min = 1, max = 253) @Description("Host name or address.")
        String host,

        @Description("Which IP protocol is used: any, ip4 or ip6.") @Default("\"any\"") @Nullable
        IpProtocol ipProtocol) {}
