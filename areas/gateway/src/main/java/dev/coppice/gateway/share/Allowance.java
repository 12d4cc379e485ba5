package dev.coppice.gateway.share;

import dev.coppice.gateway.share.ShareMessage.Demand;
import dev.coppice.gateway.share.ShareMessage.Grant;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node may do about a key that another node owns: requests that it may let pass, or a time before which the owner lets none pass; and the
 * requests that wait for the owner's answer. Times are nanoseconds since the sharing began. Safe for use by many threads; taking what is there
 * takes no lock.
 */
final class Allowance {
    /** What an answer may be used for after it was asked for. */
    static final long VALID_NANOS = 100_000_000;

    /** Over which it is looked at how much is used. */
    static final long INTERVAL_NANOS = 50_000_000;

    /** An answer that says so is remembered for so long at most: the owner may change. */
    private static final long MOST_REFUSED_NANOS = 1_000_000_000;

    // The state is the end of the allowance in units of 65,536 ns, and what is left of it.
    private static final int LEFT_BITS = 20;
    private static final long LEFT = (1L << LEFT_BITS) - 1;
    private static final int UNIT_BITS = 16;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Allowance.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Whether it has been asked for. */
    private enum Asking {
        NOT,
        QUEUED,
        SENT
    }

    final SharedLimit limit;
    final long key;

    private volatile long state;
    private volatile int granted;
    private volatile Asking asking = Asking.NOT;
    private volatile long askedAt;
    // Written before, and read after, the state or the end of a refusal.
    private int remaining;
    private long resetAt;
    private long retryAt;
    private volatile long refusedUntil;
    private volatile long unownedUntil;

    // Guarded by this:
    private long grantedAt;
    /** Requests that passed without the owner: they are paid for with what it gives, unless by then they would count no more. */
    private int owed;

    private long owedUntil;
    /** Its place is another key's: nobody will ask for it any more. */
    private boolean retired;
    /** What came for it after that. */
    private int spare;

    /** Whether what is owed may be on its way to the owner: it is asked for once until something later is answered. */
    private boolean claimed;

    private long claimedAt;

    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>(2);

    Allowance(SharedLimit limit, long key) {
        this.limit = limit;
        this.key = key;
    }

    // ---- on the way of requests

    /** Takes a request out of the allowance, or refuses it as the owner did; {@link SharedOutcome#PENDING} when the owner has to be asked. */
    long take(long now) {
        while (true) {
            long state = this.state;
            long left = left(state, now);
            if (left == 0) {
                break;
            }
            if (STATE.compareAndSet(this, state, state - 1)) {
                return SharedOutcome.passed(remaining + left - 1, resetAt - now);
            }
        }
        return now < refusedUntil ? SharedOutcome.refused(retryAt - now, resetAt - now) : SharedOutcome.PENDING;
    }

    private static long left(long state, long now) {
        return now >> UNIT_BITS < state >> LEFT_BITS ? state & LEFT : 0;
    }

    /** Whether more should be asked for before nothing is left. */
    boolean low(long now) {
        return granted > 1 && left(state, now) <= granted / 2 && now >= refusedUntil && askable(now);
    }

    /** Whether the node that is asked does not take itself for the owner. */
    boolean unowned(long now) {
        return now < unownedUntil;
    }

    /** Whether it says no more than one that was never asked for. */
    boolean idle(long now) {
        return left(state, now) == 0 && now >= refusedUntil && now >= unownedUntil && askable(now) && !matters(now);
    }

    private synchronized boolean waits() {
        return !waiters.isEmpty();
    }

    private synchronized boolean matters(long now) {
        return !waiters.isEmpty() || owed(now) > 0;
    }

    /** Whether its place may be taken: nobody would be told otherwise. */
    boolean evictable() {
        return asking != Asking.QUEUED && !waits();
    }

    long left(long now) {
        return left(state, now);
    }

    // ---- asking

    /** An answer that takes so long is not waited for any more, nor is whoever should have asked. */
    boolean askable(long now) {
        return asking == Asking.NOT || now - askedAt > INTERVAL_NANOS;
    }

    /** Whether it has to be put into the queue of those that are asked for, which happens once until it is sent. */
    synchronized boolean ask(long now) {
        if (!askable(now)) {
            return false;
        }
        askedAt = now;
        asking = Asking.QUEUED;
        return true;
    }

    /** Lets a request wait; false when there is an answer meanwhile, which has to be taken. */
    synchronized boolean await(Waiter waiter, long now) {
        if (left(state, now) > 0 || now < refusedUntil) {
            return false;
        }
        waiters.add(waiter);
        return true;
    }

    /** A request waits no more. */
    synchronized void withdraw(Waiter waiter) {
        boolean _ = waiters.remove(waiter);
    }

    /** It could not be asked for. */
    synchronized void unasked() {
        asking = Asking.NOT;
    }

