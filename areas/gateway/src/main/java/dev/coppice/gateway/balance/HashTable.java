package dev.coppice.gateway.balance;

/** A load balancer that goes by a table of hashes alone: the same hash has the same endpoint, as long as the endpoints stay. Immutable. */
interface HashTable extends LoadBalancer {
    /** The number of the endpoint that a hash belongs to. */
    int of(long hash);
}
