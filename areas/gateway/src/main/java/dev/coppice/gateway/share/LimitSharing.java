package dev.coppice.gateway.share;

import dev.coppice.gateway.limit.KeyHash;
import dev.coppice.gateway.limit.KeySecret;
import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlotBudget;
import dev.coppice.gateway.share.ShareMessage.Demand;
import dev.coppice.gateway.share.ShareMessage.Demands;
import dev.coppice.gateway.share.ShareMessage.Grant;
import dev.coppice.gateway.share.ShareMessage.Grants;
import dev.coppice.kernel.Clock;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A node's part in limits that several nodes have together. Alone, which it is until it is told of {@linkplain #members others}, it owns all
 * keys. Safe for use by many threads; nothing waits here.
 *
 * <p>A request for a key of another node is decided by the {@link Allowance} that there is for it. Where there is none it waits for the owner's
 * answer, {@value #PATIENCE_NANOS} ns at most; then, and at once while an owner does not answer, the node counts for itself with its part of the
 * limit. Whoever runs this calls {@link #round} after {@link Wake} was told, and every millisecond or two while it says that there is more.
 */
public final class LimitSharing implements AutoCloseable {
    /** So long a request waits for another node. */
    static final long PATIENCE_NANOS = 10_000_000;

    /** A node that does not answer is asked again as often. */
    private static final long PROBE_NANOS = 50_000_000;

    /** An answer that takes longer than its requests are good for still pays for what passed without it; after that nobody knows what it is for. */
    private static final long FORGOTTEN_NANOS = 1_000_000_000;

    private static final int MOST_ALLOWANCES = 1 << 16;
    private static final int MOST_WAITING = 4096;
    private static final int MOST_QUEUED = 1 << 14;
    private static final int MOST_BATCHES = 1024;

    /** Tells that there is something to do; short, does not block. */
    @FunctionalInterface
    interface Wake {
        void wake();
    }

    /** Delivers a message to a node, or does not. */
    @FunctionalInterface
    interface Outbox {
        void send(String node, Demands demands);
    }

    /** Another node. */
    private static final class Peer {
        /** It did not answer in time the last time. */
        private volatile boolean away;

        private long probed;

        synchronized boolean probe(long now) {
            if (now - probed < PROBE_NANOS) {
                return false;
            }
            probed = now;
            return true;
        }
    }

    /** What was asked of a node. */
    private static final class Batch {
        private final Peer peer;
        /** When it went; those before it may have had to wait for room on the way to their nodes. */
        private long sent;

        private final List<Allowance> allowances = new ArrayList<>();
        private final List<Demand> demands = new ArrayList<>();
        private boolean late;

        Batch(Peer peer) {
            this.peer = peer;
        }
    }

    private final Clock clock;
    private final long origin;
    private final KeySecret secret;
    private final Map<Long, SharedLimit> limits = new ConcurrentHashMap<>();
    private final Map<String, Peer> peers = new ConcurrentHashMap<>();
    private final Queue<Allowance> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    private final Queue<Waiter> waiters = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();
    final Allowances allowances = new Allowances(MOST_ALLOWANCES);
    final ShareMetrics metrics;
    private volatile Members members;
    private volatile Wake wake = () -> {};

    // Guarded by this:
    private final Map<Long, Batch> batches = new LinkedHashMap<>();
    private long lastBatch;

    /** @param secret that keys are made with, and that no client knows; the same on all nodes */
    public LimitSharing(Clock clock, KeySecret secret, PrometheusRegistry registry) {
        this.clock = clock;
        this.origin = clock.nanoTime();
        this.secret = secret;
        this.members = new Members("", List.of(), secret);
        this.metrics = new ShareMetrics(registry, this);
    }

    long clockNanos() {
        return clock.nanoTime();
    }

    long now() {
        return clock.nanoTime() - origin;
    }

    // ---- what there is

    /**
     * A limit to share.
     *
     * @param own counts the keys of this node
     * @param budget of its counts while an owner is away
     * @param what tells it from others: its name and numbers
     */
    public SharedLimit limit(Limiter own, SlotBudget budget, List<Object> what) {
        KeyHash hash = secret.hash();
        hash.begin();
        what.forEach(each -> hash.add(each.toString()));
        SharedLimit made = new SharedLimit(this, hash.end(), own, budget);
        limits.put(made.id(), made);
        return made;
    }

    void forget(SharedLimit limit) {
        limits.remove(limit.id(), limit);
        allowances.forget(limit);
    }

    /**
     * Takes over which nodes there are.
     *
     * @param self the name of this one
     * @param others all that share limits, with or without this one
     */
    void members(String self, Collection<String> others) {
        Members next = new Members(self, others, secret);
        peers.keySet().retainAll(Set.copyOf(next.names()));
        members = next;
    }

    Members members() {
        return members;
    }

    void wakes(Wake by) {
        wake = by;
    }

    int waiting() {
        return waiting.get();
    }

    long away() {
        // A request that began before may have asked for a node that has left since.
        return members.names().stream()
                .map(peers::get)
                .filter(each -> each != null && each.away)
                .count();
    }

    private Peer peer(String name) {
        Peer known = peers.get(name);
        return known == null ? peers.computeIfAbsent(name, _ -> new Peer()) : known;
    }

    // ---- requests

    long takeElsewhere(SharedLimit limit, Members now, int owner, long key, SharedLimit.Decided then) {
        long at = now();
        Allowance allowance = allowances.of(limit, key, at);
        if (allowance == null) {
            metrics.dropped(ShareMetrics.Dropped.TABLE);
            return alone(limit, key);
        }
        long outcome = allowance.take(at);
        if (outcome != SharedOutcome.PENDING) {
            metrics.allowance.inc();
            if (allowance.low(at)) {
                boolean _ = ask(allowance, at);
            }
            return outcome;
        }
        if (allowance.unowned(at)) {
            return alone(allowance);
        }
        Peer peer = peer(now.name(owner));
        if (peer.away) {
            if (allowance.askable(at) && peer.probe(at)) {
                boolean _ = ask(allowance, at);
            }
            return alone(allowance);
        }
        return await(allowance, at, then);
    }

    private long await(Allowance allowance, long at, SharedLimit.Decided then) {
        if (waiting.incrementAndGet() > MOST_WAITING) {
            waiting.decrementAndGet();
            metrics.dropped(ShareMetrics.Dropped.WAITING);
            return alone(allowance);
        }
        Waiter waiter = new Waiter(allowance, at + PATIENCE_NANOS, then);
        if (!allowance.await(waiter, at)) {
            waiting.decrementAndGet();
            long outcome = allowance.take(at);
            if (outcome == SharedOutcome.PENDING) {
                return alone(allowance);
            }
            metrics.allowance.inc();
            return outcome;
        }
        if (!ask(allowance, at) && settled(waiter)) {
            allowance.withdraw(waiter);
            return alone(allowance);
        }
        waiters.add(waiter);
        wake.wake();
        return SharedOutcome.PENDING;
    }

    /** Counts for this node alone; what passes is paid for by the next answer of the owner. */
    private long alone(Allowance allowance) {
        SharedLimit limit = allowance.limit;
        long outcome = alone(limit, allowance.key);
        if (SharedOutcome.passed(outcome)) {
            long now = now();
            allowances.owe(allowance, new Debts.Debt(1, now + SharedOutcome.resetNanos(outcome)), now);
        }
        return outcome;
    }

    private long alone(SharedLimit limit, long key) {
        metrics.alone.inc();
        return limit.takePart(key);
    }

    /** Has an allowance asked for, if it is not yet; false when there is no room. */
    private boolean ask(Allowance allowance, long at) {
        if (!allowance.ask(at)) {
            return true;
        }
        if (queued.incrementAndGet() > MOST_QUEUED) {
            queued.decrementAndGet();
            allowance.unasked();
            metrics.dropped(ShareMetrics.Dropped.QUEUE);
            return false;
        }
        queue.add(allowance);
        wake.wake();
        return true;
    }

    /** Whether a request that waits is to be decided by the caller. */
    private boolean settled(Waiter waiter) {
        if (!waiter.claim()) {
            return false;
        }
        waiting.decrementAndGet();
        return true;
    }

    private void decide(Allowance.Decision decision) {
        Waiter waiter = decision.waiter();
        if (!settled(waiter)) {
            return;
        }
        if (decision.outcome() == SharedOutcome.PENDING) {
            waiter.allowance.withdraw(waiter);
            waiter.decide(alone(waiter.allowance));
        } else {
            metrics.asked.inc();
            waiter.decide(decision.outcome());
        }
    }

    // ---- the one who asks

    /** Asks for what is to be asked for, and lets nobody wait for too long. Says whether it has to be called again soon. Called by one thread. */
    boolean round(Outbox outbox) {
        long now = now();
        late(now);
        Members current = members;
        Map<String, Batch> open = new LinkedHashMap<>();
        for (Allowance each = queue.poll(); each != null; each = queue.poll()) {
            queued.decrementAndGet();
            int owner = current.owner(each.key);
            if (owner == current.self()) {
                // Since it was put here others have gone.
                for (Waiter waiter : each.leave()) {
                    if (settled(waiter)) {
                        waiter.decide(each.limit.takeOwned(each.key));
                    }
                }
                continue;
            }
            String name = current.name(owner);
            Batch batch = open.computeIfAbsent(name, _ -> new Batch(peer(name)));
            batch.allowances.add(each);
            batch.demands.add(each.demand(now));
            if (batch.demands.size() == ShareMessage.MOST_KEYS) {
                open.remove(name);
                send(name, batch, outbox);
            }
        }
        open.forEach((name, batch) -> send(name, batch, outbox));
        return waiting.get() > 0 || !queue.isEmpty() || unanswered();
    }

    private void send(String name, Batch batch, Outbox outbox) {
        long number;
        synchronized (this) {
            batch.sent = now();
            number = ++lastBatch;
            batches.put(number, batch);
            if (batches.size() > MOST_BATCHES) {
                Iterator<Batch> oldest = batches.values().iterator();
                oldest.next();
                oldest.remove();
            }
        }
        batch.demands.forEach(each -> metrics.wanted.inc(each.needed() + each.ahead()));
        metrics.keys.observe(batch.demands.size());
        outbox.send(name, new Demands(number, batch.demands));
    }

    private synchronized boolean unanswered() {
        return !batches.isEmpty();
    }

    private void late(long now) {
        synchronized (this) {
            Iterator<Batch> all = batches.values().iterator();
            while (all.hasNext()) {
                Batch each = all.next();
                if (!each.late && now - each.sent >= PATIENCE_NANOS) {
                    each.late = true;
                    each.peer.away = true;
                }
                if (now - each.sent >= FORGOTTEN_NANOS) {
                    all.remove();
                }
            }
        }
        for (Waiter first = waiters.peek();
                first != null && (first.done() || now >= first.deadline);
                first = waiters.peek()) {
            if (waiters.remove(first)) {
                decide(new Allowance.Decision(first, SharedOutcome.PENDING));
            }
        }
    }

    /** Nobody asks any more: this node owns all keys, and those who wait are told so. */
    void leave(String self) {
        members(self, List.of());
        for (Waiter each = waiters.poll(); each != null; each = waiters.poll()) {
            decide(new Allowance.Decision(each, SharedOutcome.PENDING));
        }
        // Whoever began to wait meanwhile.
        wake.wake();
    }

    /** An answer came. */
    void granted(Grants grants) {
        Batch batch;
        synchronized (this) {
            batch = batches.remove(grants.batch());
        }
        if (batch == null || batch.demands.size() != grants.grants().size()) {
            metrics.dropped(ShareMetrics.Dropped.LATE);
            return;
        }
        long now = now();
        batch.peer.away = now - batch.sent > PATIENCE_NANOS;
        List<Allowance.Decision> decisions = new ArrayList<>();
        for (int i = 0; i < batch.demands.size(); i++) {
            Allowance allowance = batch.allowances.get(i);
            Grant grant = grants.grants().get(i);
            metrics.granted.inc(Math.max(0, grant.requests()));
            if (allowance.granted(batch.demands.get(i), grant, batch.sent, now, decisions)) {
                boolean _ = ask(allowance, now);
            }
            allowances.paySpare(allowance);
        }
        decisions.forEach(this::decide);
    }

    // ---- the owner

    /** Gives what another node asks for. */
    Grants give(Demands demands) {
        Members current = members;
        List<Grant> all = new ArrayList<>(demands.demands().size());
        for (Demand each : demands.demands()) {
            @Nullable SharedLimit limit = limits.get(each.limit());
            Grant grant = limit == null || current.owner(each.key()) != current.self()
                    ? Grant.UNKNOWN
                    : limit.give(each.key(), each.needed(), each.ahead(), current.size());
            metrics.given.inc(Math.max(0, grant.requests()));
            all.add(grant);
        }
        return new Grants(demands.batch(), all);
    }

    /** Takes its metrics out. */
    @Override
    public void close() {
        metrics.close();
    }
}
