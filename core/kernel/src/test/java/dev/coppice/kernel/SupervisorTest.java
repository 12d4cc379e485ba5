package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ChildSpec.Restart;
import dev.coppice.kernel.SupervisorOptions.Strategy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class SupervisorTest {
    private static final Task FOREVER = () -> new CountDownLatch(1).await();

    private final Kernel kernel = Kernel.start();
    private final List<String> log = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        kernel.close();
    }

    private ChildSpec recorder(String name) {
        return ChildSpec.process(name, () -> new Behavior<String>() {
            @Override
            public void init(ProcessContext<String> self) {
                log.add("+" + name);
            }

            @Override
            public void handle(ProcessContext<String> self, String message) {
                switch (message) {
                    case "crash" -> throw new IllegalStateException("told to crash");
                    case "stop" -> self.stop();
                    default -> log.add(name + ":" + message);
                }
            }

            @Override
            public void terminate(ProcessContext<String> self, ExitReason reason) {
                log.add("-" + name);
            }
        });
    }

    private static SupervisorOptions options(Strategy strategy) {
        return SupervisorOptions.DEFAULT.withStrategy(strategy);
    }

    private void crash(Supervisor supervisor, String name) {
        supervisor.child(name).orElseThrow().<String>ref().cast("crash");
    }

    private void awaitLog(String... expected) {
        eventually("log " + List.of(expected) + " but was " + log, () -> log.equals(List.of(expected)));
    }

    @Test
    void childrenStartInOrderAndStopInReverseOrder() throws Exception {
        kernel.root().start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, recorder("a"), recorder("b")));
        assertThat(kernel.root().stop("s")).isTrue();
        assertThat(log).containsExactly("+a", "+b", "-b", "-a");
        assertThat(kernel.root().child("s")).isEmpty();
    }

    @Test
    void startReturnsAfterInit() throws Exception {
        kernel.root().start(recorder("a"));
        assertThat(log).containsExactly("+a");
    }

    @Test
    void aFailingInitFailsTheStartAndUnwindsTheSiblings() {
        ChildSpec bad = ChildSpec.process("bad", () -> {
            throw new IllegalStateException("no");
        });
        assertThatThrownBy(() -> kernel.root()
                        .start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, recorder("a"), recorder("b"), bad)))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("/s/bad did not start");
        assertThat(log).containsExactly("+a", "+b", "-b", "-a");
        assertThat(kernel.root().children()).isEmpty();
    }

    @Test
    void oneForOneRestartsOnlyTheChildThatDied() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor("s", options(Strategy.ONE_FOR_ONE), recorder("a"), recorder("b")))
                .supervisor();
        crash(s, "a");
        awaitLog("+a", "+b", "-a", "+a");
        assertThat(s.child("a").orElseThrow().lastFailure().orElseThrow()).hasMessage("told to crash");
    }

    @Test
    void oneForAllRestartsAll() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s", options(Strategy.ONE_FOR_ALL), recorder("a"), recorder("b"), recorder("c")))
                .supervisor();
        crash(s, "b");
        awaitLog("+a", "+b", "+c", "-b", "-c", "-a", "+a", "+b", "+c");
    }

    @Test
    void restForOneRestartsTheLaterOnes() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s", options(Strategy.REST_FOR_ONE), recorder("a"), recorder("b"), recorder("c")))
                .supervisor();
        crash(s, "b");
        awaitLog("+a", "+b", "+c", "-b", "-c", "+b", "+c");
    }

    @Test
    void anAddressStaysValidOverRestarts() throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(recorder("a"));
        ref.cast("crash");
        eventually("restart", () -> kernel.find("/a").orElseThrow().restarts() == 1);
        ref.cast("hello");
        awaitLog("+a", "-a", "+a", "a:hello");
    }

    @Test
    void permanentRestartsAfterANormalEnd() throws Exception {
        kernel.root().<String>startProcess(recorder("a")).cast("stop");
        awaitLog("+a", "-a", "+a");
    }

    @Test
    void transientIsForgottenAfterANormalEndAndRestartedAfterACrash() throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(recorder("a").withRestart(Restart.TRANSIENT));
        ref.cast("crash");
        awaitLog("+a", "-a", "+a");
        ref.cast("stop");
        eventually("forgotten", () -> kernel.root().child("a").isEmpty());
        assertThat(log).containsExactly("+a", "-a", "+a", "-a");
    }

    @Test
    void temporaryIsNeverRestarted() throws Exception {
        kernel.root()
                .<String>startProcess(recorder("a").withRestart(Restart.TEMPORARY))
                .cast("crash");
        eventually("forgotten", () -> kernel.root().child("a").isEmpty());
        assertThat(log).containsExactly("+a", "-a");
    }

    @Test
    void tooManyRestartsEscalateAndTheSupervisorComesBackWithItsChildren() throws Exception {
        List<String> events = new CopyOnWriteArrayList<>();
        Supervisor s =
                kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT.withIntensity(1, Duration.ofHours(1)));
        s.start(recorder("later"));
        try (var _ = kernel.telemetry().subscribe("t", "kernel.supervisor", e -> events.add(e.name()))) {
            crash(s, "later");
            eventually("restart", () -> kernel.find("/s/later").orElseThrow().restarts() == 1);
            crash(s, "later");
            eventually(
                    "supervisor restart", () -> kernel.find("/s").orElseThrow().restarts() == 1);
        }
        assertThat(events).containsExactly("kernel.supervisor.escalated");
        assertThat(kernel.find("/s/later").orElseThrow().state()).isEqualTo(Supervisor.State.RUNNING);
        assertThat(log).containsExactly("+later", "-later", "+later", "-later", "+later");
    }

    @Test
    void theRootGivingUpIsVisible() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        kernel.root().start(ChildSpec.task("a", () -> {
            runs.incrementAndGet();
            throw new IllegalStateException("always");
        }));
        ExitReason reason = kernel.terminated().get(10, TimeUnit.SECONDS);
        assertThat(reason).isInstanceOf(ExitReason.Crash.class);
        assertThat(((ExitReason.Crash) reason).cause())
                .isInstanceOf(RestartIntensityException.class)
                .hasRootCauseMessage("always");
        assertThat(runs.get()).isEqualTo(11);
        assertThat(kernel.crashes()).hasSize(11);
    }

    @Test
    void restartsOutsideTheWindowDoNotEscalate() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (Kernel simulated = Kernel.start(clock, 1)) {
            Supervisor s = simulated
                    .root()
                    .startSupervisor("s", SupervisorOptions.DEFAULT.withIntensity(1, Duration.ofSeconds(5)));
            ProcessRef<String> ref = s.startProcess(recorder("a"));
            for (int i = 1; i <= 5; i++) {
                int round = i;
                ref.cast("crash");
                eventually("restart", () -> s.child("a").orElseThrow().restarts() == round);
                clock.advance(Duration.ofSeconds(6));
            }
            assertThat(simulated.find("/s").orElseThrow().restarts()).isZero();
        }
    }

    @Test
    void failedRestartsCount() throws Exception {
        AtomicInteger starts = new AtomicInteger();
        Supervisor s =
                kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT.withIntensity(2, Duration.ofHours(1)));
        s.start(ChildSpec.process("a", () -> {
            int n = starts.incrementAndGet();
            if (n == 2 || n == 3) {
                throw new IllegalStateException("not this time");
            }
            return (Behavior<String>) (self, message) -> {
                throw new IllegalStateException("crash");
            };
        }));
        crash(s, "a");
        eventually("escalated and healed", () -> kernel.find("/s").orElseThrow().restarts() == 1);
        assertThat(starts.get()).isEqualTo(4);
    }

    @Test
    void aChildThatDoesNotStopInTimeIsKilled() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        AtomicBoolean free = new AtomicBoolean();
        kernel.root()
                .start(ChildSpec.task("a", () -> {
                            stuck.countDown();
                            while (!free.get()) {
                                Thread.onSpinWait();
                                Thread.yield();
                            }
                        })
                        .withShutdown(Duration.ofMillis(50)));
        stuck.await();
        assertThat(kernel.root().stop("a")).isTrue();
        assertThat(kernel.meters().abandoned.get()).isEqualTo(1);
        free.set(true);
    }

    @Test
    void aKilledChildIsRestartedWithoutTerminate() throws Exception {
        kernel.root().start(recorder("a"));
        kernel.find("/a").orElseThrow().kill();
        awaitLog("+a", "+a");
    }

    @Test
    void aKilledSupervisorComesBackWithItsChildren() throws Exception {
        Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT);
        s.start(recorder("a"));
        s.start(ChildSpec.task("t", FOREVER));
        kernel.find("/s").orElseThrow().kill();
        eventually("restart", () -> kernel.find("/s").orElseThrow().restarts() == 1);
        assertThat(log).containsExactly("+a", "+a");
        assertThat(s.children()).allMatch(c -> c.state() == Supervisor.State.RUNNING);
    }

    @Test
    void namesAreUniqueAndChildrenBounded() throws Exception {
        Supervisor s = kernel.root()
                .startSupervisor("s", new SupervisorOptions(Strategy.ONE_FOR_ONE, 3, Duration.ofSeconds(5), 2));
        s.start(ChildSpec.task("a", FOREVER));
        assertThatThrownBy(() -> s.start(ChildSpec.task("a", FOREVER)))
                .hasMessageContaining("a child of that name exists");
        s.start(ChildSpec.task("b", FOREVER));
        assertThatThrownBy(() -> s.start(ChildSpec.task("c", FOREVER))).hasMessageContaining("raise maxChildren");
    }

    private final class Door implements Service {
        static volatile Service.Failure failure = reason -> {};

        @Override
        public void start(Failure report) {
            failure = report;
            log.add("open");
        }

        @Override
        public void stop() {
            log.add("shut");
        }
    }

    @Test
    void aServiceThatReportsAFailureIsStoppedAndStartedAgain() throws Exception {
        kernel.root().start(ChildSpec.service("door", Door::new));
        Door.failure.report(new IllegalStateException("hinge"));
        awaitLog("open", "shut", "open");
    }

    @Test
    void aKilledServiceFreesItsPortFirst() throws Exception {
        kernel.root().start(ChildSpec.service("door", Door::new));
        kernel.find("/door").orElseThrow().kill();
        awaitLog("open", "shut", "open");
        kernel.close();
        assertThat(log).containsExactly("open", "shut", "open", "shut");
    }

    @Test
    void aPeriodicActionRunsAtItsInterval() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        AtomicInteger runs = new AtomicInteger();
        try (Kernel simulated = Kernel.start(clock, 1)) {
            simulated
                    .root()
                    .start(ChildSpec.periodic("p", Duration.ofMinutes(1), Duration.ZERO, runs::incrementAndGet));
            for (int i = 1; i <= 3; i++) {
                assertThat(clock.awaitPending(1, Duration.ofSeconds(10))).isTrue();
                assertThat(runs.get()).isEqualTo(i);
                clock.advance(Duration.ofMinutes(1));
            }
        }
    }

    @Test
    void stoppingASupervisorInterruptsItsTasks() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        CountDownLatch running = new CountDownLatch(1);
        Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT);
        s.start(ChildSpec.task("t", () -> {
            running.countDown();
            try {
                new CountDownLatch(1).await();
            } finally {
                interrupted.countDown();
            }
        }));
        running.await();
        kernel.root().stop("s");
        assertThat(interrupted.await(1, TimeUnit.SECONDS)).isTrue();
        assertThatThrownBy(() -> s.start(ChildSpec.task("u", FOREVER))).hasMessageContaining("is not running");
    }

    @Test
    void startingAndFindingAndTelling() throws Exception {
        List<String> events = new CopyOnWriteArrayList<>();
        try (var _ = kernel.telemetry()
                .subscribe(
                        "t",
                        "kernel.child",
                        e -> events.add(e.name() + " " + e.metadata().get("path")))) {
            Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT);
            s.start(recorder("a"));
            crash(s, "a");
            eventually("restarted event", () -> events.contains("kernel.child.restarted /s/a"));
        }
        assertThat(events)
                .containsExactly(
                        "kernel.child.started /s",
                        "kernel.child.started /s/a",
                        "kernel.child.crashed /s/a",
                        "kernel.child.restarted /s/a");
    }

    @Test
    void aStartThatHangsCanBeStopped() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        Thread starter = Thread.ofVirtual().start(() -> {
            try {
                kernel.root().start(ChildSpec.process("p", () -> new Behavior<String>() {
                    @Override
                    public void init(ProcessContext<String> self) throws Exception {
                        inside.countDown();
                        new CountDownLatch(1).await();
                    }

                    @Override
                    public void handle(ProcessContext<String> self, String message) {}
                }));
            } catch (StartException e) {
                log.add("not started");
            }
        });
        inside.await();
        kernel.find("/p").orElseThrow().kill();
        assertThat(starter.join(Duration.ofSeconds(10))).isTrue();
        awaitLog("not started");
        assertThat(kernel.root().children()).isEmpty();
    }

    @Test
    void aServiceThatFailsToStartTellsWhy() {
        assertThatThrownBy(() -> kernel.root().start(ChildSpec.service("door", () -> new Service() {
                    @Override
                    public void start(Failure failure) {
                        throw new IllegalStateException("port 80 is taken");
                    }

                    @Override
                    public void stop() {
                        log.add("shut");
                    }
                })))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("/door did not start")
                .hasMessageContaining("port 80 is taken");
        assertThat(log).isEmpty();
        assertThat(kernel.root().children()).isEmpty();
    }

    @Test
    void closeStopsTheWholeTreeInReverseOrder() throws Exception {
        kernel.root().start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, recorder("a"), recorder("b")));
        kernel.root().start(recorder("c"));
        kernel.close();
        assertThat(log).containsExactly("+a", "+b", "+c", "-c", "-b", "-a");
    }
}