    /** What to ask the owner for, now. */
    synchronized Demand demand(long now) {
        askedAt = now;
        asking = Asking.SENT;
        owed = owed(now);
        waiters.removeIf(Waiter::done);
        int needed = Math.min(waiters.size() + (claimed ? 0 : owed), ShareMessage.MOST_REQUESTS);
        if (needed > 0) {
            claimed = true;
            claimedAt = now;
        }
        long left = left(state, now);
        long since = now - grantedAt;
        long ahead = 0;
        if (granted > 0 && since < 2 * INTERVAL_NANOS) {
            // As many as it uses in an interval, and never more than twice what it had: it begins slowly.
            long used = granted - left;
            ahead = Math.min(2L * granted, used * INTERVAL_NANOS / Math.max(1, since)) - left;
        }
        int most = ShareMessage.MOST_REQUESTS - needed;
        // Whoever asks for nothing would not hear whether the owner is there.
        int least = needed == 0 ? 1 : 0;
        return new Demand(limit.id(), key, needed, (int) Math.clamp(ahead, Math.min(least, most), most));
    }

    /**
     * Requests passed without the owner's answer.
     *
     * @param more with when they would count no more
     * @param most that are paid for
     * @return false: it has given its place up, and keeps none
     */
    synchronized boolean owe(Debts.Debt more, long most, long now) {
        if (retired) {
            return false;
        }
        owed = (int) Math.min((long) owed(now) + more.requests(), most);
        owedUntil = more.until();
        return true;
    }

    /** Gives its place up; what it owes then, which somebody else has to keep. */
    synchronized Debts.Debt retire(long now) {
        retired = true;
        Debts.Debt debt = new Debts.Debt(owed(now), owedUntil);
        owed = 0;
        return debt;
    }

    /** Pays for some of what is owed. */
    synchronized void pay(int requests) {
        owed = Math.max(0, owed - requests);
    }

    /** What the owner gave since its place was given up: it pays for what is owed elsewhere. */
    synchronized int spare() {
        int all = spare;
        spare = 0;
        return all;
    }

    private int owed(long now) {
        return now < owedUntil ? owed : 0;
    }

    /** Takes those that wait out. */
    synchronized List<Waiter> leave() {
        List<Waiter> all = List.copyOf(waiters);
        waiters.clear();
        asking = Asking.NOT;
        return all;
    }

    /** What is to be said to a request that waited; no outcome: it has to count for itself. */
    record Decision(Waiter waiter, long outcome) {}

    /**
     * Takes in what the owner gave.
     *
     * @param demand what it was asked for
     * @param asked when
     * @param decisions of requests that waited are added
     * @return whether more has to be asked for
     */
    synchronized boolean granted(Demand demand, Grant grant, long asked, long now, List<Decision> decisions) {
        if (asking == Asking.SENT) {
            asking = Asking.NOT;
        }
        if (asked >= claimedAt) {
            claimed = false;
        }
        if (grant.requests() < 0) {
            unownedUntil = now + INTERVAL_NANOS;
            for (Waiter each = waiters.poll(); each != null; each = waiters.poll()) {
                decisions.add(new Decision(each, SharedOutcome.PENDING));
            }
            return false;
        }
        int given = grant.requests();
        int paid = Math.min(owed, given);
        owed -= paid;
        boolean exhausted = given < demand.needed() || given == 0 && grant.retryNanos() > 0;
        given -= paid;
        int fresh = given;
        remaining = grant.remaining();
        resetAt = now + grant.resetNanos();
        while (given > 0) {
            Waiter waiter = next();
            if (waiter == null) {
                break;
            }
            given--;
            decisions.add(new Decision(waiter, SharedOutcome.passed(remaining + (long) given, grant.resetNanos())));
        }
        if (exhausted) {
            retryAt = now + grant.retryNanos();
            refusedUntil = now + Math.min(grant.retryNanos(), MOST_REFUSED_NANOS);
            for (Waiter each = next(); each != null; each = next()) {
                decisions.add(new Decision(each, SharedOutcome.refused(grant.retryNanos(), grant.resetNanos())));
            }
        } else {
            refusedUntil = 0;
        }
        if (retired) {
            spare += given;
        } else {
            hold(given, fresh, asked, now);
        }
        return next(false) != null || !exhausted && !claimed && owed(now) > 0;
    }

    /** Adds to what is left. */
    private void hold(int given, int fresh, long asked, long now) {
        long end = asked + VALID_NANOS >> UNIT_BITS;
        while (true) {
            long before = state;
            long left = left(before, now);
            long all = Math.min(LEFT, left + given);
            long until = given == 0 ? before >> LEFT_BITS : Math.max(end, before >> LEFT_BITS);
            if (STATE.compareAndSet(this, before, until << LEFT_BITS | all)) {
                if (fresh > 0) {
                    granted = (int) Math.min(LEFT, left + fresh);
                    grantedAt = now;
                }
                return;
            }
        }
    }

    private @Nullable Waiter next() {
        return next(true);
    }

    /** The first that still waits. */
    private @Nullable Waiter next(boolean out) {
        Waiter first = waiters.peek();
        while (first != null && first.done()) {
            waiters.remove();
            first = waiters.peek();
        }
        return out ? waiters.poll() : first;
    }
}
