package dev.coppice.gateway.balance;

/**
 * Consistent hashing with bounded loads: a request goes to the endpoint that its key belongs to, unless that has more to do than its share of all
 * requests times a factor. Then the key jumps to another place of the table, and from there on, always along the same places: so the
 * keys of an endpoint that has too much to do are spread over all others, and each of them goes to the same other one while loads are alike. Some endpoint always has
 * room, as the bounds of all together are above the number of requests.
 *
 * <p>How many requests there are is counted over all endpoints with each choice where these are few, and with every so many choices where they are many:
 * what that is behind by is a part of one request for each endpoint.
 *
 * <p>Source: Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads" (SODA 2018); jumps, rather than the next place of a
 * ring, whose owner would get all that its neighbour cannot bear: Chen, Coleman and Shrivastava, "Revisiting Consistent Hashing with Bounded
 * Loads" (AAAI 2021).
 */
final class BoundedLoads implements LoadBalancer {
    /** So many endpoints are counted for each choice. */
    static final int COUNTED = 32;

    private static final int JUMPS = 16;
    private static final double PERCENT = 100;
    /** Less than what any sum of weights is off by, and more than what a product is. */
    private static final double ROUNDING = 1e-9;

    private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

    private final HashTable table;
    private final Endpoints endpoints;
    /** What each may have of all requests. */
    private final double[] shares;

    // Written by all that choose, without a lock: a choice that misses another's counts a little later.
    private int known;
    private int sinceKnown;

    /** @param factorPercent how much of its share an endpoint may have; above 100 */
    BoundedLoads(HashTable table, Endpoints endpoints, int factorPercent) {
        this.table = table;
        this.endpoints = endpoints;
        this.shares = new double[endpoints.size()];
        double sum = 0;
        for (int i = 0; i < shares.length; i++) {
            sum += endpoints.weight(i);
        }
        for (int i = 0; i < shares.length; i++) {
            shares[i] = factorPercent / PERCENT * endpoints.weight(i) / sum;
        }
        this.sinceKnown = shares.length;
    }

    @Override
    public int choose(Choice choice) {
        long hash = choice.hash();
        // With the one that is being chosen for.
        int requests = inFlight() + 1;
        int first = table.of(hash);
        if (takes(choice, first, requests)) {
            return first;
        }
        if (!choice.excluded(first)) {
            choice.overflowed();
        }
        long jump = hash;
        for (int i = 0; i < JUMPS; i++) {
            jump = next(jump);
            int other = table.of(jump);
            if (takes(choice, other, requests)) {
                return other;
            }
        }
        int start = (int) Long.remainderUnsigned(jump, shares.length);
        for (int i = 0; i < shares.length; i++) {
            int other = (start + i) % shares.length;
            if (takes(choice, other, requests)) {
                return other;
            }
        }
        // The only one with room is excluded, or loads have grown since they were counted.
        return table.choose(choice);
    }

    private boolean takes(Choice choice, int index, int requests) {
        return !choice.excluded(index)
                && endpoints.load(index).inFlight() < Math.ceil(shares[index] * requests - ROUNDING);
    }

    private int inFlight() {
        int size = shares.length;
        int since = sinceKnown + 1;
        if (since * COUNTED < size) {
            sinceKnown = since;
            return ++known;
        }
        int sum = 0;
        for (int i = 0; i < size; i++) {
            sum += endpoints.load(i).inFlight();
        }
        known = sum;
        sinceKnown = 0;
        return sum;
    }

    /** Where a hash jumps to (SplitMix64). */
    private static long next(long hash) {
        long mixed = hash + GOLDEN;
        mixed = (mixed ^ mixed >>> 30) * 0xBF58_476D_1CE4_E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D0_49BB_1331_11EBL;
        return mixed ^ mixed >>> 31;
    }
}
