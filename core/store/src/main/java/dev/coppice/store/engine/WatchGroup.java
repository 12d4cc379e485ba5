package dev.coppice.store.engine;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The watches of one session that have the same shape: what they are told waits once for all of them. Those that are
 * <em>synced</em> are told what the hub offers; those that <em>lag</em> read on from the ring or the disk.
 */
final class WatchGroup {

    final WatchSession session;
    final WatchShape shape;

    // Of the thread that delivers; synced changes with the hub's lock held.
    final Set<Watcher> synced = new LinkedHashSet<>();
    final Set<Watcher> lagging = new LinkedHashSet<>();

    // Guarded by the hub's lock.
    boolean indexed;

    // Guarded by the backlog of the session.
    private List<Recorded> waiting = new ArrayList<>();
    private long waitingBytes;
    private long behindFrom;
    boolean listed;

    WatchGroup(WatchSession session, WatchShape shape) {
        this.session = session;
        this.shape = shape;
    }

    int waiting() {
        return waiting.size();
    }

    long waitingBytes() {
        return waitingBytes;
    }

    void add(Recorded event, long bytes) {
        waiting.add(event);
        waitingBytes += bytes;
    }

    /** From this revision on nothing waits; whole revisions only: what waits of it is dropped, to be read again. */
    void fallBehind(long revision) {
        while (!waiting.isEmpty() && waiting.getLast().revision() >= revision) {
            waitingBytes -= waiting.removeLast().event().getSerializedSize();
        }
        behindFrom = revision;
    }

    boolean behind() {
        return behindFrom > 0;
    }

    /**
     * What has come for the synced watches.
     *
     * @param behindFrom the revision from which on they have to read; 0 when they don't
     */
    record Taken(List<Recorded> events, long bytes, long behindFrom) {}

    Taken take() {
        Taken taken = new Taken(waiting, waitingBytes, behindFrom);
        waiting = new ArrayList<>();
        waitingBytes = 0;
        behindFrom = 0;
        return taken;
    }
}
