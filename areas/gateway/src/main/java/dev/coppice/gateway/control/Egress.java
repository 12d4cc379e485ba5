package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import org.jspecify.annotations.Nullable;

/**
 * How what comes in by a listener goes out to backends that speak TLS. Immutable.
 *
 * @param passes TLS goes through as it came, so that there is none of the gateway's own
 * @param shown the Gateway whose client certificate backends see; null: they see none
 */
record Egress(boolean passes, @Nullable Key shown) {
    /** Without a client certificate. */
    static final Egress DIRECT = new Egress(false, null);
}
