package dev.coppice.gateway.control;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.kind.ClientTrafficPolicySpec;
import dev.coppice.gateway.proxyprotocol.AddressRange;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads what ClientTrafficPolicies say. Pure functions. */
final class ClientReader {
    private static final long NANOS_A_MILLI = 1_000_000;

    private ClientReader() {}

    static ClientConfig read(ClientTrafficPolicySpec spec) throws InvalidPolicyException {
        return new ClientConfig(proxyProtocol(spec.proxyProtocol()), webSockets(spec.webSocket()));
    }

    private static ClientConfig.@Nullable ProxyProtocol proxyProtocol(
            ClientTrafficPolicySpec.@Nullable ProxyProtocol spec) throws InvalidPolicyException {
        if (spec == null) {
            return null;
        }
        List<String> problems = new ArrayList<>();
        for (String each : spec.trustedAddresses()) {
            try {
                AddressRange _ = AddressRange.of(each);
            } catch (IllegalArgumentException e) {
                problems.add(e.getMessage());
            }
        }
        if (!problems.isEmpty()) {
            throw new InvalidPolicyException("proxyProtocol.trustedAddresses: " + String.join("; ", problems));
        }
        return new ClientConfig.ProxyProtocol(spec.trustedAddresses(), spec.optional());
    }

    private static ClientConfig.@Nullable WebSockets webSockets(ClientTrafficPolicySpec.@Nullable WebSocket spec)
            throws InvalidPolicyException {
        return spec == null
                ? null
                : new ClientConfig.WebSockets(
                        millis("webSocket.idleTimeout", spec.idleTimeout()),
                        millis("webSocket.maxDuration", spec.maxDuration()),
                        spec.maxConnections() == null ? 0 : spec.maxConnections());
    }

    private static long millis(String field, @Nullable String text) throws InvalidPolicyException {
        return text == null ? 0 : Durations.nanos(field, text) / NANOS_A_MILLI;
    }
}
