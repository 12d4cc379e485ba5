package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Request;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.gateway.authentication.TestSessionEnds;
import dev.coppice.gateway.kind.EndedSessionSpec;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.NoStatus;
import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** What an issuer ended at one gateway is ended at all, in whatever order they hear of it, and for no longer than it has to be known. */
class EndedSessionReconcilerTest {
    private static final ResourceType TYPE = GatewayKinds.ENDED_SESSION.type();

    private final SimulatedClock clock = new SimulatedClock();
    private final FakeResourceClient api = new FakeResourceClient(clock);
    private final List<Gateway> all = new ArrayList<>();
    private final Gateway leader = new Gateway(true);
    private final Gateway other = new Gateway(false);

    /** One of them. Its informer is never late. */
    private final class Gateway implements Informer<EndedSessionSpec, NoStatus> {
        final TestSessionEnds sessions = new TestSessionEnds(clock, null);
        final Set<Key> woken = new LinkedHashSet<>();
        double untold;
        boolean begun;
        final EndedSessionReconciler reconciler;

        Gateway(boolean deletes) {
            sessions.policy(true);
            reconciler = new EndedSessionReconciler(sessions.ends, this, clock, () -> deletes, count -> untold = count);
            all.add(this);
        }

        @Override
        public Optional<Resource<EndedSessionSpec, NoStatus>> get(Key key) {
            return api.get(TYPE, "", key.name()).map(each -> RecordInformer.read(GatewayKinds.ENDED_SESSION, each));
        }

        @Override
        public List<Resource<EndedSessionSpec, NoStatus>> list() {
            return api.list(TYPE, Query.ALL).items().stream()
                    .map(each -> RecordInformer.read(GatewayKinds.ENDED_SESSION, each))
                    .toList();
        }

        @Override
        public AutoCloseable observe(
                BiConsumer<
                                Optional<Resource<EndedSessionSpec, NoStatus>>,
                                Optional<Resource<EndedSessionSpec, NoStatus>>>
                        observer) {
            throw new UnsupportedOperationException();
        }

        void begin() {
            begun = true;
            reconciler.begin(woken::add);
        }
    }

    /** Until nobody has anything to do, as each write wakes everybody. */
    private void settle() {
        while (true) {
            Gateway next = all.stream()
                    .filter(each -> !each.woken.isEmpty())
                    .findFirst()
                    .orElse(null);
            if (next == null) {
                return;
            }
            Key key = next.woken.iterator().next();
            next.woken.remove(key);
            List<ObjectNode> before = objects();
            Result _ = next.reconciler.reconcile(new Request<>(key, next.get(key), api));
            if (!objects().equals(before)) {
                all.stream().filter(each -> each.begun).forEach(each -> each.woken.add(key));
            }
        }
    }

    private List<ObjectNode> objects() {
        return api.list(TYPE, Query.ALL).items();
    }

    private void wakeAll() {
        all.forEach(each -> each.reconciler.changed());
        settle();
    }

    @Test
    void aLogoutAtOneIsALogoutAtAll() throws Exception {
        all.forEach(Gateway::begin);
        settle();
        long now = clock.currentTimeMillis();
        other.sessions.end("s", "alice");
        other.sessions.end(null, "bob");
        assertThat(leader.sessions.has("s", "alice", now)).isFalse();
        settle();
        for (Gateway each : all) {
            assertThat(each.sessions.has("s", "alice", now)).isTrue();
            assertThat(each.sessions.has(null, "alice", now)).isTrue();
            assertThat(each.sessions.has("b", "bob", now)).isTrue();
            assertThat(each.sessions.has("c", "carol", now)).isFalse();
        }
        assertThat(objects()).hasSize(3).allSatisfy(each -> {
            assertThat(each.at("/spec/issuer").asText()).isEqualTo("https://issuer.example");
            assertThat(each.toString()).doesNotContain("alice", "bob");
        });
        clock.advance(Duration.ofMinutes(5));
        leader.sessions.end(null, "bob");
        settle();
        assertThat(other.sessions.has("b", "bob", now + 300_000)).isTrue();
        assertThat(objects()).hasSize(3);
    }

