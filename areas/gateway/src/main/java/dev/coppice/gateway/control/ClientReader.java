package dev.coppice.gateway.control;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.ReservedHeaders;
import dev.coppice.gateway.kind.ClientTrafficPolicySpec;
import dev.coppice.gateway.proxyprotocol.AddressRange;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what ClientTrafficPolicies say. Pure functions. */
final class ClientReader {
    private static final long NANOS_A_MILLI = 1_000_000;

    private ClientReader() {}

    static ClientConfig read(ClientTrafficPolicySpec spec) throws InvalidPolicyException {
        List<String> problems = new ArrayList<>();
        ClientConfig.ProxyProtocol proxyProtocol = proxyProtocol(spec.proxyProtocol(), problems);
        ClientConfig.Geography geography = geography(spec.geography(), problems);
        if (!problems.isEmpty()) {
            throw new InvalidPolicyException(String.join("; ", problems));
        }
        return new ClientConfig(proxyProtocol, webSockets(spec.webSocket()), geography);
    }

    private static ClientConfig.@Nullable ProxyProtocol proxyProtocol(
            ClientTrafficPolicySpec.@Nullable ProxyProtocol spec, List<String> problems) {
        if (spec == null) {
            return null;
        }
        for (String each : spec.trustedAddresses()) {
            try {
                AddressRange _ = AddressRange.of(each);
            } catch (IllegalArgumentException e) {
                problems.add("proxyProtocol.trustedAddresses: " + e.getMessage());
            }
        }
        return new ClientConfig.ProxyProtocol(spec.trustedAddresses(), spec.optional());
    }

    private static ClientConfig.@Nullable Geography geography(
            ClientTrafficPolicySpec.@Nullable Geography spec, List<String> problems) {
        if (spec == null) {
            return null;
        }
        ClientTrafficPolicySpec.LocationHeaders names = spec.headers();
        Set<String> seen = new HashSet<>();
        return new ClientConfig.Geography(
                header("continent", names.continent(), seen, problems),
                header("country", names.country(), seen, problems),
                header("subdivision", names.subdivision(), seen, problems),
                header("autonomousSystem", names.autonomousSystem(), seen, problems));
    }

    private static @Nullable String header(
            String field, @Nullable String name, Set<String> seen, List<String> problems) {
        if (name == null) {
            return null;
        }
        String lower = name.toLowerCase(Locale.ROOT);
        if (ReservedHeaders.forIdentity(lower)) {
            problems.add("geography.headers." + field + ": " + name
                    + " has another meaning; expected a header of your own, such as X-Country");
        } else if (!seen.add(lower)) {
            problems.add("geography.headers." + field + ": " + name
                    + " is there twice; expected a header of its own for each");
        }
        return lower;
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
