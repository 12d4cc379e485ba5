package dev.coppice.gateway.balance;

/**
 * An endpoint of an upstream, as it is at one moment.
 *
 * @param name what tells it from all others, wherever and whenever it is asked for
 * @param priority 0 first; others help out
 * @param weight its share, relative to the others of its priority; above 0
 * @param healthy whether it may get requests, unless too few are
 * @param load what it is doing
 */
public record Member(String name, int priority, double weight, boolean healthy, EndpointLoad load) {
    public Member {
        if (!(weight > 0) || priority < 0) {
            throw new IllegalArgumentException(name + ": weight " + weight + ", priority " + priority
                    + "; expected a weight above 0 and a priority of at least 0");
        }
    }
}
