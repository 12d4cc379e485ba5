package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;

/**
 * Makes load balancers of one sort. Further ones are found as providers of this service ({@link java.util.ServiceLoader}); policies then
 * name them like those that are here. Safe for use by many threads.
 */
public interface LoadBalancerFactory {

    /** What policies call it: letters and digits, a letter first. */
    String name();

    /** Makes one for some endpoints, of which there is one at least. */
    LoadBalancer create(Endpoints endpoints, BalanceConfig config);

    /** Whether it uses {@link Choice#hash}; else hashes are not computed. */
    default boolean hashes() {
        return false;
    }

    /** Whether it uses {@link EndpointLoad#latency}; else answers are not timed. */
    default boolean latencies() {
        return false;
    }
}
