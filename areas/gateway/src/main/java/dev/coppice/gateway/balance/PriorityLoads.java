package dev.coppice.gateway.balance;

/**
 * How load is spread over priorities: the first takes all as long as enough of its endpoints are healthy, and what it cannot bear goes to the
 * next. With an overprovisioning of 140 percent a priority bears all while 72 percent of its endpoints are healthy, and with 50 percent
 * healthy it bears 70 percent. Where all together cannot bear everything, each gets its part of what they can; one with fewer healthy
 * endpoints than the panic threshold then uses all of its endpoints, since the few that are left would be overwhelmed.
 *
 * <p>Source: Envoy, "Priority levels" and "Panic threshold" of its documentation of load balancing.
 *
 * @param percent of each priority; 100 together
 * @param panic whether a priority uses all of its endpoints
 */
record PriorityLoads(int[] percent, boolean[] panic) {
    private static final int ALL = 100;

    /**
     * Spreads load.
     *
     * @param healthy endpoints of each priority, of which there is one at least
     * @param total endpoints of each priority
     * @param overprovisioning how many percent of its usual load an endpoint can bear
     * @param threshold the panic threshold, in percent; 0: none
     */
    static PriorityLoads of(int[] healthy, int[] total, int overprovisioning, int threshold) {
        int count = total.length;
        int[] bears = new int[count];
        int sum = 0;
        for (int i = 0; i < count; i++) {
            bears[i] = total[i] == 0 ? 0 : (int) Math.min(ALL, (long) overprovisioning * healthy[i] / total[i]);
            sum = Math.min(ALL, sum + bears[i]);
        }
        boolean[] panic = new boolean[count];
        boolean everywhere = sum < ALL && threshold > 0;
        for (int i = 0; i < count; i++) {
            panic[i] = sum < ALL && total[i] > 0 && ALL * healthy[i] < threshold * total[i];
            everywhere &= panic[i] || total[i] == 0;
        }
        if (everywhere) {
            return new PriorityLoads(byNumber(total), panic);
        }
        int[] percent = new int[count];
        if (sum == 0) {
            // Panic is off, and nothing is healthy: the first says so.
            percent[0] = ALL;
            return new PriorityLoads(percent, panic);
        }
        int left = ALL;
        int first = -1;
        for (int i = 0; i < count; i++) {
            percent[i] = Math.min(left, bears[i] * ALL / sum);
            left -= percent[i];
            first = first < 0 && percent[i] > 0 ? i : first;
        }
        // What rounding has left over.
        percent[first] += left;
        return new PriorityLoads(percent, panic);
    }

    /** Health says nothing any more: each gets its part by how many endpoints it has. */
    private static int[] byNumber(int[] total) {
        long all = 0;
        for (int each : total) {
            all += each;
        }
        int[] percent = new int[total.length];
        int left = ALL;
        int largest = 0;
        for (int i = 0; i < total.length; i++) {
            percent[i] = (int) (ALL * (long) total[i] / all);
            left -= percent[i];
            largest = total[i] > total[largest] ? i : largest;
        }
        percent[largest] += left;
        return percent;
    }
}
