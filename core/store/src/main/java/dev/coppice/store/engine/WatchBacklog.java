package dev.coppice.store.engine;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;

/**
 * What waits for the synced watches of a session: bounded for each group and for all together. A group that is full falls behind,
 * and takes no more until its watches have caught up. The hub fills it, with its lock held; safe for use by many threads.
 */
final class WatchBacklog {

    private static final int GROUP_EVENTS = 1024;
    static final long GROUP_BYTES = 1L << 20;
    private static final int SESSION_EVENTS = 8192;
    private static final long SESSION_BYTES = 4L << 20;

    private final StoreMetrics metrics;

    // Guarded by this, as what waits in the groups is.
    private final ArrayDeque<WatchGroup> waiting = new ArrayDeque<>();
    private int waitingEvents;
    private long waitingBytes;

    WatchBacklog(StoreMetrics metrics) {
        this.metrics = metrics;
    }

    /** Gives a group an event that it wants; false when it has fallen behind and takes no more. */
    synchronized boolean offer(WatchGroup group, Recorded recorded) {
        if (group.behind()) {
            return false;
        }
        long bytes = recorded.event().getSerializedSize();
        boolean any = group.waiting() > 0;
        if (group.waiting() >= GROUP_EVENTS
                || any && group.waitingBytes() + bytes > GROUP_BYTES
                || waitingEvents >= SESSION_EVENTS
                || waitingEvents > 0 && waitingBytes + bytes > SESSION_BYTES) {
            fallBehind(group, recorded.revision());
            return false;
        }
        group.add(recorded, bytes);
        waitingEvents++;
        waitingBytes += bytes;
        list(group);
        return true;
    }

    private void fallBehind(WatchGroup group, long revision) {
        int events = group.waiting();
        long bytes = group.waitingBytes();
        group.fallBehind(revision);
        waitingEvents -= events - group.waiting();
        waitingBytes -= bytes - group.waitingBytes();
        list(group);
        metrics.watchesFellBehind();
    }

    private void list(WatchGroup group) {
        if (!group.listed) {
            group.listed = true;
            waiting.add(group);
        }
    }

    /** Lets groups read what happened since a revision, apart from those that do so already. */
    synchronized void fallBehind(Collection<WatchGroup> groups, long revision) {
        for (WatchGroup each : groups) {
            if (!each.behind()) {
                each.fallBehind(revision);
                list(each);
            }
        }
    }

    synchronized boolean behind(WatchGroup group) {
        return group.behind();
    }

    synchronized boolean idle() {
        return waiting.isEmpty();
    }

    synchronized boolean idle(WatchGroup group) {
        return !group.listed;
    }

    /** The groups for which something waits; each has to be {@linkplain #take taken} now. */
    synchronized List<WatchGroup> takeWaiting() {
        List<WatchGroup> taken = List.copyOf(waiting);
        waiting.clear();
        return taken;
    }

    /** What waits for a group; with the hub's lock held, so that a revision that is being published is whole. */
    synchronized WatchGroup.Taken take(WatchGroup group) {
        WatchGroup.Taken taken = group.take();
        waitingEvents -= taken.events().size();
        waitingBytes -= taken.bytes();
        group.listed = false;
        return taken;
    }

    synchronized int waitingEvents() {
        return waitingEvents;
    }

    synchronized long waitingBytes() {
        return waitingBytes;
    }
}
