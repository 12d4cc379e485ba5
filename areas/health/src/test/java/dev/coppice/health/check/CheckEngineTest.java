package dev.coppice.health.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.Key;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.series.Ledger;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.kernel.SupervisorOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine with a runner that does as told, on a clock moved by hand. */
class CheckEngineTest {
    private static final String TCP = "{'tcp':{'host':'h','port':1},'interval':'30s'}";

    @TempDir
    Path directory;

    private final SimulatedClock clock = new SimulatedClock();
    private final Map<String, Boolean> up = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> runs = new ConcurrentHashMap<>();
    private final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private Kernel kernel;
    private SeriesStore series;
    private Ledger ledger;
    private CheckEngine engine;

    @BeforeEach
    void start() throws Exception {
        kernel = Kernel.start(clock, 42);
        open();
    }

    private void open() throws Exception {
        series = SeriesStore.open(directory.resolve("series"), clock, SeriesStore.Retention.DEFAULT);
        ledger = Ledger.open(directory.resolve("state.ledger"));
        var supervisor = kernel.root()
                .startSupervisor("health", SupervisorOptions.DEFAULT.withIntensity(1000, Duration.ofSeconds(10)));
        engine = new CheckEngine(
                kernel,
                supervisor,
                plan -> {
                    runs.computeIfAbsent(plan.key().name(), n -> new AtomicInteger())
                            .incrementAndGet();
                    return up.getOrDefault(plan.key().name(), true)
                            ? Attempt.success(Duration.ofMillis(5))
                            : Attempt.failure("refused", Duration.ofMillis(1));
                },
                series,
                new CheckMemory(ledger),
                64);
        engine.listen((view, transitions) -> transitions.forEach(t -> {
            if (t instanceof Transition.StateChanged c) {
                log.add(view.key().name() + ":" + c.to().word());
            }
        }));
        engine.start();
    }

    @AfterEach
    void stop() throws Exception {
        engine.close();
        kernel.close();
        series.close();
        ledger.close();
    }

    @Test
    void probesAtOnceAndThenEveryInterval() {
        put("a", TCP);
        until(() -> state("a").equals("Up"));
        for (int i = 2; i < 6; i++) {
            until(() -> clock.pending() > 0);
            clock.advance(Duration.ofSeconds(30));
            int n = i;
            until(() -> runs.get("a").get() >= n);
        }
        assertThat(runs.get("a").get()).isBetween(5, 6);
        assertThat(series.recent(engine.view(key("a")).orElseThrow().number(), 10))
                .hasSizeBetween(3, 6);
    }

    @Test
    void retriesWithinTheIntervalBeforeItFails() {
        up.put("a", false);
        put("a", "{'tcp':{'host':'h','port':1},'retries':2,'retryDelay':'1s'}");
        until(() -> runs.containsKey("a") && clock.pending() > 0);
        assertThat(state("a")).isEqualTo("Unknown");
        clock.advance(Duration.ofSeconds(1));
        until(() -> runs.get("a").get() == 2 && clock.pending() > 0);
        clock.advance(Duration.ofSeconds(1));
        until(() -> state("a").equals("Down"));
        assertThat(runs.get("a").get()).isEqualTo(3);
    }

    @Test
    void aChildIsNeverFailedBeforeItsParentWasAsked() {
        put("parent", TCP);
        put("child", "{'tcp':{'host':'h','port':1},'dependsOn':[{'name':'parent'}],'interval':'5s'}");
        until(() -> state("parent").equals("Up") && state("child").equals("Up"));
        up.put("parent", false);
        up.put("child", false);
        engine.trigger(key("child"));
        until(() -> state("child").equals("Suppressed"));
        assertThat(state("parent")).isEqualTo("Down");
        assertThat(log).doesNotContain("child:Down");
        up.put("parent", true);
        engine.trigger(key("parent"));
        until(() -> state("child").equals("Down"));
        up.put("child", true);
        engine.trigger(key("child"));
        until(() -> state("child").equals("Up"));
    }