    @Test
    void whoComesLaterKnowsWhatEndedBeforeAndTellsWhatItHas() throws Exception {
        leader.begin();
        settle();
        leader.sessions.end("s", null);
        settle();
        other.sessions.end("t", null);
        assertThat(other.sessions.has("s", "alice", 0)).isFalse();
        other.begin();
        settle();
        assertThat(other.sessions.has("s", "alice", 0)).isTrue();
        assertThat(leader.sessions.has("t", "alice", 0)).isTrue();
        // Its policy comes last.
        Gateway third = new Gateway(false);
        third.sessions.policy(false);
        third.begin();
        settle();
        third.sessions.policy(true);
        settle();
        assertThat(third.sessions.has("s", "alice", 0)).isTrue();
    }

    @Test
    void whatCannotBeToldIsToldWhenItCan() throws Exception {
        all.forEach(Gateway::begin);
        settle();
        api.fail(call -> call.startsWith("create")
                ? Optional.of(FakeResourceClient.error(503, "ServiceUnavailable", "away"))
                : Optional.empty());
        leader.sessions.end("s", null);
        Key key = leader.woken.iterator().next();
        leader.woken.clear();
        Result result = leader.reconciler.reconcile(new Request<>(key, Optional.empty(), api));
        assertThat(result.after()).isEqualTo(Duration.ofSeconds(1));
        assertThat(leader.untold).isEqualTo(1);
        api.fail(_ -> Optional.empty());
        leader.woken.add(key);
        settle();
        assertThat(leader.untold).isZero();
        assertThat(other.sessions.has("s", "alice", 0)).isTrue();
    }

    @Test
    void itIsDeletedByOneWhenNoSuchSessionCanBeThere() throws Exception {
        all.forEach(Gateway::begin);
        other.sessions.end("s", null);
        settle();
        clock.advance(Duration.ofMillis(TestSessionEnds.LIFETIME));
        wakeAll();
        assertThat(objects()).as("clocks differ").hasSize(1);
        Key key = new Key("", objects().getFirst().at("/metadata/name").asText());
        assertThat(leader.reconciler
                        .reconcile(new Request<>(key, leader.get(key), api))
                        .after())
                .isEqualTo(Duration.ofMinutes(1));
        clock.advance(Duration.ofMinutes(1));
        other.reconciler.changed();
        settle();
        assertThat(objects()).as("deleted by the leader only").hasSize(1);
        wakeAll();
        assertThat(objects()).isEmpty();
    }

    @Test
    void whoDeletesItBeforeBeginsNoSession() throws Exception {
        all.forEach(Gateway::begin);
        other.sessions.end("s", null);
        settle();
        String name = objects().getFirst().at("/metadata/name").asText();
        assertThat(api.delete(TYPE, "", name)).isTrue();
        all.forEach(each -> each.woken.add(new Key("", name)));
        settle();
        assertThat(objects()).hasSize(1);
    }

    @Test
    void whenThereAreTooManyAllOfBeforeHaveEndedEverywhere() throws Exception {
        all.forEach(Gateway::begin);
        long start = clock.currentTimeMillis();
        for (int i = 0; i < 12; i++) {
            clock.advance(Duration.ofMillis(1));
            other.sessions.end("s" + i, null);
        }
        settle();
        assertThat(objects()).hasSize(12);
        long middle = clock.currentTimeMillis();
        clock.advance(Duration.ofMillis(1));
        // These are not told before there are too many.
        for (int i = 0; i < 10_000; i++) {
            clock.advance(Duration.ofMillis(10));
            other.sessions.end("t" + i, null);
            other.woken.clear();
        }
        assertThat(other.sessions.ends.size()).isLessThan(6000);
        other.reconciler.changed();
        other.woken.removeIf(each -> each.name().contains("-session-"));
        assertThat(other.woken).hasSize(1);
        settle();
        assertThat(leader.sessions.has("whoever", "whoever", middle)).isTrue();
        assertThat(leader.sessions.has("whoever", "whoever", clock.currentTimeMillis()))
                .isFalse();
        leader.reconciler.changed();
        settle();
        assertThat(objects())
                .as("what its names said, All says")
                .singleElement()
                .satisfies(each -> assertThat(each.at("/spec/scope").asText()).isEqualTo("All"));
        assertThat(leader.sessions.has("s0", "x", start)).isTrue();
    }
}
