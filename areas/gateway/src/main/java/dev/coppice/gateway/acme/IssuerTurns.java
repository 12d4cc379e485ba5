package dev.coppice.gateway.acme;

import dev.coppice.gateway.kind.IssuerReference;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Steps of orders, or of challenges, that are taken at one time, so many of one issuer at most: a server that does not answer takes the time of its own, and not that of
 * others. Safe for use by many threads.
 */
final class IssuerTurns {
    /** After which somebody who got no turn asks again. */
    static final Duration AGAIN = Duration.ofSeconds(1);

    private final int most;
    private final Map<String, Integer> running = new HashMap<>();

    /** @param most steps of one issuer */
    IssuerTurns(int most) {
        this.most = most;
    }

    /**
     * Takes a step.
     *
     * @param namespace of whoever refers to the issuer
     * @return null when as many are taken already as may be
     */
    <R> @Nullable R take(IssuerReference issuer, String namespace, Supplier<R> step) {
        String name = issuer.kindOrDefault() + "/" + (issuer.cluster() ? "" : namespace) + "/" + issuer.name();
        synchronized (running) {
            int now = running.getOrDefault(name, 0);
            if (now >= most) {
                return null;
            }
            running.put(name, now + 1);
        }
        try {
            return step.get();
        } finally {
            synchronized (running) {
                Integer _ = running.computeIfPresent(name, (_, count) -> count == 1 ? null : count - 1);
            }
        }
    }
}
