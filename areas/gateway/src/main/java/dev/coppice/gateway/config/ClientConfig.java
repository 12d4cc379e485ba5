package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How clients of a listener are spoken to. Immutable.
 *
 * @param proxyProtocol null: clients say nothing of themselves before their first byte. The same for all listeners of an address and port
 * @param webSockets null: as is usual
 */
public record ClientConfig(
        @Nullable ProxyProtocol proxyProtocol, @Nullable WebSockets webSockets) {

    /**
     * Headers of the PROXY protocol.
     *
     * @param trusted ranges of addresses (CIDR) whose headers count
     * @param optional connections without a header, and those from elsewhere, are served too
     */
    public record ProxyProtocol(List<String> trusted, boolean optional) {
        public ProxyProtocol {
            trusted = List.copyOf(trusted);
        }
    }

    /**
     * Bounds of WebSockets.
     *
     * @param idleMillis without a byte, after which one is closed; 0: as is usual
     * @param lifeMillis after which one is closed in any case; 0: never
     * @param most that are open at one time, beyond which requests for one are answered with 503; 0: no bound
     */
    public record WebSockets(long idleMillis, long lifeMillis, int most) {}

    /** The same without the PROXY protocol. */
    public ClientConfig withoutProxyProtocol() {
        return new ClientConfig(null, webSockets);
    }
}
