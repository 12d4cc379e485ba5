package dev.coppice.gateway.config;

import java.util.List;

/**
 * A route as it is attached to one listener. Immutable. Of routes whose matches are equally specific, the older one wins, then
 * the one whose namespace and name come first.
 *
 * @param kind such as {@code HTTPRoute}
 * @param createdMillis when it was created, since 1970
 * @param hostnames what its own host names and the listener's have in common, in lower case, {@code *.example.org} for all
 *     below; empty for any
 */
public record RouteConfig(
        String kind,
        String namespace,
        String name,
        long createdMillis,
        List<String> hostnames,
        List<RuleConfig> rules) {

    public RouteConfig {
        hostnames = List.copyOf(hostnames);
        rules = List.copyOf(rules);
    }

    /** The same with other rules. */
    public RouteConfig with(List<RuleConfig> others) {
        return new RouteConfig(kind, namespace, name, createdMillis, hostnames, others);
    }
}
