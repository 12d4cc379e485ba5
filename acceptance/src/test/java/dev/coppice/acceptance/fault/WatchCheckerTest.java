package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Watchers that were told the truth, and watchers that were not. */
class WatchCheckerTest {
    private static final Change A = new Change(2, "a", "1", 2, 1);
    private static final Change B = new Change(3, "b", "1", 3, 1);
    private static final Change A2 = new Change(4, "a", "2", 2, 2);
    private static final Change B2 = new Change(4, "b", null, 0, 0);
    private static final Change C = new Change(5, "c", "1", 5, 1);

    private final WatchLog right = told(List.of(A), List.of(B), List.of(A2, B2), List.of(C));
    private final Changes changes = Changes.merge(List.of(right), 1, 5);

    @SafeVarargs
    private static WatchLog told(List<Change>... answers) {
        WatchLog log = new WatchLog("watcher");
        log.add(new WatchLog.Opened(2));
        for (List<Change> each : answers) {
            log.add(new WatchLog.Told(5, each, 0));
        }
        return log;
    }

    private void isWrong(WatchLog log, String why) {
        assertThat(WatchChecker.check(log, changes)).anyMatch(each -> each.contains(why));
    }

    @Test
    void theTruthIsRight() {
        assertThat(changes.problems()).isEmpty();
        assertThat(WatchChecker.check(right, changes)).isEmpty();
        assertThat(WatchChecker.check(told(List.of(A, B), List.of(A2, B2, C)), changes))
                .isEmpty();
    }

    @Test
    void aGap() {
        isWrong(told(List.of(A), List.of(A2, B2), List.of(C)), "never told Change[revision=3");
    }

    @Test
    void theEndMissing() {
        isWrong(told(List.of(A), List.of(B), List.of(A2, B2)), "never told Change[revision=5");
    }

    @Test
    void aWatcherThatBeganLateIsTheTruthFromThere() {
        WatchLog late = new WatchLog("late watcher");
        late.add(new WatchLog.Opened(4));
        late.add(new WatchLog.Told(5, List.of(A2, B2), 0));
        isWrong(late, "never told Change[revision=5");
        late.add(new WatchLog.Told(5, List.of(C), 0));
        assertThat(WatchChecker.check(late, changes)).isEmpty();
    }

    @Test
    void aDuplicate() {
        isWrong(told(List.of(A), List.of(B), List.of(B), List.of(A2, B2), List.of(C)), "told twice");
    }

    @Test
    void anotherOrder() {
        isWrong(told(List.of(B), List.of(A), List.of(A2, B2), List.of(C)), "after revision 3");
    }

    @Test
    void aTransactionInTwoParts() {
        isWrong(told(List.of(A), List.of(B), List.of(A2), List.of(B2), List.of(C)), "in two parts");
    }

    @Test
    void somethingFromBeforeTheStart() {
        WatchLog log = told(List.of(A), List.of(B));
        log.add(new WatchLog.Opened(5));
        log.add(new WatchLog.Told(5, List.of(A2, B2), 0));
        isWrong(log, "asked for 5 and later");
    }

    @Test
    void aProgressNoteThatIsTooNew() {
        WatchLog log = told(List.of(A), List.of(B));
        log.add(new WatchLog.Progress(4));
        log.add(new WatchLog.Told(5, List.of(A2, B2), 0));
        isWrong(log, "not yet Change[revision=4");
        isWrong(log, "after a note");
    }

    @Test
    void aProgressNoteThatIsRight() {
        WatchLog log = told(List.of(A), List.of(B));
        log.add(new WatchLog.Progress(3));
        log.add(new WatchLog.Told(5, List.of(A2, B2, C), 0));
        log.add(new WatchLog.Progress(5));
        assertThat(WatchChecker.check(log, changes)).isEmpty();
    }

    @Test
    void aChangeNewerThanItsAnswer() {
        WatchLog log = told(List.of(A), List.of(B), List.of(A2, B2));
        log.add(new WatchLog.Told(4, List.of(C), 0));
        isWrong(log, "by an answer of revision 4");
    }

    @Test
    void watchersThatWereToldDifferentThings() {
        WatchLog other = told(List.of(new Change(2, "a", "other", 2, 1)));
        assertThat(Changes.merge(List.of(right, other), 1, 5).problems())
                .anyMatch(each -> each.contains("another watcher"));
    }

    @Test
    void aRevisionWithoutAnyChange() {
        assertThat(Changes.merge(List.of(told(List.of(A), List.of(A2, B2))), 1, 4)
                        .problems())
                .anyMatch(each -> each.contains("any change with revision 3"));
    }

    @Test
    void versionsThatDoNotFollow() {
        Change wrong = new Change(4, "a", "2", 2, 7);
        assertThat(Changes.merge(List.of(told(List.of(A), List.of(B), List.of(wrong))), 1, 4)
                        .problems())
                .anyMatch(each -> each.contains("should have version 2"));
    }
}
