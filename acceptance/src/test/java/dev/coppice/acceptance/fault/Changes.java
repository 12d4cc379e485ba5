package dev.coppice.acceptance.fault;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All changes of a store in a span of revisions, put together from what several watchers were told. What one was not told
 * another one was: so a change that only one watcher missed, or that two were told differently, is seen.
 */
final class Changes {

    private final long after;
    private final TreeMap<Long, TreeMap<String, Change>> byRevision = new TreeMap<>();
    private final Map<Long, Long> toldNanos = new HashMap<>();
    private final List<String> problems = new ArrayList<>();

    private Changes(long after) {
        this.after = after;
    }

    /**
     * @param after the span begins behind this revision
     * @param until and ends with this one
     */
    static Changes merge(Collection<WatchLog> logs, long after, long until) {
        Changes merged = new Changes(after);
        for (WatchLog log : logs) {
            for (WatchLog.Entry entry : log.entries()) {
                if (entry instanceof WatchLog.Told told) {
                    told.changes().stream()
                            .filter(each -> each.revision() > after && each.revision() <= until)
                            .forEach(each -> {
                                merged.add(log, each);
                                merged.toldNanos.merge(each.revision(), told.atNanos(), Math::min);
                            });
                }
            }
        }
        for (long revision = after + 1; revision <= until; revision++) {
            if (!merged.byRevision.containsKey(revision)) {
                merged.problems.add("no watcher was told of any change with revision " + revision
                        + ", and each revision has one (the span is " + after + " to " + until + ")");
            }
        }
        merged.replay();
        return merged;
    }

    private void add(WatchLog log, Change change) {
        Change other = byRevision
                .computeIfAbsent(change.revision(), _ -> new TreeMap<>())
                .putIfAbsent(change.key(), change);
        if (other != null && !other.equals(change)) {
            problems.add(log.name() + " was told " + change + ", another watcher " + other);
        }
    }

    /** Versions and revisions of creation follow from the changes before. */
    private void replay() {
        Map<String, @Nullable Change> last = new HashMap<>();
        for (Map<String, Change> together : byRevision.values()) {
            for (Change change : together.values()) {
                boolean known = last.containsKey(change.key());
                Change before = last.put(change.key(), change);
                if (change.value() == null) {
                    if (known && (before == null || before.value() == null)) {
                        problems.add(change + " deletes what was not there");
                    }
                    continue;
                }
                boolean created = known && (before == null || before.value() == null);
                long version = created ? 1 : before == null ? change.version() : before.version() + 1;
                long creation = created
                        ? change.revision()
                        : before == null ? change.createRevision() : before.createRevision();
                if (change.version() != version || change.createRevision() != creation) {
                    problems.add(change + " should have version " + version + " and have been created at " + creation
                            + ": the change before is " + before);
                }
            }
        }
    }

    List<String> problems() {
        return problems;
    }

    long after() {
        return after;
    }

    /** The changes with a revision, ordered by key; empty when there is none. */
    Collection<Change> at(long revision) {
        TreeMap<String, Change> found = byRevision.get(revision);
        return found == null ? List.of() : found.values();
    }

    /** When the first watcher was told the changes with a revision. */
    long toldNanos(long revision) {
        return toldNanos.getOrDefault(revision, Long.MAX_VALUE);
    }

    /** All changes in a span, ordered by revision, then key. */
    List<Change> between(long from, long to) {
        if (from > to) {
            return List.of();
        }
        return byRevision.subMap(from, true, to, true).values().stream()
                .flatMap(each -> each.values().stream())
                .sorted(Comparator.comparingLong(Change::revision).thenComparing(Change::key))
                .toList();
    }

    long last() {
        return byRevision.isEmpty() ? after : byRevision.lastKey();
    }
}
