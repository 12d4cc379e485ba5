package dev.coppice.acceptance.fault;

import java.util.ArrayList;
import java.util.List;

/** What one watcher of all keys was told, in order, over all its connections. Safe for use by many threads. */
final class WatchLog {

    sealed interface Entry {}

    /** It asked for everything from a revision on: at its begin, or after it had lost a connection. */
    record Opened(long startRevision) implements Entry {}

    /** One answer with changes. */
    record Told(long headerRevision, List<Change> changes, long atNanos) implements Entry {}

    /** The watcher has been told everything up to this revision. */
    record Progress(long revision) implements Entry {}

    /** The node ended the watch; with a revision that is not zero because what was asked for is compacted. */
    record Cancelled(long compactRevision, String reason) implements Entry {}

    private final String name;
    private final List<Entry> entries = new ArrayList<>();
    private long seen;

    WatchLog(String name) {
        this.name = name;
    }

    String name() {
        return name;
    }

    synchronized void add(Entry entry) {
        entries.add(entry);
        if (entry instanceof Told told && !told.changes.isEmpty()) {
            seen = Math.max(seen, told.changes.getLast().revision());
            notifyAll();
        }
    }

    synchronized List<Entry> entries() {
        return List.copyOf(entries);
    }

    /** The newest revision of which it was told a change. */
    synchronized long seen() {
        return seen;
    }

    synchronized boolean awaitSeen(long revision, long millis) throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        while (seen < revision) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }
}
