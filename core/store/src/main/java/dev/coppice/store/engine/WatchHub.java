package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hands every revision of a keyspace to the watches that wish for it. Recent revisions stay in a ring in memory; a watch
 * that is further behind reads them from the disk. Watches that keep up are found by key, by prefix or by range; those
 * that don't are left out until they have caught up, which is decided under the same lock as publishing, so that they
 * miss nothing and see nothing twice. Safe for use by many threads.
 */
final class WatchHub {

    private static final int RING_REVISIONS = 8192;
    private static final long RING_BYTES = 8L << 20;

    private final ReentrantLock lock = new ReentrantLock();
    private final Recorded.@Nullable Revision[] ring = new Recorded.Revision[RING_REVISIONS];
    private long ringFirst;
    private long ringBytes;
    private long head;

    private final Map<ByteString, Set<Watcher>> byKey = new HashMap<>();
    private final TreeMap<Integer, Map<ByteString, Set<Watcher>>> byPrefix = new TreeMap<>();
    private final Set<Watcher> byRange = new HashSet<>();
    private final Set<Watcher> all = new HashSet<>();

    WatchHub(long head) {
        this.head = head;
        this.ringFirst = head + 1;
    }

    /** Tells what was applied and written; called by the applying thread, in order. */
    void publish(List<Recorded.Revision> revisions) {
        Set<Watcher> touched = new LinkedHashSet<>();
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
        touched.forEach(Watcher::wake);
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

    private void offer(Recorded event, Set<Watcher> touched) {
        ByteString key = event.event().getKv().getKey();
        Set<Watcher> exact = byKey.get(key);
        if (exact != null) {
            offer(exact, event, touched);
        }
        for (Map.Entry<Integer, Map<ByteString, Set<Watcher>>> each : byPrefix.entrySet()) {
            if (each.getKey() > key.size()) {
                break;
            }
            Set<Watcher> found = each.getValue().get(key.substring(0, each.getKey()));
            if (found != null) {
                offer(found, event, touched);
            }
        }
        for (Watcher watcher : byRange) {
            if (watcher.contains(key) && watcher.offer(event)) {
                touched.add(watcher);
            }
        }
    }

    private static void offer(Set<Watcher> watchers, Recorded event, Set<Watcher> touched) {
        for (Watcher watcher : watchers) {
            if (watcher.offer(event)) {
                touched.add(watcher);
            }
        }
    }

    /**
     * Goes on at another revision, without the events in between: whoever had seen everything up to now is behind, and reads
     * on from the disk.
     */
    void jump(long revision) {
        lock.lock();
        try {
            for (Watcher watcher : all) {
                unindex(watcher);
                watcher.fallBehindFrom(head + 1);
            }
            Arrays.fill(ring, null);
            ringBytes = 0;
            head = revision;
            ringFirst = revision + 1;
        } finally {
            lock.unlock();
        }
    }

    /** Adds a watch that starts after everything published so far; gives the newest revision. */
    long addAtHead(Watcher watcher) {
        lock.lock();
        try {
            all.add(watcher);
            index(watcher);
            return head;
        } finally {
            lock.unlock();
        }
    }

    /** Adds a watch that has to catch up first; gives the newest revision. */
    long addBehind(Watcher watcher) {
        lock.lock();
        try {
            all.add(watcher);
            return head;
        } finally {
            lock.unlock();
        }
    }

    /**
     * What a watch that is behind gets next: null when it has caught up, and from now on is handed what is published; an
     * empty list when it has to read the disk; else some revisions from the ring, beginning with {@code from}.
     */
    @Nullable
    List<Recorded.Revision> next(Watcher watcher, long from, int limit) {
        lock.lock();
        try {
            if (from > head) {
                if (all.contains(watcher)) {
                    watcher.caughtUp();
                    index(watcher);
                }
                return null;
            }
            if (from < ringFirst) {
                return List.of();
            }
            List<Recorded.Revision> found = new ArrayList<>();
            for (long number = from; number <= head && found.size() < limit; number++) {
                Recorded.Revision revision = ring[(int) (number % RING_REVISIONS)];
                if (revision != null) {
                    found.add(revision);
                }
            }
            return found;
        } finally {
            lock.unlock();
        }
    }

    /** The newest revision if nothing waits for the watch, else -1: that is how far it has delivered everything. */
    long progress(Watcher watcher) {
        lock.lock();
        try {
            return watcher.idle() ? head : -1;
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

    void remove(Watcher watcher) {
        lock.lock();
        try {
            all.remove(watcher);
            unindex(watcher);
        } finally {
            lock.unlock();
        }
    }

    private void index(Watcher watcher) {
        ByteString prefix = watcher.prefix();
        if (watcher.rangeEnd().isEmpty()) {
            byKey.computeIfAbsent(watcher.key(), key -> new LinkedHashSet<>()).add(watcher);
        } else if (prefix != null) {
            byPrefix.computeIfAbsent(prefix.size(), size -> new HashMap<>())
                    .computeIfAbsent(prefix, key -> new LinkedHashSet<>())
                    .add(watcher);
        } else {
            byRange.add(watcher);
        }
    }

    private void unindex(Watcher watcher) {
        ByteString prefix = watcher.prefix();
        if (watcher.rangeEnd().isEmpty()) {
            removeFrom(byKey, watcher.key(), watcher);
        } else if (prefix != null) {
            Map<ByteString, Set<Watcher>> sameLength = byPrefix.get(prefix.size());
            if (sameLength != null) {
                removeFrom(sameLength, prefix, watcher);
                if (sameLength.isEmpty()) {
                    byPrefix.remove(prefix.size());
                }
            }
        } else {
            byRange.remove(watcher);
        }
    }

    private static void removeFrom(Map<ByteString, Set<Watcher>> index, ByteString key, Watcher watcher) {
        Set<Watcher> watchers = index.get(key);
        if (watchers != null && watchers.remove(watcher) && watchers.isEmpty()) {
            index.remove(key);
        }
    }

    int count() {
        lock.lock();
        try {
            return all.size();
        } finally {
            lock.unlock();
        }
    }

    List<Watcher> watchers() {
        lock.lock();
        try {
            return List.copyOf(all);
        } finally {
            lock.unlock();
        }
    }
}
