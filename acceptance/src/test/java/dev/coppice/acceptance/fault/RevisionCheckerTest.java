package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.fault.KeyValueModel.Compare;
import dev.coppice.acceptance.fault.KeyValueModel.Get;
import dev.coppice.acceptance.fault.KeyValueModel.Put;
import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Answers that fit the changes of a store, and answers that do not. */
class RevisionCheckerTest {
    private final History history = new History();
    private final WatchLog log = new WatchLog("watcher");

    private void changed(long revision, String key, String value, long created, long version) {
        log.add(new WatchLog.Told(revision, List.of(new Change(revision, key, value, created, version)), 0));
    }

    private static Operation<Request, Response> answered(
            long invoked, long returned, Request request, long revision, @Nullable String... values) {
        return new Operation<>(0, request, new Response(true, Arrays.asList(values), revision), invoked, returned);
    }

    private static Request put(String value) {
        return Request.of(new Put("k/a", value));
    }

    private static Request get() {
        return Request.of(new Get("k/a"));
    }

    private List<String> problems() {
        return RevisionChecker.check(history, Changes.merge(List.of(log), 1, log.seen()), "k/");
    }

    private void isWrong(String why) {
        assertThat(problems()).anyMatch(each -> each.contains(why));
    }

    private void two() {
        changed(2, "k/a", "1", 2, 1);
        changed(3, "k/a", "2", 2, 2);
        history.add(answered(1, 2, put("1"), 2, (String) null));
        history.add(answered(3, 4, put("2"), 3, "1"));
    }

    @Test
    void theTruthIsRight() {
        two();
        history.add(answered(5, 6, get(), 3, "2"));
        history.addStale(answered(5, 6, get(), 2, "1"));
        assertThat(problems()).isEmpty();
    }

    @Test
    void anAcknowledgedWriteThatIsLost() {
        two();
        history.add(answered(5, 6, put("3"), 4, "2"));
        isWrong("is not what was acknowledged");
    }

    @Test
    void aReadOfAnotherTimeThanItTells() {
        two();
        history.addStale(answered(5, 6, get(), 2, "2"));
        isWrong("a replay of all changes");
    }

    @Test
    void aReadThatIsOld() {
        two();
        history.add(answered(5, 6, get(), 2, "1"));
        isWrong("goes back");
    }

    @Test
    void aWriteThatHappensTwice() {
        two();
        history.add(Operation.unknown(1, put("3"), 5));
        changed(4, "k/a", "3", 2, 3);
        assertThat(problems()).isEmpty();
        changed(5, "k/a", "3", 2, 4);
        isWrong("happened twice");
    }

    @Test
    void aWriteThatNobodyAskedFor() {
        two();
        changed(4, "k/a", "9", 2, 3);
        isWrong("nobody asked for");
    }

    @Test
    void aRefusedWriteThatHappens() {
        two();
        history.addRefused(put("9"));
        changed(4, "k/a", "9", 2, 3);
        isWrong("was refused happened");
    }

    @Test
    void oneRevisionForTwoWrites() {
        two();
        history.add(answered(3, 4, put("3"), 3, "1"));
        isWrong("the same revision");
    }

    @Test
    void aComparisonThatDoesNotHold() {
        two();
        history.add(answered(
                5, 6, new Request(List.of(new Compare("k/a", "1")), List.of(new Get("k/a")), List.of()), 3, "2"));
        isWrong("a replay of all changes");
    }
}
