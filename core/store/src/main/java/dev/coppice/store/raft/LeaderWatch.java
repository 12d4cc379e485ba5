package dev.coppice.store.raft;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.IntConsumer;

/**
 * Lets a follower ask for votes sooner when it knows more than that its leader is silent: that the leader's node refuses
 * connections, as it does when its process has ended. Silence alone may as well mean that a busy machine is slow, and is given
 * more time. A vote is still only given by members that have not heard the leader for that long either. Safe for use by many
 * threads.
 */
final class LeaderWatch {

    /** Of the election timeout: three heartbeats. */
    private static final double SHORT = 0.3;

    private final IntConsumer timeouts;
    private final Leaders leaders;
    private final PeerTransport way;
    private final Executor threads;
    private final int patient;
    private volatile boolean gone;
    private int used;

    /**
     * Watches from now on.
     *
     * @param timeouts takes the election timeout to use, in milliseconds; may block
     * @param threads run what blocks
     */
    LeaderWatch(IntConsumer timeouts, Leaders leaders, PeerTransport way, Duration election, Executor threads) {
        this.timeouts = timeouts;
        this.leaders = leaders;
        this.way = way;
        this.threads = threads;
        this.patient = Math.toIntExact(election.toMillis());
        this.used = patient;
        leaders.onChange(this::changed);
        way.onConnected(peer -> mark(peer, false));
        way.onRefused(peer -> mark(peer, true));
    }

    /** When there is none, it stays as it is until there is one again. */
    private void changed() {
        Leaders.Leader leader = leaders.current();
        if (leader != null) {
            if (!leader.self()) {
                // From now on there is a connection that can break.
                boolean _ = way.reachable(leader.raft());
            }
            set(false);
        }
    }

    private void mark(String peer, boolean refused) {
        Leaders.Leader leader = leaders.current();
        if (leader != null && leader.raft().equals(peer) && !leader.self()) {
            set(refused);
        }
    }

    private void set(boolean known) {
        if (gone != known) {
            gone = known;
            threads.execute(this::use);
        }
    }

    private synchronized void use() {
        int wanted = gone ? Math.max(1, (int) (patient * SHORT)) : patient;
        if (wanted != used) {
            used = wanted;
            timeouts.accept(wanted);
        }
    }
}
