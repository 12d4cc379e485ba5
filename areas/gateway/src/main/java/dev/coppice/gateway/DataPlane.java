package dev.coppice.gateway;

import dev.coppice.gateway.config.GatewayConfig;
import java.util.Map;

/** What serves the traffic. Safe for use by many threads. */
public interface DataPlane {

    /** A socket address that listeners share. */
    record Binding(String address, int port) {}

    /**
     * Serves {@code config} instead of what was served before. Returns once it does; connections and requests go on. What is
     * no longer in it is let go gracefully.
     *
     * @return why an address could not be bound; nothing for those that could. They are tried again with the next call
     */
    Map<Binding, String> apply(GatewayConfig config);
}
