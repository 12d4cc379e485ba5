package dev.coppice.gateway.share;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What passed without the owners of its keys and is not paid for yet, of keys whose allowances have given their places up: so many keys at most. The next allowance of a key
 * takes its debt over. Times are those of allowances. Safe for use by many threads.
 */
final class Debts {
    private record Debtor(SharedLimit limit, long key) {}

    /**
     * Requests that are owed.
     *
     * @param until when they would count no more
     */
    record Debt(int requests, long until) {
        static final Debt NONE = new Debt(0, 0);

        private Debt plus(Debt other, int most) {
            return new Debt((int) Math.min((long) requests + other.requests, most), Math.max(until, other.until));
        }
    }

    private final int most;
    private final Map<Debtor, Debt> debts = new ConcurrentHashMap<>();
    private final LongAdder lost = new LongAdder();

    /** @param most keys */
    Debts(int most) {
        this.most = most;
    }

    /** Keeps a debt, if there is room. */
    void keep(SharedLimit limit, long key, Debt debt, long now) {
        if (debt.requests == 0) {
            return;
        }
        if (debts.size() >= most) {
            debts.values().removeIf(each -> now >= each.until);
        }
        Debtor debtor = new Debtor(limit, key);
        if (debts.size() >= most && !debts.containsKey(debtor)) {
            lost.add(debt.requests);
            return;
        }
        debts.merge(debtor, debt, (a, b) -> a.plus(b, limit.mostOwed()));
    }

    /** Takes that of a key; there is none of it then. */
    Debt take(SharedLimit limit, long key, long now) {
        if (debts.isEmpty()) {
            return Debt.NONE;
        }
        Debt debt = debts.remove(new Debtor(limit, key));
        return debt == null || now >= debt.until ? Debt.NONE : debt;
    }

    /** Pays a part of that of a key. */
    void pay(SharedLimit limit, long key, int requests) {
        Debt _ = debts.computeIfPresent(
                new Debtor(limit, key),
                (_, debt) -> debt.requests <= requests ? null : new Debt(debt.requests - requests, debt.until));
    }

    /** Those of a limit that is gone. */
    void forget(SharedLimit limit) {
        debts.keySet().removeIf(each -> each.limit == limit);
    }

    /** Keys that owe something. */
    int held() {
        return debts.size();
    }

    /** Requests that are paid by nobody, as there was no room for the debt. */
    long lost() {
        return lost.sum();
    }
}
