package dev.coppice.gateway.balance;

/**
 * Of some that are drawn at random, the one with the least load: the power of two choices, which keeps the highest load near the average
 * without herding towards the one that seems best to all at once.
 *
 * <p>Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001).
 */
final class LeastLoaded implements LoadBalancer {

    /** How much an endpoint has to do, for its weight. */
    interface Cost {
        double of(int index, Choice choice);
    }

    private final Lottery lottery;
    private final int choices;
    private final Cost cost;

    private LeastLoaded(Endpoints endpoints, int choices, Cost cost) {
        this.lottery = new Lottery(endpoints);
        this.choices = choices;
        this.cost = cost;
    }

    /** By requests that are on their way. */
    static LeastLoaded requests(Endpoints endpoints, int choices) {
        return new LeastLoaded(
                endpoints, choices, (index, _) -> endpoints.load(index).inFlight() / endpoints.weight(index));
    }

    /** By how long a further request would likely take: a latency that remembers slow answers, times the requests on their way. */
    static LeastLoaded latencies(Endpoints endpoints, int choices, long decayNanos) {
        return new LeastLoaded(endpoints, choices, (index, choice) -> {
            EndpointLoad load = endpoints.load(index);
            int inFlight = load.inFlight();
            double latency = load.latency(choice.nanoTime(), decayNanos);
            // Nothing is known of it: one request may find out, and others keep away until that one is answered.
            double expected = latency == 0 && inFlight > 0 ? UNKNOWN_NANOS : latency;
            return expected * (inFlight + 1) / endpoints.weight(index);
        });
    }

    private static final double UNKNOWN_NANOS = 1e9;

    @Override
    public int choose(Choice choice) {
        int best = lottery.choose(choice);
        double least = cost.of(best, choice);
        for (int i = 1; i < choices; i++) {
            int other = lottery.other(choice, best);
            if (!choice.excluded(other)) {
                double load = cost.of(other, choice);
                if (load < least) {
                    best = other;
                    least = load;
                }
            }
        }
        return best;
    }
}
