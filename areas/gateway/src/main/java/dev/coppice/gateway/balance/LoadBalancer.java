package dev.coppice.gateway.balance;

/**
 * Chooses one of the endpoints that it was made for. It is made anew whenever those, their weights or their health change, so it can
 * prepare tables; a choice is asked for with each request, and takes no time that grows with the endpoints, no lock and no memory. Safe for
 * use by many threads: what differs from caller to caller, such as whose turn it is, comes with the {@link Choice}.
 */
@FunctionalInterface
public interface LoadBalancer {
    /**
     * The number of an endpoint, from 0 on. One that {@linkplain Choice#excluded is excluded} only where there is no other.
     *
     * @param choice what is asked; not to be kept
     */
    int choose(Choice choice);
}
