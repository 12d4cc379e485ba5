package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;

/** An algorithm that somebody else brings, and that does not work. */
public final class BrokenOne implements LoadBalancerFactory {
    static final String NAME = "TestBroken";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public LoadBalancer create(Endpoints endpoints, BalanceConfig config) {
        throw new IllegalStateException("it is broken");
    }
}
