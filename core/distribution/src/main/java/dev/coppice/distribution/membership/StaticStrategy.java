package dev.coppice.distribution.membership;

import java.net.InetSocketAddress;
import java.util.Set;

/** Addresses that are given once. */
public record StaticStrategy(Set<InetSocketAddress> addresses) implements Strategy {
    public StaticStrategy {
        addresses = Set.copyOf(addresses);
    }

    @Override
    public Set<InetSocketAddress> discover() {
        return addresses;
    }
}
