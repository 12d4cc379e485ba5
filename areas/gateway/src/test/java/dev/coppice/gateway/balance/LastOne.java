package dev.coppice.gateway.balance;

import dev.coppice.gateway.config.BalanceConfig;

/** An algorithm that somebody else brings: always the last endpoint. */
public final class LastOne implements LoadBalancerFactory {
    @Override
    public String name() {
        return "TestLast";
    }

    @Override
    public LoadBalancer create(Endpoints endpoints, BalanceConfig config) {
        return choice -> {
            int last = endpoints.size() - 1;
            return choice.excluded(last) && last > 0 ? last - 1 : last;
        };
    }
}
