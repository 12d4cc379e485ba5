package dev.coppice.store.raft;

import dev.coppice.kernel.Clock;
import dev.coppice.store.engine.Errors;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Who leads, as far as this member knows, and who led before. Safe for use by many threads. */
public final class Leaders {

    private static final System.Logger LOG = System.getLogger(Leaders.class.getName());

    private static final int MAX_HISTORY = 20;

    /**
     * A leader.
     *
     * @param raft its name in the Raft library
     * @param self whether it is this member
     */
    public record Leader(String raft, long term, boolean self) {}

    /** When a leader became known here. */
    public record Election(Leader leader, Instant at) {}

    private final Clock clock;
    private final Duration patience;
    private final ArrayDeque<Election> history = new ArrayDeque<>();
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private @Nullable Leader current;
    private long leaderlessSince;

    /** @param patience how long after the loss of a leader somebody waits for the next one */
    Leaders(Clock clock, Duration patience) {
        this.clock = clock;
        this.patience = patience;
        this.leaderlessSince = clock.nanoTime();
    }

    void onChange(Runnable listener) {
        listeners.add(listener);
    }

    void elected(Leader leader) {
        synchronized (this) {
            if (leader.equals(current)) {
                return;
            }
            current = leader;
            history.addFirst(new Election(leader, clock.now()));
            if (history.size() > MAX_HISTORY) {
                history.removeLast();
            }
            notifyAll();
        }
        LOG.log(
                System.Logger.Level.INFO,
                leader.self() ? "this member leads in term {1}" : "member {0} leads in term {1}",
                leader.raft(),
                leader.term());
        listeners.forEach(Runnable::run);
    }

    void lost() {
        synchronized (this) {
            if (current == null) {
                return;
            }
            current = null;
            leaderlessSince = clock.nanoTime();
            notifyAll();
        }
        listeners.forEach(Runnable::run);
    }

    public synchronized @Nullable Leader current() {
        return current;
    }

    /** The newest first. */
    public synchronized List<Election> history() {
        return new ArrayList<>(history);
    }

    /** Whether there has been no leader for so long that nobody waits for one any more. */
    synchronized boolean given() {
        return current == null && clock.nanoTime() - leaderlessSince > patience.toNanos();
    }

    /** The leader; waits for one while its loss is recent. */
    synchronized Leader await() {
        while (true) {
            Leader known = current;
            if (known != null) {
                return known;
            }
            long left = patience.toNanos() - (clock.nanoTime() - leaderlessSince);
            if (left <= 0) {
                throw Errors.noLeader();
            }
            try {
                TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, 1_000_000));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Errors.stopped();
            }
        }
    }
}
