package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hands every revision of a keyspace to the watches that wish for it. Recent revisions stay in a ring in memory; a watch
 * that is further behind reads them from the disk. Watches that keep up are found by key or by range, all those of a session
 * and of the same shape at once; those that don't are left out until they have caught up, which is decided under the same
 * lock as publishing, so that they miss nothing and see nothing twice. Safe for use by many threads.
 */
final class WatchHub {

    private static final int RING_REVISIONS = 8192;
    private static final long RING_BYTES = 8L << 20;

    private final ReentrantLock lock = new ReentrantLock();
    private final Recorded.@Nullable Revision[] ring = new Recorded.Revision[RING_REVISIONS];
    private long ringFirst;
    private long ringBytes;
    private long head;

    private final Map<ByteString, Set<WatchGroup>> byKey = new HashMap<>();
    private final RangeIndex<WatchGroup> byRange = new RangeIndex<>();
    private final Set<WatchSession> sessions = new HashSet<>();
    private int watches;
    private int lagging;

    WatchHub(long head) {
        this.head = head;
        this.ringFirst = head + 1;
    }

    /** Tells what was applied and written; called by the applying thread, in order. */
    void publish(List<Recorded.Revision> revisions) {
        Set<WatchSession> touched = new LinkedHashSet<>();
        lock.lock();
        try {
            for (Recorded.Revision revision : revisions) {
                remember(revision);
                for (Recorded event : revision.events()) {
                    offer(event, touched);
                }
            }
        } finally {
            lock.unlock();
        }
        touched.forEach(WatchSession::wake);
    }

    private void remember(Recorded.Revision revision) {
        head = revision.number();
        int slot = (int) (head % RING_REVISIONS);
        if (head - ringFirst >= RING_REVISIONS) {
            forgetFirst();
        }
        ring[slot] = revision;
        ringBytes += revision.bytes();
        while (ringBytes > RING_BYTES && ringFirst < head) {
            forgetFirst();
        }
    }

    private void forgetFirst() {
        int slot = (int) (ringFirst % RING_REVISIONS);
        Recorded.Revision first = ring[slot];
        if (first != null) {
            ringBytes -= first.bytes();
            ring[slot] = null;
        }
        ringFirst++;
    }

    private void offer(Recorded event, Set<WatchSession> touched) {
        ByteString key = event.event().getKv().getKey();
        Set<WatchGroup> exact = byKey.get(key);
        if (exact != null) {
            // Whoever can't take more leaves the index meanwhile.
            for (Iterator<WatchGroup> each = exact.iterator(); each.hasNext(); ) {
                WatchGroup group = each.next();
                if (!offer(group, event, touched)) {
                    group.indexed = false;
                    each.remove();
                }
            }
            if (exact.isEmpty()) {
                byKey.remove(key);
            }
        }
        if (!byRange.isEmpty()) {
            List<WatchGroup> fellBehind = new ArrayList<>(0);
            byRange.forEach(key, group -> {
                if (!offer(group, event, touched)) {
                    fellBehind.add(group);
                }
            });
            fellBehind.forEach(this::unindex);
        }
    }

    private static boolean offer(WatchGroup group, Recorded event, Set<WatchSession> touched) {
        if (!group.shape.wants(event.event())) {
            return true;
        }
        touched.add(group.session);
        return group.session.offer(group, event);
    }

    /**
     * Goes on at another revision, without the events in between: whoever had seen everything up to now is behind, and reads
     * on from the disk.
     */
    void jump(long revision) {
        lock.lock();
        try {
            for (WatchSession session : sessions) {
                session.fallBehind(head + 1).forEach(this::unindex);
            }
            Arrays.fill(ring, null);
            ringBytes = 0;
            head = revision;
            ringFirst = revision + 1;
        } finally {
            lock.unlock();
        }
    }

    // ---- sessions; each by the thread that delivers

    void add(WatchSession session) {
        lock.lock();
        try {
            sessions.add(session);
        } finally {
            lock.unlock();
        }
    }

