package dev.coppice.health.notify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.Key;
import dev.coppice.health.check.CheckPlan;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.Circumstances;
import dev.coppice.health.check.Machine;
import dev.coppice.health.check.Observation;
import dev.coppice.health.check.Rules;
import dev.coppice.health.check.Specs;
import dev.coppice.health.kind.NotificationPolicySpec;
import dev.coppice.health.kind.NotificationPolicySpec.Receiver;
import dev.coppice.health.series.Ledger;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import io.prometheus.metrics.core.metrics.Counter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing is missed and nothing repeated, even when the process ends between any two steps. */
class NotifierTest {
    private static final Observation DOWN = new Observation(Observation.Health.DOWN, "refused");
    private static final String POLICY =
            "{'receivers':[{'name':'hook','webhook':{'url':{'value':'http://127.0.0.1:1/'}}}],'groupWait':'10s',"
                    + "'groupInterval':'60s','repeatInterval':'3600s'}";

    @TempDir
    Path directory;

    private final SimulatedClock clock = new SimulatedClock();
    private final Map<Key, CheckView> views = new LinkedHashMap<>();
    private final List<Notification> accepted = new ArrayList<>();
    private Kernel kernel;
    private Ledger ledger;
    private Notifier notifier;
    private Delivery delivery;
    private boolean receiverDown;
    private PolicyPlan policy;
    private Crash crash = new Crash(Integer.MAX_VALUE);

    /** Ends the process, so to say, at the n-th step. */
    private static final class Crash implements Ledger.Faults {
        private int left;

        Crash(int steps) {
            left = steps;
        }

        @Override
        public void at(String step) {
            if (left-- == 0) {
                throw new IllegalStateException("the process ends at: " + step);
            }
        }
    }

    @BeforeEach
    void start() throws Exception {
        kernel = Kernel.start(clock, 7);
        policy(POLICY);
        open();
    }

    @AfterEach
    void stop() throws Exception {
        ledger.close();
        kernel.close();
    }

    private void policy(String json) {
        policy = PolicyPlan.compile(
                new Key("ns", "p"),
                "policy-uid",
                Specs.read(NotificationPolicySpec.class, json),
                Set.of("ns"),
                new ArrayList<>());
        if (notifier != null) {
            notifier.put(policy);
        }
    }

    private void open() throws IOException {
        ledger = Ledger.open(directory.resolve("notify.ledger"), step -> crash.at(step));
        notifier = new Notifier(
                new NotifyStore(ledger),
                key -> Optional.ofNullable(views.get(key)),
                key -> Optional.ofNullable(views.get(key)).map(v -> v.plan().uid()));
        notifier.put(policy);
        views.values().forEach(v -> notifier.changed(v, List.of()));
        delivery = new Delivery(
                kernel,
                notifier,
                this::receive,
                Counter.builder().name("x_total").labelNames("result").build());
    }

    private void receive(Notification notification, Receiver receiver) throws Channel.DeliveryException {
        if (receiverDown) {
            throw new Channel.DeliveryException("refused");
        }
        accepted.add(notification);
    }

    @Test
    void tellsOnceAndTellsWhenItIsOver() throws Exception {
        check("a", Map.of(), DOWN);
        run(Duration.ofSeconds(9));
        assertThat(accepted).isEmpty();
        run(Duration.ofSeconds(2));
        assertThat(accepted).hasSize(1);
        assertThat(accepted.getFirst().firing()).isTrue();
        run(Duration.ofMinutes(30));
        assertThat(accepted).hasSize(1);
        check("a", Map.of(), Observation.UP);
        run(Duration.ofSeconds(61));
        assertThat(accepted).hasSize(2);
        assertThat(accepted.getLast().firing()).isFalse();
        run(Duration.ofHours(9));
        assertThat(accepted).hasSize(2);
    }

    @Test
    void groupsAndRemindsAndAddsNewOnesAtTheInterval() throws Exception {
        check("a", Map.of(), DOWN);
        check("b", Map.of(), DOWN);
        run(Duration.ofSeconds(11));
        assertThat(accepted).hasSize(1);
        assertThat(accepted.getFirst().alerts()).hasSize(2);
        check("c", Map.of(), DOWN);
        run(Duration.ofSeconds(30));
        assertThat(accepted).hasSize(1);
        run(Duration.ofSeconds(31));
        assertThat(accepted).hasSize(2);
        assertThat(accepted.getLast().alerts()).hasSize(3);
        run(Duration.ofHours(1));
        assertThat(accepted).hasSize(3);
        assertThat(accepted.getLast().sort()).isEqualTo(Notification.Sort.REMINDER);
    }

    @Test
    void aProblemThatIsOverWithinGroupWaitIsNotTold() throws Exception {
        check("a", Map.of(), DOWN);
        run(Duration.ofSeconds(5));
        check("a", Map.of(), Observation.UP);
        run(Duration.ofMinutes(5));
        assertThat(accepted).isEmpty();
    }

    @Test
    void suppressedChecksAreNotToldAndAToldOneStaysOpenWhileSuppressed() throws Exception {
        var suppressed = new Circumstances(false, null, List.of(new Key("ns", "parent")));
        check("a", Map.of(), suppressed, DOWN);
        run(Duration.ofMinutes(5));
        assertThat(accepted).isEmpty();
        check("a", Map.of(), DOWN);
        run(Duration.ofMinutes(5));
        assertThat(accepted).hasSize(1);
        check("a", Map.of(), suppressed, DOWN);
        run(Duration.ofHours(9));
        assertThat(accepted).hasSize(1);
        check("a", Map.of(), Observation.UP);
        run(Duration.ofMinutes(5));
        assertThat(accepted).hasSize(2);
    }

