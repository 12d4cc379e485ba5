package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.fault.KeyValueModel.Delete;
import dev.coppice.acceptance.fault.KeyValueModel.Get;
import dev.coppice.acceptance.fault.KeyValueModel.Put;
import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What watchers give away about operations of unknown outcome. */
class UnknownOutcomesTest {
    private final WatchLog log = new WatchLog("watcher");

    private Optional<Operation<Request, Response>> resolved(Request request) {
        log.add(new WatchLog.Told(2, List.of(new Change(2, "k", "seen", 2, 1)), 50));
        return new UnknownOutcomes(Changes.merge(List.of(log), 1, log.seen()), List.of())
                .resolve(Operation.unknown(0, request, 10));
    }

    @Test
    void whatWasSeenHappenedBefore() {
        Operation<Request, Response> found =
                resolved(Request.of(new Put("k", "seen"))).orElseThrow();
        assertThat(found.returnedNanos()).isEqualTo(50);
        assertThat(found.output()).isEqualTo(new Response(true, null, 2));
    }

    @Test
    void whatWasNotSeenDidNotHappen() {
        assertThat(resolved(Request.of(new Put("k", "never")))).isEmpty();
    }

    @Test
    void aDeletionThatRemovedNothingIsNone() {
        assertThat(resolved(Request.of(new Delete("k")))).isEmpty();
    }

    @Test
    void aDeletionMayBeTheOneThatWasSeen() {
        log.add(new WatchLog.Told(2, List.of(new Change(2, "k", "seen", 2, 1)), 40));
        log.add(new WatchLog.Told(3, List.of(new Change(3, "k", null, 0, 0)), 60));
        Operation<Request, Response> found =
                resolved(Request.of(new Delete("k"))).orElseThrow();
        assertThat(found.known()).isFalse();
        assertThat(found.returnedNanos()).isEqualTo(60);
    }

    /** Its answer has the revision of the store, which is that of the deletion whose client was not told. */
    @Test
    void aWriteThatChangedNothingClaimsNoDeletion() {
        log.add(new WatchLog.Told(2, List.of(new Change(2, "k", "seen", 2, 1)), 20));
        log.add(new WatchLog.Told(3, List.of(new Change(3, "k", null, 0, 0)), 40));
        Operation<Request, Response> put =
                new Operation<>(0, Request.of(new Put("k", "seen")), new Response(true, none(), 2), 5, 10);
        Operation<Request, Response> unknown = Operation.unknown(1, Request.of(new Delete("k")), 15);
        Operation<Request, Response> late =
                new Operation<>(0, Request.of(new Delete("k")), new Response(true, none(), 3), 50, 60);
        List<Operation<Request, Response>> resolved =
                UnknownOutcomes.resolve(Changes.merge(List.of(log), 1, 3), List.of(put, unknown, late));
        assertThat(resolved).hasSize(3);
        assertThat(LinearizabilityChecker.check(new KeyValueModel(), resolved))
                .isInstanceOf(Verdict.Linearizable.class);
    }

    /** As a node leaves it that is away for some seconds: many clients that do not know, and one that reads later. */
    @Test
    void theSearchIsNotGivenUpForWhatWatchersKnow() {
        List<Operation<Request, Response>> operations = new ArrayList<>();
        log.add(new WatchLog.Told(2, List.of(new Change(2, "k", "0", 2, 1)), 30));
        operations.add(new Operation<>(0, Request.of(new Put("k", "0")), new Response(true, none(), 2), 5, 10));
        for (int i = 1; i <= 40; i++) {
            operations.add(Operation.unknown(i, Request.of(new Put("k", Integer.toString(i))), 10 + i));
        }
        List<String> value = Collections.singletonList("0");
        for (int i = 0; i < 20; i++) {
            operations.add(new Operation<>(
                    0, Request.of(new Get("k")), new Response(true, value, 2), 100 + 2 * i, 101 + 2 * i));
        }
        Changes changes = Changes.merge(List.of(log), 1, 2);
        assertThat(LinearizabilityChecker.check(
                        new KeyValueModel(), UnknownOutcomes.resolve(changes, operations), 1000))
                .isInstanceOf(Verdict.Linearizable.class);
        operations.add(new Operation<>(
                0, Request.of(new Get("k")), new Response(true, Collections.singletonList("7"), 2), 200, 201));
        assertThat(LinearizabilityChecker.check(
                        new KeyValueModel(), UnknownOutcomes.resolve(changes, operations), 1000))
                .as("what no watcher was told")
                .isInstanceOf(Verdict.Violation.class);
    }

    private static List<@Nullable String> none() {
        return Collections.singletonList(null);
    }
}
