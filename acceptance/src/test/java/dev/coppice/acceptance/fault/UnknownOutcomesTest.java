package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.fault.KeyValueModel.Delete;
import dev.coppice.acceptance.fault.KeyValueModel.Put;
import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import java.util.List;
import java.util.Optional;
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
}
