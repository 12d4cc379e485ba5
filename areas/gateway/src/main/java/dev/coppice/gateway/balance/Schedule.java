package dev.coppice.gateway.balance;

import java.util.Arrays;

/**
 * The order in which endpoints of different weights take turns: each as often as its weight says, and spread as evenly as can be. Made
 * once, so that a turn is one look-up; the order is that of earliest deadlines, like that of nginx's smooth weighted round robin. Immutable.
 */
final class Schedule {
    /** With weights that are no small whole multiples of each other: an error of a share is below one in so many. */
    private static final int TURNS = 1024;

    private static final int TURNS_OF_EACH = 8;
    private static final int MOST_EXACT = 4096;
    private static final double WHOLE = 1e-9;

    private final char[] turns;

    private Schedule(char[] turns) {
        this.turns = turns;
    }

    static Schedule of(Endpoints endpoints) {
        int[] counts = counts(endpoints);
        int sum = Arrays.stream(counts).sum();
        long[] deadlines = new long[sum];
        int at = 0;
        for (int i = 0; i < counts.length; i++) {
            for (int k = 0; k < counts[i]; k++) {
                long deadline = (long) ((k + 0.5) / counts[i] * (1L << Integer.SIZE));
                deadlines[at++] = deadline << Character.SIZE | i;
            }
        }
        Arrays.sort(deadlines);
        char[] turns = new char[sum];
        for (int i = 0; i < sum; i++) {
            turns[i] = (char) deadlines[i];
        }
        return new Schedule(turns);
    }

    /** How often each has its turn, once at least. */
    private static int[] counts(Endpoints endpoints) {
        int size = endpoints.size();
        double least = Double.MAX_VALUE;
        double sum = 0;
        for (int i = 0; i < size; i++) {
            least = Math.min(least, endpoints.weight(i));
            sum += endpoints.weight(i);
        }
        int[] exact = new int[size];
        boolean whole = sum / least <= MOST_EXACT;
        for (int i = 0; i < size && whole; i++) {
            double multiple = endpoints.weight(i) / least;
            exact[i] = (int) Math.round(multiple);
            whole = Math.abs(multiple - exact[i]) <= WHOLE * multiple;
        }
        if (whole) {
            return exact;
        }
        int turns = Math.max(TURNS, TURNS_OF_EACH * size);
        int[] counts = new int[size];
        for (int i = 0; i < size; i++) {
            counts[i] = (int) Math.max(1, Math.round(endpoints.weight(i) / sum * turns));
        }
        return counts;
    }

    /** How many turns there are until it begins again. */
    int length() {
        return turns.length;
    }

    /** Whose turn it is. */
    int at(int turn) {
        return turns[turn];
    }
}
