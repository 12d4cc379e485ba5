package dev.coppice.store;

import java.time.Duration;
import java.util.ArrayDeque;

/**
 * Decides when a keyspace is compacted by itself and how far, at the times that etcd does it. By revisions: every five minutes. By
 * age: for the first time after that time, then again after it or after an hour, whichever is less, to the oldest of the
 * revisions that were noted meanwhile, ten in that interval. Used by one thread.
 *
 * @see <a href="https://etcd.io/docs/v3.5/op-guide/maintenance/#auto-compaction">auto compaction</a>
 */
final class AutoCompaction {

    private static final long REVISIONS_EVERY_NANOS = Duration.ofMinutes(5).toNanos();
    private static final long LONGEST_INTERVAL_NANOS = Duration.ofHours(1).toNanos();
    private static final int PARTS = 10;

    private final Retention retention;
    private final ArrayDeque<Long> noted = new ArrayDeque<>();
    private boolean begun;
    private boolean first = true;
    private long nextNanos;
    private long doneNanos;
    private long doneRevision;

    AutoCompaction(Retention retention) {
        this.retention = retention;
    }

    /**
     * Looks at the time and the newest revision.
     *
     * @return the revision to compact to; 0 when nothing is to be done
     */
    long due(long nowNanos, long revision) {
        return switch (retention) {
            case Retention.Everything ignored -> 0;
            case Retention.Revisions kept -> {
                if (!turn(nowNanos, REVISIONS_EVERY_NANOS)) {
                    yield 0;
                }
                long target = revision - kept.number();
                yield target > 0 && target != doneRevision ? target : 0;
            }
            case Retention.Age kept -> {
                long time = kept.time().toNanos();
                long interval = Math.min(time, LONGEST_INTERVAL_NANOS);
                long part = interval / PARTS;
                boolean turn = turn(nowNanos, part);
                long target = 0;
                if (turn) {
                    long oldest = noted.getFirst();
                    boolean late = nowNanos - doneNanos >= (first ? time : interval);
                    target = late && oldest != doneRevision ? oldest : 0;
                }
                if (turn || noted.isEmpty()) {
                    noted.addLast(revision);
                    if (noted.size() > time / part + 1) {
                        noted.removeFirst();
                    }
                }
                yield target;
            }
        };
    }

    /** Takes note that the keyspace was compacted; without that it is tried again. */
    void done(long nowNanos, long revision) {
        first = false;
        doneNanos = nowNanos;
        doneRevision = revision;
    }

    /** Whether so much time has passed since the last look that counted. */
    private boolean turn(long nowNanos, long everyNanos) {
        if (!begun) {
            begun = true;
            doneNanos = nowNanos;
            nextNanos = nowNanos + everyNanos;
            return false;
        }
        if (nowNanos < nextNanos) {
            return false;
        }
        nextNanos = nowNanos + everyNanos;
        return true;
    }
}
