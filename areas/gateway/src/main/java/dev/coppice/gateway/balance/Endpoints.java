package dev.coppice.gateway.balance;

import java.util.List;

/** Endpoints to choose from, by number. Immutable, but for their loads. */
public final class Endpoints {
    /** Numbers of endpoints fit into 16 bits. */
    public static final int MOST = 1 << Character.SIZE;

    private final String[] names;
    private final double[] weights;
    private final EndpointLoad[] loads;
    private final boolean even;

    /**
     * Endpoints.
     *
     * @param members one at least, and {@link #MOST} at most
     */
    Endpoints(List<Member> members) {
        if (members.isEmpty() || members.size() > MOST) {
            throw new IllegalArgumentException(members.size() + " endpoints; expected 1 to " + MOST);
        }
        names = members.stream().map(Member::name).toArray(String[]::new);
        weights = members.stream().mapToDouble(Member::weight).toArray();
        loads = members.stream().map(Member::load).toArray(EndpointLoad[]::new);
        boolean same = true;
        for (double weight : weights) {
            same &= weight == weights[0];
        }
        even = same;
    }

    /** How many there are. */
    public int size() {
        return names.length;
    }

    /** What tells it from all others, wherever and whenever it is asked for: {@code ADDRESS:PORT}. */
    public String name(int index) {
        return names[index];
    }

    /** Its share, relative to the others'; above 0. */
    public double weight(int index) {
        return weights[index];
    }

    /** Whether all weights are the same. */
    public boolean even() {
        return even;
    }

    /** What it is doing now. */
    public EndpointLoad load(int index) {
        return loads[index];
    }
}
