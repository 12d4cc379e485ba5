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

    /**
     * What a policy comes to.
     *
     * @param config null: clients are spoken to as is usual
     * @param problem null when there is none
     */
    record Reading(@Nullable ClientConfig config, @Nullable String problem) {}

    static Reading read(ClientTrafficPolicySpec spec) {
        List<String> problems = new ArrayList<>();
        ClientConfig.ProxyProtocol proxyProtocol = proxyProtocol(spec.proxyProtocol(), problems);
        ClientConfig.WebSockets webSockets = webSockets(spec.webSocket(), problems);
        int others = problems.size();
        ClientConfig.Geography geography = geography(spec.geography(), problems);
        if (problems.isEmpty()) {
            return new Reading(new ClientConfig(proxyProtocol, webSockets, geography), null);
        }
        // Otherwise clients could write the headers by which routes go.
        boolean located = geography != null && problems.size() == others;
        return new Reading(located ? new ClientConfig(null, null, geography) : null, String.join("; ", problems));
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

    private static ClientConfig.@Nullable WebSockets webSockets(
            ClientTrafficPolicySpec.@Nullable WebSocket spec, List<String> problems) {
        return spec == null
                ? null
                : new ClientConfig.WebSockets(
                        millis("webSocket.idleTimeout", spec.idleTimeout(), problems),
                        millis("webSocket.maxDuration", spec.maxDuration(), problems),
                        spec.maxConnections() == null ? 0 : spec.maxConnections());
    }

    private static long millis(String field, @Nullable String text, List<String> problems) {
        try {
            return text == null ? 0 : Durations.nanos(field, text) / NANOS_A_MILLI;
        } catch (InvalidPolicyException e) {
            problems.add(e.getMessage());
            return 0;
        }
    }
}
