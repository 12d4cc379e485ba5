package dev.coppice.distribution;

import dev.coppice.distribution.ShardMessage.Acquire;
import dev.coppice.distribution.ShardMessage.Ask;
import dev.coppice.distribution.ShardMessage.Released;
import dev.coppice.distribution.ShardMessage.Route;
import dev.coppice.distribution.ShardMessage.State;
import dev.coppice.distribution.ShardMessage.Withdraw;
import dev.coppice.distribution.ShardMessage.Withdrawn;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.distribution.codec.MessageException;
import dev.coppice.kernel.CallException;
import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Processes of one type by identifier, spread over the nodes that host the type. The first message starts a process; there is
 * one of an identifier among connected nodes. When nodes come or go, processes move: the former owner lets each hand over
 * its state, the new one starts it with that when it is next used; messages wait meanwhile, at most {@value #MAX_HELD} of
 * them, more are dropped and counted. A process that crashes, or whose node is lost, begins anew without state.
 *
 * <p>In a net split each side has a process of an identifier. When they are connected again the owner's stays, and the
 * other one's state is dropped and counted. Messages of one sender to one identifier arrive in order, except around a move.
 * Safe for use by many threads.
 *
 * @param <M> the messages
 */
public final class Shards<M> {
    /** Messages that wait while slots move, or while the last host is gone and no other one known, of one type on one node. */
    static final int MAX_HELD = 10_000;

    /** Nodes that a message passes while they do not agree yet where it belongs. */
    private static final int MAX_HOPS = 32;

    private static final int MAX_ID = 500;
    private static final int CHUNK_BYTES = 256 << 10;

    private final String type;
    private final Wire wire;
    private final MessageCodec codec;
    private final int maxBytes;
    private final BiFunction<NodeId, byte[], Boolean> mail;
    private final Answers answers;
    private final Consumer<String> dropped;
    private final LocalProcesses locals;
    private final Duration patience;

    // Guarded by this:
    private @Nullable EntityHost host;
    private final Set<NodeId> nodes = new TreeSet<>();
    private final Set<NodeId> hosts = new TreeSet<>();
    private final Slot[] slots = new Slot[ShardRing.SLOTS];
    private int heldCount;
    private boolean everHosted;

    /** What shards need of the node. */
    record Surroundings(
            Wire wire,
            MessageCodec codec,
            DistributionOptions options,
            BiFunction<NodeId, byte[], Boolean> mail,
            Answers answers,
            Consumer<String> dropped,
            LocalProcesses locals) {}

    Shards(String type, Surroundings around) {
        this.type = type;
        this.wire = around.wire;
        this.codec = around.codec;
        this.maxBytes = around.options.maxMessageBytes();
        this.mail = around.mail;
        this.answers = around.answers;
        this.dropped = around.dropped;
        this.locals = around.locals;
        this.patience = around.options.patience();
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new Slot();
        }
    }

    // ---- for users

    /** Sends to the process of an identifier. */
    public void cast(String id, M message) {
        check(id);
        route(id, message, 0);
    }

    /**
     * Sends a request to the process of an identifier and waits for its answer.
     *
     * @throws CallException when there is no answer within {@code timeout}
     */
    @SuppressWarnings({"unchecked", "NullAway"}) // an answer may be null, as in a local call
    public <R> R call(String id, Function<Consumer<R>, M> message, Duration timeout) {
        check(id);
        Answers.Waiting call = answers.call(wire.self(), 0);
        try {
            route(id, message.apply((Consumer<R>) (Consumer<?>) call), 0);
            return (R) call.future.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new CallException(type + " " + id + " did not answer within " + timeout, null);
        } catch (ExecutionException e) {
            throw new CallException(type + " " + id + ": " + e.getCause().getMessage(), null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CallException("interrupted while waiting for " + type + " " + id, e);
        } finally {
            call.forget();
        }
    }

    /** The node that an identifier belongs to, as this one sees it; empty when no node hosts the type. */
    public synchronized Optional<NodeId> owner(String id) {
        return ShardRing.owner(type, ShardRing.slot(id), hosts);
    }

    /** The processes that live on this node. */
    public synchronized int local() {
        int sum = 0;
        for (Slot slot : slots) {
            sum += slot.entities.size();
        }
        return sum;
    }

    private static void check(String id) {
        if (id.isEmpty() || id.length() > MAX_ID) {
            throw new IllegalArgumentException("id: has " + id.length() + " characters: expected 1 to " + MAX_ID);
        }
    }

    // ---- messages

    /** Where a message goes now. */
    private sealed interface Way {
        record Done() implements Way {}

        record Wait() implements Way {}

        record Lost(String why) implements Way {}

        record To(NodeId node) implements Way {}
    }

    /** Waits a short time for room, as mail between processes does. */
    void route(String id, Object message, int hops) {
        long left = patience.toMillis();
        while (true) {
            switch (way(id, message, hops)) {
                case Way.Done _ -> {
                    return;
                }
                case Way.Lost lost -> {
                    dropped.accept(lost.why);
                    return;
                }
                case Way.To to -> {
                    Route route = new Route(type, id, hops + 1, codec.encode(message, maxBytes));
                    if (hops >= MAX_HOPS || !mail.apply(to.node, Distribution.shardFrame(route))) {
                        dropped.accept("shard_lost");
                    }
                    return;
                }
                case Way.Wait _ -> {
                    if (left-- <= 0) {
                        dropped.accept("shard_overload");
                        return;
                    }
                    try {
                        locals.pause();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        return;
                    }
                }
            }
        }
    }

    private synchronized Way way(String id, Object message, int hops) {
        Slot slot = slots[ShardRing.slot(id)];
        return switch (slot.phase) {
            case ACTIVE -> give(slot, id, message);
            case ACQUIRING, RELEASING, WITHDRAWING -> hold(slot, new Slot.Held(id, message, hops));
            case FOREIGN -> {
                Optional<NodeId> owner = owner(id);
                if (owner.isPresent()) {
                    yield new Way.To(owner.get());
                }
                // One may be about to host it: news of nodes come in any order.
                yield everHosted ? hold(slot, new Slot.Held(id, message, hops)) : new Way.Lost("shard_lost");
            }
        };
    }

    private Way hold(Slot slot, Slot.Held message) {
        if (heldCount >= MAX_HELD) {
            return new Way.Lost("shard_overload");
        }
        slot.held.add(message);
        heldCount++;
        return new Way.Done();
    }

    private Way give(Slot slot, String id, Object message) {
        EntityHost own = host;
        if (own == null) {
            return new Way.Lost("shard_lost");
        }
        ProcessRef<Object> process = slot.entities.get(id);
        if (process == null || !process.alive()) {
            // Its end is told by a thread that must not wait for the lock.
            process = own.start(id, slot.states.remove(id), ended -> wire.after(Duration.ZERO, () -> ended(id, ended)));
            if (process == null) {
                return new Way.Lost("shard_overload");
            }
            slot.entities.put(id, process);
        }
        return own.offer(process, message) ? new Way.Done() : new Way.Wait();
    }

    private synchronized void ended(String id, ProcessRef<Object> process) {
        slots[ShardRing.slot(id)].entities.remove(id, process);
    }

    void routed(Route route) {
        Object message;
        try {
            message = codec.decode(route.message());
        } catch (MessageException e) {
            dropped.accept("unreadable");
            return;
        }
        if (message != null) {
            route(route.id(), message, route.hops());
        }
    }

    // ---- nodes

    /** From now on this node hosts the type; null: not any more. */
    synchronized void host(@Nullable EntityHost made) {
        if (made != null) {
            host = made;
            hosts.add(wire.self());
        } else {
            hosts.remove(wire.self());
        }
        settle(null);
    }

    /** Hosts again what it has hosted. */
    synchronized void resume() {
        if (host != null) {
            hosts.add(wire.self());
            settle(null);
        }
    }

    synchronized boolean hosted() {
        return hosts.contains(wire.self());
    }

    /** Whether nothing is here that another node would take. */
    synchronized boolean empty() {
        if (hosts.isEmpty()) {
            return true; // there is nobody to hand over to
        }
        for (Slot slot : slots) {
            boolean busy = slot.phase == Slot.Phase.RELEASING || slot.phase == Slot.Phase.WITHDRAWING;
            if (!slot.entities.isEmpty() || !slot.states.isEmpty() || busy) {
                return false;
            }
        }
        return true;
    }

    /** A node is connected, and hosts the type or does not. */
    synchronized void present(NodeId node, boolean hosting) {
        boolean fresh = nodes.add(node);
        if (hosting) {
            hosts.add(node);
        } else {
            hosts.remove(node);
        }
        settle(fresh ? node : null);
    }

    synchronized void down(NodeId node) {
        nodes.remove(node);
        hosts.remove(node);
        for (int i = 0; i < slots.length; i++) {
            slots[i].asking.remove(node);
            slots[i].awaited.remove(node);
        }
        settle(null);
    }

    /** Takes and gives what is due. */
    private void settle(@Nullable NodeId fresh) {
        everHosted |= !hosts.isEmpty();
        Map<NodeId, List<Ask>> asks = new HashMap<>();
        Map<NodeId, List<Ask>> withdrawals = new HashMap<>();
        for (int i = 0; i < slots.length; i++) {
            Slot slot = slots[i];
            boolean mine =
                    ShardRing.owner(type, i, hosts).filter(wire.self()::equals).isPresent();
            switch (slot.phase) {
                case FOREIGN -> {
                    if (mine) {
                        slot.phase = Slot.Phase.ACQUIRING;
                        slot.round++;
                        int number = i;
                        nodes.forEach(each -> ask(asks, each, number, slot));
                    }
                }
                case ACQUIRING -> {
                    if (!mine) {
                        withdraw(withdrawals, i, slot);
                    } else if (fresh != null) {
                        ask(asks, fresh, i, slot);
                    }
                }
                case ACTIVE -> {
                    if (!mine) {
                        release(i, slot);
                        if (slot.phase == Slot.Phase.FOREIGN) {
                            withdraw(withdrawals, i, slot);
                        }
                    } else if (fresh != null) {
                        // After a net split it may have processes, too.
                        ask(asks, fresh, i, slot);
                    }
                }
                case RELEASING, WITHDRAWING -> {}
            }
            advance(i, slot);
        }
        asks.forEach((node, numbers) -> wire.send(node, new Acquire(type, numbers)));
        withdrawals.forEach((node, numbers) -> wire.send(node, new Withdraw(type, numbers)));
        tellParked();
    }

    /**
     * Takes back what was asked for. Until that is confirmed something may still be on its way here, so nobody is told before
     * that there is nothing.
     */
    private void withdraw(Map<NodeId, List<Ask>> withdrawals, int number, Slot slot) {
        slot.phase = slot.awaited.isEmpty() ? Slot.Phase.FOREIGN : Slot.Phase.WITHDRAWING;
        slot.awaited.forEach((node, round) ->
                withdrawals.computeIfAbsent(node, _ -> new ArrayList<>()).add(new Ask(number, round)));
    }

    /** An owner that was done with asking before something came here has to ask once more. */
    private void tellParked() {
        Map<NodeId, List<Integer>> parked = new HashMap<>();
        for (int i = 0; i < slots.length; i++) {
            Slot slot = slots[i];
            if (slot.phase == Slot.Phase.FOREIGN && !slot.states.isEmpty()) {
                Optional<NodeId> owner = ShardRing.owner(type, i, hosts);
                if (owner.isPresent() && nodes.contains(owner.get())) {
                    parked.computeIfAbsent(owner.get(), _ -> new ArrayList<>()).add(i);
                }
            }
        }
        parked.forEach((node, numbers) -> wire.send(node, new ShardMessage.Parked(type, numbers)));
    }

    private static void ask(Map<NodeId, List<Ask>> asks, NodeId node, int number, Slot slot) {
        slot.awaited.put(node, slot.round);
        asks.computeIfAbsent(node, _ -> new ArrayList<>()).add(new Ask(number, slot.round));
    }

    /** What follows from the phase that a slot is in now. */
    private void advance(int number, Slot slot) {
        if (slot.phase == Slot.Phase.ACQUIRING && slot.awaited.isEmpty()) {
            slot.phase = Slot.Phase.ACTIVE;
            flush(slot);
        } else if (slot.phase == Slot.Phase.WITHDRAWING && slot.awaited.isEmpty()) {
            slot.phase = Slot.Phase.FOREIGN;
            settle(null);
        } else if (slot.phase == Slot.Phase.FOREIGN) {
            if (!hosts.isEmpty()) {
                flush(slot);
            }
            answer(number, slot);
        }
    }

    private void release(int number, Slot slot) {
        EntityHost own = host;
        slot.phase = Slot.Phase.RELEASING;
        if (own == null || slot.entities.isEmpty()) {
            slot.phase = Slot.Phase.FOREIGN;
            return;
        }
        own.release(Map.copyOf(slot.entities), states -> released(number, slot, states));
    }

    private void released(int number, Slot slot, List<State> states) {
        synchronized (this) {
            slot.entities.clear();
            states.forEach(each -> slot.states.put(each.id(), each.bytes()));
            Map<NodeId, List<Ask>> withdrawals = new HashMap<>();
            withdraw(withdrawals, number, slot);
            withdrawals.forEach((node, numbers) -> wire.send(node, new Withdraw(type, numbers)));
            settle(null);
        }
    }

    /** Sends on, or delivers, what was held. With the lock held, so that later messages stay behind. */
    private void flush(Slot slot) {
        while (!slot.held.isEmpty()) {
            Slot.Held next = slot.held.removeFirst();
            heldCount--;
            Way way = way(next.id(), next.message(), next.hops());
            switch (way) {
                case Way.Done _ -> {}
                case Way.Wait _ -> dropped.accept("shard_overload");
                case Way.Lost lost -> dropped.accept(lost.why);
                case Way.To to ->
                    wire.send(
                            to.node,
                            new Route(type, next.id(), next.hops() + 1, codec.encode(next.message(), maxBytes)));
            }
        }
    }

    /** Tells those who asked for a slot that there is nothing of it here any more, with what is left of it. */
    private void answer(int number, Slot slot) {
        Optional<NodeId> owner = ShardRing.owner(type, number, hosts);
        for (Map.Entry<NodeId, Long> asked : Map.copyOf(slot.asking).entrySet()) {
            NodeId each = asked.getKey();
            boolean heir = owner.filter(each::equals).isPresent();
            if (heir || slot.states.isEmpty()) {
                slot.asking.remove(each);
                List<NodeId> before = slot.heir == null || slot.heir.equals(each) ? List.of() : List.of(slot.heir);
                if (!slot.states.isEmpty()) {
                    slot.heir = each;
                    slot.gifts++;
                }
                send(each, number, asked.getValue(), slot, before);
                slot.states.clear();
            }
        }
    }

    private void send(NodeId to, int number, long round, Slot slot, List<NodeId> before) {
        List<State> chunk = new ArrayList<>();
        int bytes = 0;
        for (Map.Entry<String, byte[]> each : slot.states.entrySet()) {
            if (bytes > 0 && bytes + each.getValue().length > CHUNK_BYTES) {
                wire.send(to, new Released(type, number, round, List.copyOf(chunk), false, List.of(), 0));
                chunk.clear();
                bytes = 0;
            }
            chunk.add(new State(each.getKey(), each.getValue()));
            bytes += each.getValue().length + each.getKey().length();
        }
        wire.send(to, new Released(type, number, round, List.copyOf(chunk), true, before, slot.gifts));
    }

    synchronized void received(NodeId from, ShardMessage message) {
        switch (message) {
            case Acquire acquire -> {
                for (Ask ask : acquire.slots()) {
                    int number = ask.slot();
                    if (known(number)) {
                        slots[number].asking.put(from, ask.round());
                        advance(number, slots[number]);
                    }
                }
            }
            case Released released -> {
                if (known(released.slot())) {
                    taken(from, released);
                }
            }
            case Withdraw withdraw -> {
                for (Ask ask : withdraw.slots()) {
                    if (known(ask.slot())) {
                        slots[ask.slot()].asking.remove(from);
                    }
                }
                wire.send(from, new Withdrawn(type, withdraw.slots()));
            }
            case Withdrawn withdrawn -> {
                for (Ask ask : withdrawn.slots()) {
                    if (known(ask.slot()) && slots[ask.slot()].awaited.remove(from, ask.round())) {
                        advance(ask.slot(), slots[ask.slot()]);
                    }
                }
            }
            case ShardMessage.Parked parked -> {
                for (int number : parked.slots()) {
                    if (known(number)) {
                        askAgain(number, from);
                    }
                }
            }
            case ShardMessage.Hosting _, Route _ -> throw new IllegalArgumentException("handled before: " + message);
        }
    }

    private boolean known(int slot) {
        return slot >= 0 && slot < slots.length;
    }

    private void taken(NodeId from, Released released) {
        Slot slot = slots[released.slot()];
        for (State each : released.states()) {
            boolean twice = slot.entities.containsKey(each.id()) || slot.states.containsKey(each.id());
            if (twice) {
                dropped.accept("shard_conflict");
            } else {
                slot.states.put(each.id(), each.bytes());
            }
        }
        if (released.last()) {
            for (NodeId heir : released.heirs()) {
                // It may have said before it got this that it had nothing.
                if (!Long.valueOf(released.gifts()).equals(slot.followed.put(from, released.gifts()))) {
                    askAgain(released.slot(), heir);
                }
            }
            slot.awaited.remove(from, released.round());
        }
        advance(released.slot(), slot);
    }

    /** Asks a node that has got something since it was asked, if this one owns the slot. */
    private void askAgain(int number, NodeId node) {
        Slot slot = slots[number];
        boolean owned = slot.phase == Slot.Phase.ACTIVE || slot.phase == Slot.Phase.ACQUIRING;
        if (owned && nodes.contains(node)) {
            slot.round++;
            slot.awaited.put(node, slot.round);
            wire.send(node, new Acquire(type, List.of(new Ask(number, slot.round))));
        }
    }
}
