package dev.coppice.gateway.control;

import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.kind.BackendTrafficPolicySpec;
import org.jspecify.annotations.Nullable;

/** Reads what BackendTrafficPolicies say, section by section. Pure functions. */
final class TrafficReader {
    /**
     * What a policy comes to.
     *
     * @param config null when there is a problem
     * @param problem null when there is none
     */
    record Read(@Nullable TrafficConfig config, @Nullable String problem) {}

    private TrafficReader() {}

    static Read read(BackendTrafficPolicySpec spec) {
        try {
            BalanceConfig balance = spec.loadBalancer() == null ? null : BalanceReader.read(spec.loadBalancer());
            return new Read(
                    new TrafficConfig(
                            balance,
                            spec.healthCheck() == null ? null : HealthReader.read(spec.healthCheck()),
                            spec.outlierDetection() == null ? null : HealthReader.read(spec.outlierDetection()),
                            ResilienceReader.read(spec),
                            spec.proxyProtocol() == null
                                    ? null
                                    : TrafficConfig.ProxyProtocol.valueOf(
                                            spec.proxyProtocol().version())),
                    null);
        } catch (InvalidPolicyException e) {
            return new Read(null, e.getMessage());
        }
    }
}