    /** Forgets a session with all its watches. */
    void remove(WatchSession session, Iterable<WatchGroup> groups) {
        lock.lock();
        try {
            sessions.remove(session);
            for (WatchGroup group : groups) {
                unindex(group);
                watches -= group.synced.size() + group.lagging.size();
                lagging -= group.lagging.size();
                group.synced.clear();
                group.lagging.clear();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Adds a watch; gives the newest revision. */
    long add(Watcher watcher) {
        lock.lock();
        try {
            watches++;
            lagging++;
            watcher.next = watcher.startRevision() > 0 ? watcher.startRevision() : head + 1;
            watcher.group().lagging.add(watcher);
            sync(watcher.group());
            return head;
        } finally {
            lock.unlock();
        }
    }

    void remove(Watcher watcher) {
        WatchGroup group = watcher.group();
        lock.lock();
        try {
            if (group.lagging.remove(watcher)) {
                watches--;
                lagging--;
            } else if (group.synced.remove(watcher)) {
                watches--;
            }
            if (group.synced.isEmpty()) {
                unindex(group);
            }
        } finally {
            lock.unlock();
        }
    }

    /** From now on hands what is published to the watches of a group that were told everything. */
    void sync(Iterable<WatchGroup> groups) {
        lock.lock();
        try {
            groups.forEach(this::sync);
        } finally {
            lock.unlock();
        }
    }

    private void sync(WatchGroup group) {
        if (group.session.backlog().behind(group)) {
            return;
        }
        for (Iterator<Watcher> each = group.lagging.iterator(); each.hasNext(); ) {
            Watcher watcher = each.next();
            if (watcher.next > head) {
                each.remove();
                lagging--;
                group.synced.add(watcher);
            }
        }
        if (!group.synced.isEmpty()) {
            index(group);
        }
    }

    /** Takes what waits for a group: whole revisions. */
    WatchGroup.Taken take(WatchGroup group) {
        lock.lock();
        try {
            return group.session.backlog().take(group);
        } finally {
            lock.unlock();
        }
    }

    /** Lets the synced watches of a group that has fallen behind read from a revision on. */
    void unsync(WatchGroup group, long from) {
        lock.lock();
        try {
            for (Watcher watcher : group.synced) {
                watcher.next = Math.max(watcher.next, from);
            }
            lagging += group.synced.size();
            group.lagging.addAll(group.synced);
            group.synced.clear();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Revisions in order, some of those that have to be told next.
     *
     * @param next the first revision that was not looked at
     */
    record Part(List<Recorded.Revision> revisions, long next) {}

    /** Some revisions from the ring; null when it has not kept the first, or there are none. */
    @Nullable
    Part recent(long from, int maxRevisions, long maxBytes) {
        lock.lock();
        try {
            if (from < ringFirst || from > head) {
                return null;
            }
            List<Recorded.Revision> found = new ArrayList<>();
            long bytes = 0;
            long number = from;
            while (number <= head && found.size() < maxRevisions && bytes < maxBytes) {
                Recorded.Revision revision = ring[(int) (number % RING_REVISIONS)];
                if (revision != null) {
                    found.add(revision);
                    bytes += revision.bytes();
                }
                number++;
            }
            return new Part(found, number);
        } finally {
            lock.unlock();
        }
    }

    long head() {
        lock.lock();
        try {
            return head;
        } finally {
            lock.unlock();
        }
    }

    /** The newest revision if nothing waits for the session's synced watches, else -1. */
    long headFor(WatchSession session) {
        lock.lock();
        try {
            return session.backlog().idle() ? head : -1;
        } finally {
            lock.unlock();
        }
    }

    /** The newest revision if the watch was told everything, else -1. */
    long headFor(Watcher watcher) {
        WatchGroup group = watcher.group();
        lock.lock();
        try {
            return group.synced.contains(watcher) && group.session.backlog().idle(group) ? head : -1;
        } finally {
            lock.unlock();
        }
    }

    /** The oldest revision in memory; one more than the newest when there is none. */
    long ringFirst() {
        lock.lock();
        try {
            return ringFirst;
        } finally {
            lock.unlock();
        }
    }

    private void index(WatchGroup group) {
        if (group.indexed) {
            return;
        }
        group.indexed = true;
        WatchShape shape = group.shape;
        if (shape.rangeEnd().isEmpty()) {
            byKey.computeIfAbsent(shape.key(), key -> new LinkedHashSet<>()).add(group);
        } else {
            byRange.add(shape.key(), shape.rangeEnd(), group);
        }
    }

    private void unindex(WatchGroup group) {
        if (!group.indexed) {
            return;
        }
        group.indexed = false;
        WatchShape shape = group.shape;
        if (!shape.rangeEnd().isEmpty()) {
            byRange.remove(shape.key(), shape.rangeEnd(), group);
            return;
        }
        Set<WatchGroup> sameKey = byKey.get(shape.key());
        if (sameKey != null && sameKey.remove(group) && sameKey.isEmpty()) {
            byKey.remove(shape.key());
        }
    }

    // ---- for people and metrics

    int count() {
        lock.lock();
        try {
            return watches;
        } finally {
            lock.unlock();
        }
    }

    /** Watches that have to catch up. */
    int lagging() {
        lock.lock();
        try {
            return lagging;
        } finally {
            lock.unlock();
        }
    }

    List<WatchSession> sessions() {
        lock.lock();
        try {
            return List.copyOf(sessions);
        } finally {
            lock.unlock();
        }
    }
}
