package dev.coppice.health.kind;

import dev.coppice.schema.Description;

/** Which IP protocol a probe uses. */
@Description("Which IP protocol a probe uses.")
public enum IpProtocol {
    any,
    ip4,
    ip6
}
