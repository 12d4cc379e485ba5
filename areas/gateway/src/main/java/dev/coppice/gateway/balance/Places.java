package dev.coppice.gateway.balance;

import dev.coppice.gateway.limit.KeyHash;

/**
 * Where endpoints and keys stand in tables of hashes. Hashed with no secret: all gateways place the same thing alike, before and after a
 * restart. Keys that crowd one endpoint on purpose do no more than requests with one key could. For one thread.
 */
public final class Places {
    private final KeyHash hash = new KeyHash(0, 0);

    /** That of a key. */
    public long of(String key) {
        hash.begin();
        hash.add(key);
        return hash.end();
    }

    /** One of several of an endpoint. */
    long of(String endpoint, long number) {
        hash.begin();
        hash.add(endpoint);
        hash.add(number);
        return hash.end();
    }
}
