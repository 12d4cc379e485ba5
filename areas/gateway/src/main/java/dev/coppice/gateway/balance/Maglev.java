package dev.coppice.gateway.balance;

/**
 * Consistent hashing by a table that endpoints fill in turns, each in an order of its own: shares are all but even, a choice is one
 * look-up, and few keys move beyond those that have to when an endpoint comes or goes.
 *
 * <p>Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer" (NSDI 2016), 3.4.
 */
final class Maglev implements HashTable {
    private static final int USUAL_SIZE = 65_537;
    /** For so many endpoints shares are even to one in a hundred. */
    private static final int LARGE_SIZE = 1_048_573;

    private static final int LEAST_OF_EACH = 100;

    private final char[] table;

    /** @param tableSize a prime number; 0: as large as makes shares even */
    Maglev(Endpoints endpoints, int tableSize) {
        int size = endpoints.size();
        int entries = tableSize != 0 ? tableSize : size * LEAST_OF_EACH > USUAL_SIZE ? LARGE_SIZE : USUAL_SIZE;
        table = new char[entries];
        boolean[] taken = new boolean[entries];
        Places hash = new Places();
        int[] next = new int[size];
        int[] skip = new int[size];
        double most = 0;
        for (int i = 0; i < size; i++) {
            next[i] = (int) Long.remainderUnsigned(hash.of(endpoints.name(i), 0), entries);
            skip[i] = (int) Long.remainderUnsigned(hash.of(endpoints.name(i), 1), entries - 1) + 1;
            most = Math.max(most, endpoints.weight(i));
        }
        double[] credit = new double[size];
        int filled = 0;
        while (true) {
            for (int i = 0; i < size; i++) {
                // The heaviest has a turn in each round, one of half its weight in every other.
                credit[i] += endpoints.weight(i) / most;
                if (credit[i] < 1) {
                    continue;
                }
                credit[i]--;
                while (taken[next[i]]) {
                    next[i] = after(next[i], skip[i], entries);
                }
                taken[next[i]] = true;
                table[next[i]] = (char) i;
                if (++filled == entries) {
                    return;
                }
            }
        }
    }

    private static int after(int place, int skip, int entries) {
        int next = place + skip;
        return next >= entries ? next - entries : next;
    }

    @Override
    public int of(long hash) {
        return table[place(hash)];
    }

    private int place(long hash) {
        return (int) Long.remainderUnsigned(hash, table.length);
    }

    @Override
    public int choose(Choice choice) {
        int place = place(choice.hash());
        int first = table[place];
        if (!choice.excluded(first)) {
            return first;
        }
        for (int i = 1; i < table.length; i++) {
            int other = table[after(place, i, table.length)];
            if (!choice.excluded(other)) {
                return other;
            }
        }
        return first;
    }
}
