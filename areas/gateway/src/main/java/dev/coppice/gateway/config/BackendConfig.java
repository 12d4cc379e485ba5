package dev.coppice.gateway.config;

import java.util.List;

/**
 * Where a share of a rule's requests goes. Immutable.
 *
 * @param upstream name of the {@link UpstreamConfig}; empty for a reference that leads nowhere, whose share is answered with 500
 * @param weight its share is its weight by the sum of all; 0 for none
 * @param filters for this backend only, after the rule's
 */
public record BackendConfig(String upstream, int weight, List<FilterConfig> filters) {

    public BackendConfig {
        filters = List.copyOf(filters);
    }
}