    @Test
    void routesByLabelAndSeverityAndStaysQuietInQuietHours() throws Exception {
        policy("{'receivers':[{'name':'db','webhook':{'url':{'value':'http://h/'}}},"
                + "{'name':'rest','webhook':{'url':{'value':'http://h/'}}}],'groupWait':'0s',"
                + "'routes':[{'receivers':['db'],'selector':{'matchLabels':{'tier':'db'}}},{'receivers':['rest']}],"
                + "'quietHours':[{'cron':'0 0 * * *','duration':'3600s'}]}");
        check("a", Map.of("tier", "db"), DOWN);
        check("b", Map.of(), DOWN);
        run(Duration.ofMinutes(59));
        assertThat(accepted).isEmpty();
        run(Duration.ofMinutes(2));
        assertThat(accepted).extracting(Notification::receiver).containsExactlyInAnyOrder("db", "rest");
    }

    @Test
    void triesAgainUntilTheReceiverIsBack() throws Exception {
        receiverDown = true;
        check("a", Map.of(), DOWN);
        run(Duration.ofMinutes(20));
        assertThat(accepted).isEmpty();
        assertThat(delivery.outcome(policy.key()).orElseThrow().lastError()).contains("refused");
        assertThat(notifier.waiting("policy-uid")).isEqualTo(1);
        receiverDown = false;
        run(Duration.ofMinutes(7));
        assertThat(accepted).hasSize(1);
        assertThat(notifier.waiting("policy-uid")).isZero();
    }

    @Test
    void aTestGoesToEveryReceiver() throws Exception {
        assertThat(notifier.test(new Key("ns", "p"), clock.now())).isTrue();
        run(Duration.ofSeconds(1));
        assertThat(accepted).hasSize(1);
        assertThat(accepted.getFirst().sort()).isEqualTo(Notification.Sort.TEST);
    }

    @Test
    void aFullDiskDoesNotKeepPeopleInTheDark() throws Exception {
        ledger.close();
        ledger = Ledger.open(directory.resolve("other.ledger"), step -> {
            throw new IOException("No space left on device");
        });
        var store = new NotifyStore(ledger);
        notifier = new Notifier(
                store, key -> Optional.ofNullable(views.get(key)), key -> Optional.of("uid-" + key.name()));
        notifier.put(policy);
        delivery = new Delivery(
                kernel,
                notifier,
                this::receive,
                Counter.builder().name("x_total").labelNames("result").build());
        check("a", Map.of(), DOWN);
        run(Duration.ofMinutes(30));
        assertThat(accepted).hasSize(1);
        assertThat(store.failure()).isPresent();
    }

    /** The same day again and again, ending the process one step later each time. */
    @Test
    void neitherMissesNorRepeatsWhateverStepTheProcessEndsAt() throws Exception {
        int rounds = 0;
        boolean crashed = true;
        while (crashed) {
            views.clear();
            accepted.clear();
            ledger.close();
            Files.deleteIfExists(directory.resolve("notify.ledger"));
            crash = new Crash(Integer.MAX_VALUE);
            open();
            crash = new Crash(rounds);
            crashed = false;
            check("a", Map.of(), DOWN);
            crashed |= surviving(Duration.ofSeconds(30));
            check("b", Map.of(), DOWN);
            crashed |= surviving(Duration.ofMinutes(3));
            check("a", Map.of(), Observation.UP);
            check("b", Map.of(), Observation.UP);
            crashed |= surviving(Duration.ofMinutes(3));
            Map<String, Notification> distinct = new LinkedHashMap<>();
            accepted.forEach(n -> distinct.put(n.id(), n));
            assertThat(distinct.values())
                    .as("crash at step %s", rounds)
                    .extracting(n -> n.alerts().stream()
                            .map(a -> a.key().name() + (a.firing() ? "!" : "."))
                            .sorted()
                            .toList())
                    .containsExactly(List.of("a!"), List.of("a!", "b!"), List.of("a.", "b."));
            assertThat(accepted.size() - distinct.size()).isLessThanOrEqualTo(1);
            rounds++;
        }
        assertThat(rounds).isGreaterThan(15);
    }

    private boolean surviving(Duration duration) throws Exception {
        try {
            run(duration);
            return false;
        } catch (IllegalStateException end) {
            ledger.close();
            crash = new Crash(Integer.MAX_VALUE);
            open();
            run(duration);
            return true;
        }
    }

    private void run(Duration duration) throws Exception {
        Instant end = clock.now().plus(duration);
        Duration step = duration.compareTo(Duration.ofMinutes(10)) > 0 ? Duration.ofSeconds(30) : Duration.ofSeconds(1);
        while (clock.now().isBefore(end)) {
            clock.advance(step);
            notifier.tick(clock.now());
            while (delivery.deliverOne()) {
                assertThat(accepted.size()).isLessThan(1000);
            }
        }
    }

    private void check(String name, Map<String, String> labels, Observation observation) {
        check(name, labels, Circumstances.PLAIN, observation);
    }

    private void check(String name, Map<String, String> labels, Circumstances around, Observation observation) {
        CheckPlan plan = Specs.plan(name, 1, labels, "{'tcp':{'host':'h','port':1},'group':'g'}");
        CheckView before = views.get(plan.key());
        Machine machine = (before == null ? Machine.unknown(clock.now()) : before.machine())
                .step(Rules.DEFAULT, around, observation, clock.now())
                .machine();
        CheckView view = new CheckView(plan, machine, 1, null, null, true, List.of(), Set.of());
        views.put(plan.key(), view);
        notifier.changed(view, List.of());
    }
}
