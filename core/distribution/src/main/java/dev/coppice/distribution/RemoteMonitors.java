package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.kernel.Down;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Monitors over nodes. Each tells exactly once: whoever takes it out of its table tells. Safe for use by many threads.
 */
final class RemoteMonitors {
    private static final System.Logger LOG = System.getLogger(RemoteMonitors.class.getName());
    private static final int MAX_FOR_OTHERS = 1_000_000;

    private final RemoteProcesses processes;
    private final AtomicLong numbers = new AtomicLong();
    private final Map<Long, Outgoing> outgoing = new ConcurrentHashMap<>();
    private final Map<Key, Incoming> incoming = new ConcurrentHashMap<>();

    private record Outgoing(RemoteRef<?> process, Consumer<Down> action) {}

    /** A monitor, or a call that waits for an answer, of another node. */
    private record Key(NodeId node, boolean call, long number) {}

    /** What is watched here for another node. */
    private static final class Incoming {
        private @Nullable Monitor monitor;
        private boolean over;

        synchronized void set(Monitor made) {
            if (over) {
                made.cancel();
            } else {
                monitor = made;
            }
        }

        synchronized void cancel() {
            over = true;
            if (monitor != null) {
                monitor.cancel();
            }
        }
    }

    RemoteMonitors(RemoteProcesses processes) {
        this.processes = processes;
    }

    // ---- of this node on others

    Monitor monitor(RemoteRef<?> process, Consumer<Down> action) {
        long number = numbers.incrementAndGet();
        outgoing.put(number, new Outgoing(process, action));
        byte[] frame = Frames.frame(Frames.MONITOR)
                .unsigned(number)
                .unsigned(process.number())
                .toBytes();
        if (!processes.urgent(process.node(), frame)) {
            downIn(number, new ExitReason.NoConnection());
        }
        return () -> {
            if (outgoing.remove(number) != null) {
                processes.urgent(
                        process.node(),
                        Frames.frame(Frames.DEMONITOR).unsigned(number).toBytes());
            }
        };
    }

    void downIn(long number, ExitReason reason) {
        Outgoing found = outgoing.remove(number);
        if (found != null) {
            tell(found, reason);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private static void tell(Outgoing monitor, ExitReason reason) {
        try {
            monitor.action.accept(new Down(monitor.process, reason));
        } catch (Throwable t) {
            LOG.log(System.Logger.Level.WARNING, "the monitor of " + monitor.process + " failed", t);
        }
    }

    // ---- of others on this node

    void monitorIn(Peer peer, long number, @Nullable ProcessRef<?> target) {
        Key key = new Key(peer.node(), false, number);
        if (target == null) {
            down(peer, number, new ExitReason.NoProcess());
            return;
        }
        watch(peer, key, target, reason -> down(peer, number, reason));
    }

    private void watch(Peer peer, Key key, ProcessRef<?> target, Consumer<ExitReason> ended) {
        if (incoming.size() >= MAX_FOR_OTHERS) {
            peer.disconnect("other nodes watch " + MAX_FOR_OTHERS + " processes of this one already");
            return;
        }
        Incoming entry = new Incoming();
        incoming.put(key, entry);
        entry.set(target.monitor(down -> {
            if (incoming.remove(key, entry)) {
                ended.accept(down.reason());
            }
        }));
    }

    private static void down(Peer peer, long number, ExitReason reason) {
        ByteWriter out = Frames.frame(Frames.DOWN).unsigned(number);
        Reasons.write(out, reason);
        peer.urgent(out.toBytes());
    }

    void demonitorIn(Peer peer, long number) {
        cancel(new Key(peer.node(), false, number));
    }

    private void cancel(Key key) {
        Incoming found = incoming.remove(key);
        if (found != null) {
            found.cancel();
        }
    }

    /** Tells the caller when the called process ends before it has answered. */
    void guard(Peer peer, long call, ProcessRef<?> target) {
        watch(
                peer,
                new Key(peer.node(), true, call),
                target,
                reason -> peer.urgent(RemoteProcesses.failure(call, Reasons.words(reason))));
    }

    void answered(NodeId node, long call) {
        cancel(new Key(node, true, call));
    }

    // ----

    void lost(Peer peer) {
        List<Long> over = new ArrayList<>();
        outgoing.forEach((number, each) -> {
            if (each.process.node().equals(peer.node())) {
                over.add(number);
            }
        });
        over.forEach(number -> downIn(number, new ExitReason.NoConnection()));
        List<Key> gone = new ArrayList<>();
        incoming.keySet().forEach(key -> {
            if (key.node.equals(peer.node())) {
                gone.add(key);
            }
        });
        gone.forEach(this::cancel);
    }

    int size() {
        return outgoing.size() + incoming.size();
    }
}
