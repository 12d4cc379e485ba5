package dev.coppice.gateway.share;

import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlotBudget;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A limit whose keys are owned by one node each. The owner counts with its {@link Limiter}, as if the limit were its alone; the others ask it. Safe
 * for use by many threads. Outcomes are those of {@link SharedOutcome}.
 */
public final class SharedLimit implements AutoCloseable {
    private static final int AHEAD = 16;
    private static final int MOST_PARTS = 4;

    /** What is told of a request that had to wait. */
    @FunctionalInterface
    public interface Decided {
        /** Called once, in any thread, soon. */
        void decided(long outcome);
    }

    /** Counts for this node alone while an owner is away: a part of the limit, for so many nodes. */
    private record Part(int of, Limiter limiter) {}

    private final LimitSharing sharing;
    private final long id;
    private final Limiter own;
    private final SlotBudget budget;
    private volatile @Nullable Part part;

    // Guarded by this:
    /** Those that were used before, the last one last: whoever comes and goes does not have what passed forgotten. */
    private final List<Part> parts = new ArrayList<>(1);

    private boolean closed;

    SharedLimit(LimitSharing sharing, long id, Limiter own, SlotBudget budget) {
        this.sharing = sharing;
        this.id = id;
        this.own = own;
        this.budget = budget;
    }

    /** By which nodes know it: a hash of its name and numbers. */
    long id() {
        return id;
    }

    /**
     * Asks for one request of a key. Never waits.
     *
     * @param now of the clock that the limiter goes by
     * @param then told the outcome when this one is {@link SharedOutcome#PENDING}
     */
    public long take(long key, long now, Decided then) {
        Members members = sharing.members();
        int owner = members.owner(key);
        return owner == members.self()
                ? counted(own, key, now)
                : sharing.takeElsewhere(this, members, owner, key, then);
    }

    /** Counts a request of a key that this node owns. */
    long takeOwned(long key) {
        return counted(own, key, sharing.clockNanos());
    }

    /** Counts a request for this node alone. */
    long takePart(long key) {
        return counted(part(sharing.members().size()).limiter, key, sharing.clockNanos());
    }

    /** Requests that may be owed for one key: as many as pass at once for this node alone. */
    int mostOwed() {
        return (int) Math.min(part(sharing.members().size()).limiter.algorithm().quota(), Integer.MAX_VALUE);
    }

    private static long counted(Limiter limiter, long key, long now) {
        long outcome = limiter.take(key, now);
        return Limiter.passed(outcome)
                ? SharedOutcome.passed(limiter.remaining(outcome, now), limiter.resetNanos(outcome, now))
                : SharedOutcome.refused(limiter.retryNanos(outcome, now), limiter.resetNanos(outcome, now));
    }

    private Part part(int of) {
        Part known = part;
        return known != null && known.of == of ? known : newPart(of);
    }

    private synchronized Part newPart(int of) {
        Part known = part;
        if (known != null && (known.of == of || closed)) {
            return known;
        }
        Part found = parts.stream().filter(each -> each.of == of).findFirst().orElse(null);
        boolean _ = parts.remove(found);
        Part next = found != null
                ? found
                : new Part(of, new Limiter(own.algorithm().part(of), sharing.clockNanos(), budget));
        parts.add(next);
        part = next;
        if (parts.size() > MOST_PARTS) {
            parts.removeFirst().limiter.close();
        }
        if (closed) {
            next.limiter.close();
        }
        return next;
    }

    /**
     * Gives of a key that this node owns.
     *
     * @param ahead is given of what is there for everybody: 1/{@value #AHEAD} of each node's share at most, so that of a limit of few requests
     *     all are given one by one, and none is lost
     */
    ShareMessage.Grant give(long key, int needed, int ahead, int nodes) {
        long now = sharing.clockNanos();
        long outcome = own.look(key);
        long spare = Math.clamp((own.remaining(outcome, now) - needed) / ((long) AHEAD * nodes), 0, ahead);
        int given = 0;
        for (boolean more = true; more && given < needed + spare; given += more ? 1 : 0) {
            outcome = own.take(key, now);
            more = Limiter.passed(outcome);
        }
        long remaining = own.remaining(outcome, now);
        boolean exhausted = given < needed || given == 0 && remaining == 0;
        return new ShareMessage.Grant(
                given, (int) remaining, exhausted ? own.retryNanos(outcome, now) : 0, own.resetNanos(outcome, now));
    }

    /** It is asked no more, nor are others; its limiter is closed by whoever made it. */
    @Override
    public void close() {
        sharing.forget(this);
        synchronized (this) {
            closed = true;
            parts.forEach(each -> each.limiter.close());
        }
    }
}
