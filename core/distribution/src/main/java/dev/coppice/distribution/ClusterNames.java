package dev.coppice.distribution;

import dev.coppice.distribution.NameMessage.Claim;
import dev.coppice.distribution.NameMessage.Commit;
import dev.coppice.distribution.NameMessage.Drop;
import dev.coppice.distribution.NameMessage.Entry;
import dev.coppice.distribution.NameMessage.Granted;
import dev.coppice.distribution.NameMessage.Lost;
import dev.coppice.distribution.NameMessage.Refused;
import dev.coppice.distribution.NameMessage.Release;
import dev.coppice.distribution.NameMessage.Sync;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Names of processes that are known on all connected nodes, each with one winner (OTP: global). Whoever wants a name asks
 * all connected nodes, first the one with the smallest name, so that two who want the same meet there; it has the name when
 * all of them agree. A name is given up when its process ends, or its node is disconnected.
 *
 * <p>In a net split every side can give a name to a process of its own. When the sides are connected again, the process
 * that was registered earlier (by the clock of its node) keeps the name; the other one loses it, and is told by its
 * {@linkplain #register(String, ProcessRef, Duration, Consumer) own function}, or else is sent an exit signal. Looking up
 * asks nobody. Safe for use by many threads.
 */
public final class ClusterNames {
    /** Names that processes of one node may have. */
    static final int MAX_OWN = 100_000;

    private static final int MAX_LOCKS = 10_000;
    private static final int MAX_NAME = 500;
    /** Entries of one message. */
    private static final int CHUNK = 500;

    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Wire wire;
    private final Runnable onLost;
    private final Map<String, Entry> entries = new ConcurrentHashMap<>();

    // Guarded by this:
    private final Map<String, Own> own = new HashMap<>();
    private final Map<String, Lock> locks = new HashMap<>();
    private final Map<Long, NameClaim> claims = new HashMap<>();
    private final TreeSet<NodeId> nodes = new TreeSet<>();
    private long lastClaim;

    /** To do without the lock, in order. */
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();

    private boolean doing;

    private record Own(Entry entry, Consumer<ProcessRef<?>> onLost, Monitor monitor) {}

    private record Lock(NodeId by, long claim) {}

    ClusterNames(Wire wire, Runnable onLost) {
        this.wire = wire;
        this.onLost = onLost;
    }

    // ---- for users

    /**
     * Gives a process of this node a name, and waits until it is decided who has it; other nodes find it a moment later. When it loses the name after a net
     * split, it is sent an exit signal as if it had been killed.
     *
     * @return false when another process has it
     * @throws IllegalStateException when it could not be decided within the time, as nodes come and go
     */
    public boolean register(String name, ProcessRef<?> process, Duration timeout) {
        return register(name, process, timeout, loser -> loser.exit(new dev.coppice.kernel.ExitReason.Killed()));
    }

    /** The same; {@code onLost} is called instead when the name is lost after a net split. It must not block. */
    public boolean register(String name, ProcessRef<?> process, Duration timeout, Consumer<ProcessRef<?>> onLost) {
        CompletableFuture<Boolean> result = claim(name, process, onLost);
        try {
            return result.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            result.cancel(false);
            throw new IllegalStateException(
                    "name " + name + ": not decided within " + timeout + " by " + nodes() + "; try again", e);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException("name " + name + ": " + cause.getMessage(), cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            result.cancel(false);
            throw new IllegalStateException("interrupted while registering " + name, e);
        }
    }

    /** Lets a name of this node lead to another of its processes; who has it, and until when, stays as it is. */
    void retarget(String name, ProcessRef<?> process) {
        synchronized (this) {
            Own known = own.get(name);
            if (known == null) {
                return;
            }
            Entry old = known.entry;
            Entry entry = new Entry(name, old.home(), old.claim(), old.atMillis(), process);
            own.put(name, new Own(entry, known.onLost, known.monitor));
            entries.put(name, entry);
            nodes.forEach(each -> send(each, new Commit(entry)));
        }
        work();
    }

    /** Gives up a name of a process of this node; false when none has it. */
    public boolean unregister(String name) {
        boolean was;
        synchronized (this) {
            Own known = own.get(name);
            was = known != null;
            if (known != null) {
                drop(known);
            }
        }
        work();
        return was;
    }

    /** Who has a name, as far as this node knows. The caller knows the type of its messages. */
    @SuppressWarnings("unchecked")
    public <M> Optional<ProcessRef<M>> find(String name) {
        return Optional.ofNullable(entries.get(name)).map(entry -> (ProcessRef<M>) entry.process());
    }

    /** An address of whoever has the name at the time of use; while nobody has, it is that of a dead process. */
    public <M> ProcessRef<M> via(String name) {
        return new NamedProcess<>(name, () -> this.find(name));
    }

    /** All names that are known here, in order. */
    public Set<String> names() {
        return new TreeSet<>(entries.keySet());
    }

    /** The node whose process has a name. */
    public Optional<NodeId> home(String name) {
        return Optional.ofNullable(entries.get(name)).map(Entry::home);
    }

    int size() {
        return entries.size();
    }

    private synchronized List<NodeId> nodes() {
        return List.copyOf(nodes);
    }

    // ---- claiming

    CompletableFuture<Boolean> claim(String name, ProcessRef<?> process, Consumer<ProcessRef<?>> lost) {
        if (name.isEmpty() || name.length() > MAX_NAME) {
            throw new IllegalArgumentException("name: has " + name.length() + " characters: expected 1 to " + MAX_NAME);
        }
        if (!wire.home(process).equals(wire.self()) || !process.alive()) {
            throw new IllegalArgumentException("process " + process.name()
                    + ": expected a process of this node that lives; register it where it is");
        }
        NameClaim claim = new NameClaim(name);
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        claim.result.whenComplete((won, error) -> {
            if (error != null) {
                done.completeExceptionally(error);
            } else if (!won) {
                done.complete(false);
            } else {
                take(claim, process, lost, done);
            }
        });
        // Nobody waits any more: whatever was granted is given back.
        done.whenComplete((_, _) -> abandon(claim, done.isCancelled()));
        synchronized (this) {
            if (own.size() + claims.size() >= MAX_OWN) {
                throw new IllegalStateException("name " + name + ": this node has " + MAX_OWN + " names already");
            }
            begin(claim);
        }
        work();
        return done;
    }

    private void abandon(NameClaim claim, boolean cancelled) {
        if (!cancelled) {
            return;
        }
        synchronized (this) {
            if (claims.remove(claim.number) != null) {
                release(claim);
            }
            claim.result.cancel(false);
        }
        work();
    }

    /** Asks the first node, which may be this one. */
    private void begin(NameClaim claim) {
        claim.number = ++lastClaim;
        claims.put(claim.number, claim);
        claim.asked.clear();
        claim.awaited.clear();
        NodeId first = wire.self();
        if (!nodes.isEmpty() && nodes.first().compareTo(first) < 0) {
            first = nodes.first();
        }
        claim.first = first;
        ask(claim, first);
    }

    private void ask(NameClaim claim, NodeId node) {
        claim.asked.add(node);
        claim.awaited.add(node);
        send(node, new Claim(claim.name, claim.number));
    }

    private void granted(NodeId by, long number) {
        NameClaim claim = claims.get(number);
        if (claim == null || !claim.awaited.remove(by)) {
            return;
        }
        if (by.equals(claim.first)) {
            claim.first = null;
            List<NodeId> others = new ArrayList<>(nodes);
            others.add(wire.self());
            others.stream().filter(each -> !claim.asked.contains(each)).toList().forEach(each -> ask(claim, each));
        }
        if (claim.awaited.isEmpty() && claim.first == null && claims.get(number) == claim) {
            claims.remove(number);
            Lock lock = locks.get(claim.name);
            // Only with this node's own grant is the name this node's to take.
            if (lock == null || !lock.equals(new Lock(wire.self(), number))) {
                release(claim);
                again(claim);
                return;
            }
            later.add(() -> claim.result.complete(true));
        }
    }

    private void refused(NodeId by, Refused refusal) {
        NameClaim claim = claims.remove(refusal.claim());
        if (claim == null) {
            return;
        }
        claim.asked.remove(by);
        release(claim);
        if (refusal.taken()) {
            later.add(() -> claim.result.complete(false));
        } else {
            again(claim);
        }
    }

    private void again(NameClaim claim) {
        Duration pause = PAUSE.plusMillis((long) (wire.random() * PAUSE.toMillis()));
        later.add(() -> wire.after(pause, () -> {
            synchronized (this) {
                if (!claim.result.isDone()) {
                    begin(claim);
                }
            }
            work();
        }));
    }

    private void release(NameClaim claim) {
        claim.asked.forEach(each -> send(each, new Release(claim.name, claim.number)));
    }

    /** Every node agrees: it is written down here, and told to all. */
    private void take(
            NameClaim claim, ProcessRef<?> process, Consumer<ProcessRef<?>> lost, CompletableFuture<Boolean> done) {
        synchronized (this) {
            if (done.isDone()) {
                release(claim);
            } else {
                Entry entry = new Entry(claim.name, wire.self(), claim.number, wire.millis(), process);
                // Its end may be told at once, and then waits for the lock.
                Monitor monitor = process.monitor(_ -> ended(entry));
                own.put(claim.name, new Own(entry, lost, monitor));
                entries.put(claim.name, entry);
                locks.remove(claim.name);
                nodes.forEach(each -> send(each, new Commit(entry)));
                later.add(() -> done.complete(true));
            }
        }
        work();
    }

    private void ended(Entry entry) {
        synchronized (this) {
            // Not at once: it may be told before the name is written down.
            later.add(() -> {
                synchronized (this) {
                    Own known = own.get(entry.name());
                    if (known != null && known.entry.same(entry)) {
                        drop(known);
                    }
                }
            });
        }
        work();
    }

    private void drop(Own known) {
        String name = known.entry.name();
        own.remove(name);
        Entry shown = entries.get(name);
        if (shown != null && shown.same(known.entry)) {
            entries.remove(name);
        }
        later.add(known.monitor::cancel);
        nodes.forEach(each -> send(each, new Drop(name, known.entry.claim())));
    }

    // ---- nodes

    void up(NodeId node) {
        synchronized (this) {
            nodes.add(node);
            List<Entry> all = own.values().stream().map(Own::entry).toList();
            for (int from = 0; from < all.size(); from += CHUNK) {
                send(node, new Sync(List.copyOf(all.subList(from, Math.min(all.size(), from + CHUNK)))));
            }
            // It has a say from now on.
            for (NameClaim claim : List.copyOf(claims.values())) {
                claims.remove(claim.number);
                release(claim);
                begin(claim);
            }
        }
        work();
    }

    void down(NodeId node) {
        synchronized (this) {
            nodes.remove(node);
            entries.values().removeIf(entry -> entry.home().equals(node));
            locks.values().removeIf(lock -> lock.by.equals(node));
            for (NameClaim claim : List.copyOf(claims.values())) {
                claim.asked.remove(node);
                if (claim.awaited.contains(node)) {
                    granted(node, claim.number);
                }
            }
        }
        work();
    }

    void received(NodeId from, NameMessage message) {
        synchronized (this) {
            handle(from, message);
        }
        work();
    }

    private void handle(NodeId from, NameMessage message) {
        switch (message) {
            case Claim claim -> send(from, answer(from, claim));
            case Granted granted -> granted(from, granted.claim());
            case Refused refusal -> refused(from, refusal);
            case Release release -> locks.remove(release.name(), new Lock(from, release.claim()));
            case Commit commit -> {
                locks.remove(
                        commit.entry().name(), new Lock(from, commit.entry().claim()));
                if (commit.entry().home().equals(from)) {
                    learn(commit.entry());
                }
            }
            case Drop drop -> {
                Entry known = entries.get(drop.name());
                if (known != null && known.home().equals(from) && known.claim() == drop.claim()) {
                    entries.remove(drop.name());
                }
            }
            case Lost lost -> lost(lost);
            case Sync sync ->
                sync.entries().stream()
                        .filter(each -> each.home().equals(from))
                        .limit(MAX_OWN)
                        .forEach(this::learn);
        }
    }

    private NameMessage answer(NodeId from, Claim claim) {
        if (entries.containsKey(claim.name())) {
            return new Refused(claim.claim(), true);
        }
        Lock wanted = new Lock(from, claim.claim());
        Lock lock = locks.get(claim.name());
        if (lock != null && !lock.equals(wanted) || lock == null && locks.size() >= MAX_LOCKS) {
            return new Refused(claim.claim(), false);
        }
        locks.put(claim.name(), wanted);
        return new Granted(claim.claim());
    }

    /** Somebody has a name; when somebody else has it, too, one of them has to go. */
    private void learn(Entry entry) {
        Entry known = entries.get(entry.name());
        if (known == null || known.same(entry)) {
            entries.put(entry.name(), entry);
            return;
        }
        Entry winner = entry.beats(known) ? entry : known;
        Entry loser = winner == entry ? known : entry;
        entries.put(entry.name(), winner);
        if (loser.home().equals(wire.self())) {
            lost(new Lost(loser, winner));
        } else {
            send(loser.home(), new Lost(loser, winner));
        }
    }

    private void lost(Lost lost) {
        String name = lost.loser().name();
        Own known = own.get(name);
        if (known == null || !known.entry.same(lost.loser())) {
            return;
        }
        Entry shown = entries.get(name);
        drop(known);
        if (shown != null && !shown.same(known.entry)) {
            entries.put(name, shown);
        }
        later.add(() -> {
            onLost.run();
            known.onLost.accept(known.entry.process());
        });
    }

    // ---- without the lock

    /** With the lock held: to this node at once, to others in order. */
    private void send(NodeId to, NameMessage message) {
        if (to.equals(wire.self())) {
            later.add(() -> received(to, message));
        } else {
            wire.send(to, (Record) message);
        }
    }

    /** Does what was put off, one thread at a time. */
    private void work() {
        while (true) {
            @Nullable Runnable next;
            synchronized (this) {
                next = doing ? null : later.poll();
                if (next == null) {
                    return;
                }
                doing = true;
            }
            try {
                next.run();
            } finally {
                synchronized (this) {
                    doing = false;
                }
            }
        }
    }
}