    /** A parent whose run began before is seen as it was then: it is asked again. */
    @Test
    void aParentThatIsBeingAskedSinceBeforeIsAskedAgain() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        engine.listen((view, _) -> {
            if (view.key().equals(key("parent"))) {
                try {
                    assertThat(told.await(10, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        put("parent", TCP);
        put("child", "{'tcp':{'host':'h','port':1},'dependsOn':[{'name':'parent'}],'interval':'5s'}");
        until(() -> state("parent").equals("Up") && state("child").equals("Up"));
        up.put("parent", false);
        up.put("child", false);
        engine.trigger(key("child"));
        until(() -> runs.get("child").get() == 2);
        told.countDown();
        until(() -> state("child").equals("Suppressed"));
        assertThat(log).doesNotContain("child:Down");
    }

    @Test
    void aCompositeFollowsItsMembersAtOnce() {
        put("m1", TCP);
        put("m2", TCP);
        engine.put(Specs.plan("web", 1, Map.of("tier", "web"), TCP.replace("'h'", "'w'")), Optional.empty());
        put("all", "{'composite':{'checks':['m1','m2'],'selector':{'matchLabels':{'tier':'web'}}},'interval':'3600s'}");
        put("any", "{'composite':{'rule':'Any','checks':['m1','m2']},'interval':'3600s'}");
        until(() -> state("all").equals("Up") && state("any").equals("Up"));
        up.put("m1", false);
        engine.trigger(key("m1"));
        until(() -> state("all").equals("Down") && state("any").equals("Degraded"));
        assertThat(engine.view(key("all")).orElseThrow().machine().state().reason())
                .contains("down: m1");
        up.put("web", false);
        up.put("m1", true);
        engine.trigger(key("web"));
        engine.trigger(key("m1"));
        until(() -> state("any").equals("Up") && state("web").equals("Down"));
        until(() -> state("all").equals("Down"));
    }

    @Test
    void aCycleIsNamedAndTheChecksGoOn() {
        put("a", "{'tcp':{'host':'h','port':1},'dependsOn':[{'name':'b'}]}");
        put("b", "{'tcp':{'host':'h','port':1},'dependsOn':[{'name':'a'}]}");
        until(() -> state("a").equals("Up") && state("b").equals("Up"));
        assertThat(engine.view(key("a")).orElseThrow().cycle()).hasSize(2);
        up.put("a", false);
        engine.trigger(key("a"));
        until(() -> state("a").equals("Down"));
    }

    @Test
    void aHeartbeatThatIsMissedOverARestartIsMissed() throws Exception {
        put("job", "{'heartbeat':{'grace':'5s'},'interval':'60s'}");
        until(() -> engine.view(key("job")).orElseThrow().probed());
        engine.beat(key("job"), true, "");
        stop();
        clock.advance(Duration.ofSeconds(62));
        kernel = Kernel.start(clock, 43);
        open();
        put("job", "{'heartbeat':{'grace':'5s'},'interval':'60s'}");
        until(() -> clock.pending() > 0);
        assertThat(state("job")).isEqualTo("Up");
        clock.advance(Duration.ofSeconds(6));
        until(() -> state("job").equals("Down"));
    }

    @Test
    void aMissedHeartbeatIsDownAndABeatIsUp() {
        put("job", "{'heartbeat':{'grace':'5s'},'interval':'60s'}");
        until(() -> engine.view(key("job")).orElseThrow().probed());
        assertThat(state("job")).isEqualTo("Unknown");
        assertThat(engine.beat(key("job"), true, "")).isTrue();
        assertThat(state("job")).isEqualTo("Up");
        clock.advance(Duration.ofSeconds(64));
        assertThat(state("job")).isEqualTo("Up");
        clock.advance(Duration.ofSeconds(2));
        until(() -> state("job").equals("Down"));
        assertThat(engine.view(key("job")).orElseThrow().machine().lastError()).contains("no heartbeat for 1m");
        engine.beat(key("job"), true, "");
        assertThat(state("job")).isEqualTo("Up");
        engine.beat(key("job"), false, "exit code 3");
        assertThat(state("job")).isEqualTo("Down");
        assertThat(engine.beat(key("none"), true, "")).isFalse();
    }

    @Test
    void stateSurvivesARestart() throws Exception {
        up.put("a", false);
        put("a", TCP);
        until(() -> state("a").equals("Down"));
        var since = engine.view(key("a")).orElseThrow().machine().since();
        stop();
        clock.advance(Duration.ofSeconds(90));
        runs.clear();
        kernel = Kernel.start(clock, 43);
        open();
        put("a", TCP);
        var view = engine.view(key("a")).orElseThrow();
        assertThat(view.machine().state()).isEqualTo(new State.Down("refused"));
        assertThat(view.machine().since()).isEqualTo(since);
        assertThat(view.probed()).isTrue();
        assertThat(runs).isEmpty();
        clock.advance(Duration.ofSeconds(30));
        until(() -> runs.containsKey("a"));
    }

    @Test
    void manyChecksAreSpreadOverTheInterval() throws Exception {
        // Each check waits for its next run, beside what waited before.
        int waiting = clock.pending() + 200;
        for (int i = 0; i < 200; i++) {
            put("c" + i, TCP);
        }
        until(() -> engine.views().stream().allMatch(v -> v.machine().state() instanceof State.Up)
                && clock.pending() >= waiting);
        clock.advance(Duration.ofSeconds(30));
        until(() -> runs.values().stream().allMatch(r -> r.get() >= 2) && clock.pending() >= waiting);
        clock.advance(Duration.ofSeconds(15));
        until(() -> runs.values().stream().filter(r -> r.get() >= 3).count() > 50);
        assertThat(runs.values().stream().filter(r -> r.get() == 2).count()).isGreaterThan(50);
    }

    @Test
    void badSpecsTellAllErrors() {
        var compiled = PlanCompiler.compile(
                key("x"),
                "u",
                1,
                Map.of(),
                Specs.read(
                        HealthCheckSpec.class,
                        "{'tcp':{'host':'h','port':1},'icmp':{'host':'h'},'interval':'0.1s','timeout':'3600s',"
                                + "'maintenance':[{'cron':'bad','duration':'1h'}]}"));
        assertThat(compiled)
                .isInstanceOfSatisfying(
                        PlanCompiler.Invalid.class,
                        invalid -> assertThat(invalid.errors())
                                .hasSize(4)
                                .anyMatch(e -> e.contains("tcp and icmp"))
                                .anyMatch(e -> e.contains("spec.interval: expected 1s to"))
                                .anyMatch(e -> e.contains("spec.timeout"))
                                .anyMatch(e -> e.contains("spec.maintenance[0].cron")));
    }

    private void put(String name, String json) {
        engine.put(Specs.plan(name, json), Optional.empty());
    }

    private String state(String name) {
        return engine.view(key(name)).map(v -> v.machine().state().word()).orElse("none");
    }

    private static Key key(String name) {
        return new Key("ns", name);
    }

    /** Polls until the condition holds, ten seconds at most. */
    private static void until(BooleanSupplier condition) {
        long end = System.nanoTime() + 10_000_000_000L;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("the condition did not come true within 10 s");
            }
            Thread.onSpinWait();
            Thread.yield();
        }
    }
}
