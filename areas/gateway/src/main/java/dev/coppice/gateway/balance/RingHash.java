package dev.coppice.gateway.balance;

import java.util.Arrays;

/**
 * Consistent hashing on a ring: an endpoint has places on it, as many as its weight says, and a key belongs to the next one. When an
 * endpoint comes or goes, only its own part of the keys moves.
 *
 * <p>Source: Karger et al., "Consistent Hashing and Random Trees" (1997); several places for each, as libketama has them.
 */
final class RingHash implements HashTable {
    /** Of all rings; 8 MiB. */
    static final int MOST_PLACES = 1 << 20;

    private static final int LEAST_PLACES = 1024;
    private static final int USUAL_PLACES_OF_EACH = 128;
    /** Unless more are asked for: a ring for 10,000 endpoints would take seconds to be made. */
    private static final int MOST_USUAL_PLACES = 1 << 18;

    private static final long INDEX = Endpoints.MOST - 1;

    /** Places in order; the lowest bits are the endpoint's number. */
    private final long[] ring;

    /** @param tableSize places at least; 0: as many as make shares even */
    RingHash(Endpoints endpoints, int tableSize) {
        int size = endpoints.size();
        long wanted = tableSize == 0
                ? Math.clamp((long) USUAL_PLACES_OF_EACH * size, LEAST_PLACES, MOST_USUAL_PLACES)
                : Math.max(tableSize, size);
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += endpoints.weight(i);
        }
        double places = Math.min(wanted, MOST_PLACES - size);
        Places hash = new Places();
        long[] all = new long[(int) places + size];
        int at = 0;
        for (int i = 0; i < size; i++) {
            // Rounded up, so at most one more for each.
            long count = Math.max(1, (long) Math.ceil(endpoints.weight(i) / sum * places));
            for (long k = 0; k < count && at < all.length; k++) {
                all[at++] = hash.of(endpoints.name(i), k) & ~INDEX | i;
            }
        }
        ring = Arrays.copyOf(all, at);
        Arrays.sort(ring);
    }

    /** How many places there are. */
    int places() {
        return ring.length;
    }

    @Override
    public int of(long hash) {
        return at(place(hash));
    }

    private int place(long hash) {
        int found = Arrays.binarySearch(ring, hash & ~INDEX);
        return found >= 0 ? found : -found - 1;
    }

    @Override
    public int choose(Choice choice) {
        int at = place(choice.hash());
        int first = at(at);
        if (!choice.excluded(first)) {
            return first;
        }
        for (int i = 1; i < ring.length; i++) {
            int other = at(at + i);
            if (!choice.excluded(other)) {
                return other;
            }
        }
        return first;
    }

    private int at(int place) {
        return (int) (ring[place >= ring.length ? place - ring.length : place] & INDEX);
    }
}
