package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Links between processes of two nodes. Each node keeps its half: it watches its own process, and tells the other node when
 * that ends. Safe for use by many threads.
 */
final class RemoteLinks {
    private final RemoteProcesses processes;
    private final LocalProcesses locals;
    private final Map<Pair, Half> halves = new ConcurrentHashMap<>();

    private record Pair(ProcessRef<?> local, RemoteRef<?> remote) {}

    private static final class Half {
        private @Nullable Monitor monitor;
        private boolean over;

        synchronized void set(Monitor made) {
            if (over) {
                made.cancel();
            } else {
                monitor = made;
            }
        }

        synchronized void end() {
            over = true;
            if (monitor != null) {
                monitor.cancel();
            }
        }
    }

    RemoteLinks(RemoteProcesses processes, LocalProcesses locals) {
        this.processes = processes;
        this.locals = locals;
    }

    private byte[] frame(int sort, ProcessRef<?> local, RemoteRef<?> remote, @Nullable ExitReason reason) {
        ByteWriter out = Frames.frame(sort)
                .unsigned(remote.number())
                .unsigned(processes.number(local))
                .text(local.name());
        if (reason != null) {
            Reasons.write(out, reason);
        }
        return out.toBytes();
    }

    void link(ProcessRef<?> local, RemoteRef<?> remote) {
        if (!add(local, remote)) {
            return;
        }
        if (!processes.urgent(remote.node(), frame(Frames.LINK, local, remote, null))) {
            exitIn(local, remote, new ExitReason.NoConnection());
        }
    }

    private boolean add(ProcessRef<?> local, RemoteRef<?> remote) {
        Pair pair = new Pair(local, remote);
        Half half = new Half();
        if (halves.putIfAbsent(pair, half) != null) {
            return false;
        }
        half.set(local.monitor(down -> {
            if (halves.remove(pair, half)) {
                processes.urgent(remote.node(), frame(Frames.EXIT_OF_LINK, local, remote, down.reason()));
            }
        }));
        return true;
    }

    void unlink(ProcessRef<?> local, RemoteRef<?> remote) {
        if (remove(local, remote)) {
            processes.urgent(remote.node(), frame(Frames.UNLINK, local, remote, null));
        }
    }

    private boolean remove(ProcessRef<?> local, RemoteRef<?> remote) {
        Half half = halves.remove(new Pair(local, remote));
        if (half != null) {
            half.end();
        }
        return half != null;
    }

    // ---- what comes in

    void linkIn(long number, @Nullable ProcessRef<?> local, RemoteRef<?> remote) {
        if (local != null) {
            var unused = add(local, remote);
            return;
        }
        ByteWriter out = Frames.frame(Frames.EXIT_OF_LINK)
                .unsigned(remote.number())
                .unsigned(number)
                .text("");
        Reasons.write(out, new ExitReason.NoProcess());
        processes.urgent(remote.node(), out.toBytes());
    }

    void unlinkIn(@Nullable ProcessRef<?> local, RemoteRef<?> remote) {
        if (local != null) {
            var unused = remove(local, remote);
        }
    }

    /** The other side ended; who unlinked meanwhile is not told. */
    void exitIn(@Nullable ProcessRef<?> local, RemoteRef<?> remote, ExitReason reason) {
        if (local != null && remove(local, remote)) {
            locals.exitOfLink(local, remote, reason);
        }
    }

    void lost(NodeId node) {
        List<Pair> gone = new ArrayList<>();
        halves.keySet().forEach(pair -> {
            if (pair.remote.node().equals(node)) {
                gone.add(pair);
            }
        });
        gone.forEach(pair -> exitIn(pair.local, pair.remote, new ExitReason.NoConnection()));
    }

    int size() {
        return halves.size();
    }
}
