package dev.coppice.store;

import java.time.Duration;
import java.util.ArrayDeque;

/**
 * Decides when a keyspace is compacted by itself and how far, as etcd does: by revisions every five minutes; by age a tenth of
 * that time after a tenth of it, from revisions noted meanwhile. Used by one thread.
 */
final class AutoCompaction {

    private static final long REVISIONS_EVERY_NANOS = Duration.ofMinutes(5).toNanos();
    private static final int PARTS = 10;

    private record Noted(long nanos, long revision) {}

    private final Retention retention;
    private final ArrayDeque<Noted> noted = new ArrayDeque<>();

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
                if (!note(nowNanos, revision, REVISIONS_EVERY_NANOS)) {
                    yield 0;
                }
                while (noted.size() > 1) {
                    noted.removeFirst();
                }
                yield Math.max(0, revision - kept.number());
            }
            case Retention.Age kept -> {
                long time = kept.time().toNanos();
                if (!note(nowNanos, revision, time / PARTS)) {
                    yield 0;
                }
                long reached = 0;
                while (!noted.isEmpty() && nowNanos - noted.getFirst().nanos() >= time) {
                    reached = noted.removeFirst().revision();
                }
                yield reached;
            }
        };
    }

    /** Notes the revision, unless that was done shortly before. */
    private boolean note(long nowNanos, long revision, long everyNanos) {
        if (!noted.isEmpty() && nowNanos - noted.getLast().nanos() < everyNanos) {
            return false;
        }
        noted.addLast(new Noted(nowNanos, revision));
        return true;
    }
}
