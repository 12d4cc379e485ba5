package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.kind.BackendTrafficPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import org.jspecify.annotations.Nullable;

/** Reads what BackendTrafficPolicies say, section by section. Pure functions. */
final class TrafficReader {
    /**
     * What a policy comes to.
     *
     * @param config null when there is a problem, unless it has credentials
     * @param problem null when there is none
     * @param unresolved what its credentials refer to and cannot be used; null when all can
     */
    record Read(@Nullable TrafficConfig config, @Nullable String problem, References.@Nullable Problem unresolved) {}

    private TrafficReader() {}

    static Read read(Resource<BackendTrafficPolicySpec, PolicyStatus> policy, References references) {
        BackendTrafficPolicySpec spec = policy.spec();
        try {
            BalanceConfig balance = spec.loadBalancer() == null ? null : BalanceReader.read(spec.loadBalancer());
            CredentialReader.Read credentials = spec.credentials() == null
                    ? null
                    : CredentialReader.read(policy.namespace(), spec.credentials(), references);
            return new Read(
                    new TrafficConfig(
                            balance,
                            spec.healthCheck() == null ? null : HealthReader.read(spec.healthCheck()),
                            spec.outlierDetection() == null ? null : HealthReader.read(spec.outlierDetection()),
                            ResilienceReader.read(spec),
                            spec.proxyProtocol() == null
                                    ? null
                                    : TrafficConfig.ProxyProtocol.valueOf(
                                            spec.proxyProtocol().version()),
                            credentials == null ? null : credentials.config()),
                    null,
                    credentials == null ? null : credentials.problem());
        } catch (InvalidPolicyException e) {
            // Whoever wants credentials sent is not to have requests sent without.
            return new Read(
                    spec.credentials() == null
                            ? null
                            : TrafficConfig.NONE.withCredentials(new CredentialConfig.Missing()),
                    e.getMessage(),
                    null);
        }
    }
}
