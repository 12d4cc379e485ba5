package dev.coppice.gateway.share;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The allowances of a node: a table that does not grow. A key lies within {@value #WINDOW} places of its home; what says nothing any more gives its
 * place to a new key without anybody clearing it. With no such place another one's is taken, which loses what its owner gave, and is counted; what
 * it owes is kept in {@link Debts}.
 * Safe for use by many threads; looking up what is there takes no lock and allocates nothing.
 */
final class Allowances {
    private static final int WINDOW = 8;

    private static final int MOST_DEBTS = 1 << 16;

    private final AtomicReferenceArray<@Nullable Allowance> places;
    private final int mask;
    private final LongAdder evicted = new LongAdder();
    final Debts debts = new Debts(MOST_DEBTS);

    /** @param size a power of two */
    Allowances(int size) {
        this.places = new AtomicReferenceArray<>(size);
        this.mask = size - 1;
    }

    /** That of a key, made when there is none; null when requests wait in all places that it may have. */
    @Nullable
    Allowance of(SharedLimit limit, long key, long now) {
        int home = home(limit, key);
        while (true) {
            int free = -1;
            for (int i = 0; i < WINDOW; i++) {
                Allowance there = places.get(home + i & mask);
                if (there != null && there.key == key && there.limit == limit) {
                    return there;
                }
                if (free < 0 && (there == null || there.idle(now))) {
                    free = home + i & mask;
                }
            }
            Allowance before = free < 0 ? null : places.get(free);
            if (free < 0) {
                free = victim(home, now);
                if (free < 0) {
                    return null;
                }
                before = places.get(free);
            }
            Allowance made = new Allowance(limit, key);
            if (places.compareAndSet(free, before, made)) {
                if (before != null) {
                    debts.keep(before.limit, before.key, before.retire(now), now);
                }
                owe(made, debts.take(limit, key, now), now);
                return made;
            }
        }
    }

    /** Requests passed without the owner's answer: they are paid for by what comes for the allowance, or for the next one of its key. */
    void owe(Allowance allowance, Debts.Debt debt, long now) {
        if (debt.requests() > 0 && !allowance.owe(debt, allowance.limit.mostOwed(), now)) {
            debts.keep(allowance.limit, allowance.key, debt, now);
        }
    }

    /** What came for an allowance after it had given its place up pays for what is owed of its key. */
    void paySpare(Allowance allowance) {
        int spare = allowance.spare();
        if (spare == 0) {
            return;
        }
        int home = home(allowance.limit, allowance.key);
        for (int i = 0; i < WINDOW; i++) {
            Allowance there = places.get(home + i & mask);
            if (there != null && there.key == allowance.key && there.limit == allowance.limit) {
                there.pay(spare);
                return;
            }
        }
        debts.pay(allowance.limit, allowance.key, spare);
    }

    private static int home(SharedLimit limit, long key) {
        return (int) (key ^ limit.id() ^ (key ^ limit.id()) >>> 32);
    }

    /** The place of one with the least left that nobody waits for. */
    private int victim(int home, long now) {
        int found = -1;
        long least = Long.MAX_VALUE;
        for (int i = 0; i < WINDOW; i++) {
            Allowance there = places.get(home + i & mask);
            if (there != null && there.evictable() && there.left(now) < least) {
                least = there.left(now);
                found = home + i & mask;
            }
        }
        if (found >= 0) {
            evicted.increment();
        }
        return found;
    }

    /** Those of a limit that is gone give their places back; who waits there is decided without them. */
    void forget(SharedLimit limit) {
        debts.forget(limit);
        for (int i = 0; i <= mask; i++) {
            Allowance there = places.get(i);
            if (there != null && there.limit == limit) {
                boolean _ = places.compareAndSet(i, there, null);
            }
        }
    }

    /** Those that say something. Looks at all. */
    int held(long now) {
        int held = 0;
        for (int i = 0; i <= mask; i++) {
            Allowance there = places.get(i);
            if (there != null && !there.idle(now)) {
                held++;
            }
        }
        return held;
    }

    long evicted() {
        return evicted.sum();
    }
}
