package dev.coppice.gateway.config;

import java.util.List;

/**
 * Whose addresses clients have. Immutable.
 *
 * @param name of the namespace
 * @param addresses IP addresses, sorted; those that several namespaces have are in none
 */
public record ClientNamespace(String name, List<String> addresses) {
    public ClientNamespace {
        addresses = List.copyOf(addresses);
    }
}
