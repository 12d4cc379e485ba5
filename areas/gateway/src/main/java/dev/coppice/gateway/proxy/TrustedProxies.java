package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.proxyprotocol.AddressRange;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who may say, before the first byte of a connection, whose it is. Immutable.
 *
 * @param optional connections without a header, and those from elsewhere, are served too
 */
record TrustedProxies(List<AddressRange> ranges, boolean optional) {

    /** Those of an address and port, of which all listeners say the same; null when none says anything. */
    static @Nullable TrustedProxies of(List<ListenerConfig> listeners) {
        for (ListenerConfig each : listeners) {
            ClientConfig clients = each.clients();
            if (clients != null && clients.proxyProtocol() != null) {
                return new TrustedProxies(
                        clients.proxyProtocol().trusted().stream()
                                .map(AddressRange::of)
                                .toList(),
                        clients.proxyProtocol().optional());
            }
        }
        return null;
    }

    boolean trust(InetAddress address) {
        for (AddressRange each : ranges) {
            if (each.contains(address)) {
                return true;
            }
        }
        return false;
    }
}
