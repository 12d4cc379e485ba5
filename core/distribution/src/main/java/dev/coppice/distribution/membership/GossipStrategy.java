package dev.coppice.distribution.membership;

import dev.coppice.distribution.membership.Rumour.State;
import dev.coppice.kernel.Clock;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Learns of nodes from nodes: a few addresses are enough to begin with. Every second a node raises its own number and tells
 * three random others what it knows. A node whose number has not risen for ten rounds, as heard on any way, is suspected;
 * after twenty more it is dead, and its address no longer tried; who hears that it is suspected raises its number and so
 * refutes it. Ends of connections are noticed by heartbeats, not by this. Safe for use by many threads.
 *
 * @see <a href="https://www.cs.cornell.edu/home/rvr/papers/GossipFD.pdf">van Renesse, Minsky and Hayden, A gossip-style
 *     failure detection service (1998)</a>; suspicion and refutation are those of SWIM (2002)
 */
public final class GossipStrategy implements Strategy {
    /** Nodes that are remembered, and told of in one message. */
    static final int MAX_NODES = 200;

    static final int SUSPECT_ROUNDS = 10;
    static final int DEAD_ROUNDS = 20;
    static final int FORGET_ROUNDS = 120;

    private final Set<InetSocketAddress> seeds;
    private final String own;

    // Guarded by this:
    private final Map<String, Known> known = new LinkedHashMap<>();
    private long number;
    private long round;

    private record Known(Rumour rumour, long round) {}

    /**
     * One.
     *
     * @param seeds where to begin
     * @param own where others reach this node
     */
    public GossipStrategy(Set<InetSocketAddress> seeds, InetSocketAddress own, Clock clock) {
        this.seeds = Set.copyOf(seeds);
        this.own = Addresses.text(own);
        // Higher than in every earlier life of this node.
        this.number = clock.currentTimeMillis();
    }

    @Override
    public synchronized Set<InetSocketAddress> discover() {
        Set<InetSocketAddress> found = new LinkedHashSet<>(seeds);
        known.forEach((address, each) -> {
            if (each.rumour.state() != State.DEAD) {
                Addresses.parse(address).ifPresent(found::add);
            }
        });
        return found;
    }

    @Override
    public java.time.Duration interval() {
        return java.time.Duration.ofSeconds(1);
    }

    /** One round: what to tell others. */
    public synchronized List<Rumour> round(RandomGenerator random) {
        round++;
        number++;
        List<String> gone = new ArrayList<>();
        known.replaceAll((address, each) -> aged(each));
        known.forEach((address, each) -> {
            if (each.rumour.state() == State.DEAD && round - each.round > FORGET_ROUNDS) {
                gone.add(address);
            }
        });
        gone.forEach(known::remove);
        List<Rumour> told = new ArrayList<>();
        known.values().forEach(each -> told.add(each.rumour));
        Collections.shuffle(told, java.util.Random.from(random));
        List<Rumour> chosen = new ArrayList<>(told.subList(0, Math.min(told.size(), MAX_NODES)));
        chosen.addFirst(new Rumour(own, number, State.ALIVE));
        return chosen;
    }

    private Known aged(Known each) {
        Rumour rumour = each.rumour;
        return switch (rumour.state()) {
            case ALIVE -> round - each.round > SUSPECT_ROUNDS ? as(rumour, State.SUSPECT) : each;
            case SUSPECT -> round - each.round > DEAD_ROUNDS ? as(rumour, State.DEAD) : each;
            case DEAD -> each;
        };
    }

    private Known as(Rumour rumour, State state) {
        return new Known(new Rumour(rumour.address(), rumour.number(), state), round);
    }

    /** What another node tells. */
    public synchronized void heard(List<Rumour> rumours) {
        for (Rumour each : rumours) {
            if (each.address().equals(own)) {
                if (each.state() != State.ALIVE && each.number() >= number) {
                    number = each.number() + 1;
                }
            } else if (news(each) && (known.containsKey(each.address()) || known.size() < MAX_NODES)) {
                known.put(each.address(), new Known(each, round));
            }
        }
    }

    private boolean news(Rumour rumour) {
        Known before = known.get(rumour.address());
        if (before == null) {
            // Of the dead one hears for long; who is unknown here was forgotten.
            return rumour.state() != State.DEAD
                    && Addresses.parse(rumour.address()).isPresent();
        }
        int byNumber = Long.compare(rumour.number(), before.rumour.number());
        return byNumber > 0 || byNumber == 0 && rumour.state().compareTo(before.rumour.state()) > 0;
    }

    /** What is known of an address. */
    public synchronized Optional<State> state(InetSocketAddress address) {
        @Nullable Known found = known.get(Addresses.text(address));
        return found == null ? Optional.empty() : Optional.of(found.rumour.state());
    }
}
