package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ClientNamespace;
import dev.coppice.gateway.route.RoutingTable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What clients of some namespaces get instead of what all others do, at a port of a Service. Immutable.
 *
 * @param namespaces by IP address of the client
 * @param tables by namespace
 */
record Consumers(Map<String, String> namespaces, Map<String, RoutingTable<RuleAction>> tables) {

    /** The namespaces of addresses. */
    static Map<String, String> namespaces(List<ClientNamespace> all) {
        Map<String, String> byAddress = new HashMap<>();
        all.forEach(each -> each.addresses().forEach(address -> byAddress.put(address, each.name())));
        return byAddress;
    }

    /** What is for a client alone; null: it gets what all do. */
    @Nullable
    RoutingTable<RuleAction> of(String address) {
        String namespace = namespaces.get(address);
        return namespace == null ? null : tables.get(namespace);
    }
}
