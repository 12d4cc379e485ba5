package dev.coppice.acceptance.fault;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Whether a watcher was told what etcd promises: everything, once, in the order of revisions, all changes of one revision
 * together, nothing from before its start, and nothing behind a progress note that the note covers.
 *
 * @see <a href="https://etcd.io/docs/v3.5/learning/api_guarantees/#watch-apis">etcd's guarantees</a>
 */
final class WatchChecker {

    private static final int MAX_PROBLEMS = 20;

    private final WatchLog log;
    private final Changes changes;
    private final List<String> problems = new ArrayList<>();
    private final Set<Change> told = new HashSet<>();
    private long start;

    /** Where it began; 0 before that. A watcher that began late was not told of what is before. */
    private long firstStart;

    private long last;
    private long covered;

    private WatchChecker(WatchLog log, Changes changes) {
        this.log = log;
        this.changes = changes;
        this.last = changes.after();
        this.covered = changes.after();
    }

    /** What is wrong; empty when nothing is. */
    static List<String> check(WatchLog log, Changes changes) {
        return new WatchChecker(log, changes).check();
    }

    private List<String> check() {
        for (WatchLog.Entry entry : log.entries()) {
            switch (entry) {
                case WatchLog.Opened opened -> {
                    start = opened.startRevision();
                    firstStart = firstStart == 0 ? start : firstStart;
                }
                case WatchLog.Told some -> told(some);
                case WatchLog.Progress progress -> progress(progress.revision());
                case WatchLog.Cancelled cancelled -> problem("was ended by the node: " + cancelled);
            }
        }
        List<Change> missed = changes.between(Math.max(changes.after() + 1, firstStart), changes.last()).stream()
                .filter(each -> !told.contains(each))
                .toList();
        for (Change each : missed) {
            problem("was never told " + each);
        }
        return problems;
    }

    private void told(WatchLog.Told some) {
        long before = last;
        for (Change each : some.changes()) {
            if (each.revision() < start) {
                problem("was told " + each + " although it asked for " + start + " and later");
            }
            if (each.revision() < last) {
                problem("was told " + each + " after revision " + last);
            } else if (each.revision() == before) {
                problem("was told the changes of revision " + before + " in two parts, or twice: " + each);
            }
            if (each.revision() <= covered) {
                problem("was told " + each + " after a note that it had been told everything up to " + covered);
            }
            if (each.revision() > some.headerRevision()) {
                problem("was told " + each + " by an answer of revision " + some.headerRevision());
            }
            if (!told.add(each)) {
                problem("was told twice " + each);
            }
            last = Math.max(last, each.revision());
        }
    }

    private void progress(long revision) {
        // A note may be of an earlier revision than the last change, when it was on its way before.
        List<Change> missing =
                changes.between(Math.max(changes.after() + 1, start), Math.min(revision, changes.last())).stream()
                        .filter(each -> !told.contains(each))
                        .sorted(Comparator.comparingLong(Change::revision))
                        .toList();
        if (!missing.isEmpty()) {
            problem("got a note that it had been told everything up to " + revision + ", but not yet "
                    + missing.getFirst());
        }
        covered = Math.max(covered, revision);
    }

    private void problem(String text) {
        if (problems.size() < MAX_PROBLEMS) {
            problems.add(log.name() + " " + text);
        }
    }
}
