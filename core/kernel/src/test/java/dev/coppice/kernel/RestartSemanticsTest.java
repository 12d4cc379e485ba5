package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ChildSpec.Restart;
import dev.coppice.kernel.ProcessOptions.Mode;
import dev.coppice.kernel.SupervisorOptions.Strategy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** When and what a supervisor restarts, as OTP's supervisor. */
final class RestartSemanticsTest extends SupervisorFixture {

    @Test
    @DisplayName("restart intensity (3 in 5 s: the 4th stops the supervisor, which escalates)")
    void intensity() throws Exception {
        List<String> events = new CopyOnWriteArrayList<>();
        kernel.telemetry().subscribe("t", "kernel.supervisor", e -> events.add(e.name()));
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, recorder("a"), recorder("b")))
                .supervisor();
        for (int i = 1; i <= 3; i++) {
            crash(s, "b", i);
        }
        assertThat(restarts("/s")).isZero();
        log.clear();
        clock.advance(Duration.ofSeconds(5)); // the first one still counts: OTP's window includes its ends
        crash(s, "b");
        eventually("the supervisor is restarted by its own", () -> restarts("/s") == 1);
        awaitLog("-b", "-a", "+a", "+b");
        assertThat(events).containsExactly("kernel.supervisor.escalated");
        assertThat(kernel.find("/s").orElseThrow().lastFailure().orElseThrow())
                .isInstanceOf(RestartIntensityException.class)
                .hasMessageContaining("more than 3 restarts within PT5S")
                .hasRootCauseMessage("told to crash");
        assertThat(kernel.meters().escalations.get()).isEqualTo(1);
    }

    @Test
    @DisplayName("restart intensity: restarts that are over 5 s old do not count")
    void window() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, recorder("a")))
                .supervisor();
        for (int i = 1; i <= 12; i++) {
            crash(s, "a", i);
            if (i % 3 == 0) {
                clock.advance(Duration.ofSeconds(5).plusNanos(1));
            }
        }
        assertThat(restarts("/s")).isZero();
    }

    @Test
    @DisplayName("restart intensity: a supervisor that comes back counts from nothing")
    void countsAnew() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s", SupervisorOptions.DEFAULT.withIntensity(1, Duration.ofHours(1)), recorder("a")))
                .supervisor();
        crash(s, "a", 1);
        crash(s, "a");
        eventually("escalated", () -> restarts("/s") == 1);
        long before = s.child("a").orElseThrow().restarts();
        crash(s, "a", (int) before + 1);
        assertThat(restarts("/s")).isEqualTo(1);
    }

    @Test
    @DisplayName("restart intensity 0: the first crash stops the supervisor")
    void none() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s", SupervisorOptions.DEFAULT.withIntensity(0, Duration.ofSeconds(5)), recorder("a")))
                .supervisor();
        crash(s, "a");
        eventually("escalated", () -> restarts("/s") == 1);
        awaitLog("+a", "-a", "+a");
    }

    @Test
    @DisplayName("restart intensity: the restart of a group counts once")
    void groupCountsOnce() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s", options(Strategy.ONE_FOR_ALL), recorder("a"), recorder("b"), recorder("c")))
                .supervisor();
        for (int i = 1; i <= 3; i++) {
            int round = i;
            crash(s, "a", i);
            eventually(
                    "all are back",
                    () -> s.children().stream()
                            .allMatch(c -> c.restarts() == round && c.state() == Supervisor.State.RUNNING));
        }
        assertThat(restarts("/s")).isZero();
    }

    @Test
    @DisplayName("restart intensity: when the root gives up, the kernel ends and says why")
    void root() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        kernel.root().start(ChildSpec.task("a", () -> {
            runs.incrementAndGet();
            throw new IllegalStateException("always");
        }));
        ExitReason reason = kernel.terminated().get(10, TimeUnit.SECONDS);
        assertThat(((ExitReason.Crash) reason).cause())
                .isInstanceOf(RestartIntensityException.class)
                .hasRootCauseMessage("always");
        assertThat(runs.get()).isEqualTo(11);
        assertThat(kernel.crashes()).hasSize(11);
    }

    @Test
    @DisplayName("failed restarts count")
    void failedRestarts() throws Exception {
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
        eventually("escalated and healed", () -> restarts("/s") == 1);
        assertThat(starts.get()).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("permanent: restarted whatever it ended with")
    void permanent(Mode mode) throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(recorder("a", mode));
        ref.cast("stop");
        eventually("restarted", () -> restarts("/a") == 1);
        ref.exit(new ExitReason.Shutdown());
        eventually("restarted", () -> restarts("/a") == 2);
        ref.cast("crash");
        eventually("restarted", () -> restarts("/a") == 3);
        kernel.find("/a").orElseThrow().kill();
        eventually("restarted", () -> restarts("/a") == 4);
        assertThat(log).containsExactly("+a", "-a", "+a", "-a", "+a", "-a", "+a", "+a");
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("transient: restarted after an abnormal end only: not after normal and shutdown")
    void onlyAbnormal(Mode mode) throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(recorder("a", mode).withRestart(Restart.TRANSIENT));
        ref.cast("crash");
        eventually("restarted", () -> restarts("/a") == 1);
        ref.exit(new ExitReason.Killed());
        eventually("restarted", () -> restarts("/a") == 2);
        ref.exit(new ExitReason.NoProcess());
        eventually("restarted", () -> restarts("/a") == 3);
        ref.cast("stop");
        eventually("forgotten", () -> kernel.root().child("a").isEmpty());
        ProcessRef<String> again =
                kernel.root().startProcess(recorder("a", mode).withRestart(Restart.TRANSIENT));
        again.exit(new ExitReason.Shutdown());
        eventually("forgotten", () -> kernel.root().child("a").isEmpty());
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("temporary: never restarted, and no restart is counted")
    void temporary(Mode mode) throws Exception {
        Supervisor s =
                kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT.withIntensity(0, Duration.ofHours(1)));
        for (int i = 0; i < 5; i++) {
            s.<String>startProcess(recorder("a", mode).withRestart(Restart.TEMPORARY))
                    .cast("crash");
            eventually("forgotten", () -> s.child("a").isEmpty());
        }
        assertThat(restarts("/s")).isZero();
        assertThat(log).containsOnly("+a", "-a").hasSize(10);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("one-for-one")
    void oneForOne(Mode mode) throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s", options(Strategy.ONE_FOR_ONE), recorder("a", mode), recorder("b", mode)))
                .supervisor();
        crash(s, "a", 1);
        awaitLog("+a", "+b", "-a", "+a");
        assertThat(s.child("a").orElseThrow().lastFailure().orElseThrow()).hasMessage("told to crash");
        assertThat(s.child("b").orElseThrow().restarts()).isZero();
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("one-for-all (stop in reverse, start forward)")
    void oneForAll(Mode mode) throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s",
                        options(Strategy.ONE_FOR_ALL),
                        recorder("a", mode),
                        recorder("b", mode),
                        recorder("c", mode)))
                .supervisor();
        crash(s, "b");
        awaitLog("+a", "+b", "+c", "-b", "-c", "-a", "+a", "+b", "+c");
    }

    @Test
    @DisplayName("one-for-all: temporary siblings are stopped, and not started again")
    void temporarySiblings() throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor("s", options(Strategy.ONE_FOR_ALL), recorder("a")))
                .supervisor();
        s.start(recorder("b").withRestart(Restart.TEMPORARY));
        s.start(recorder("c"));
        crash(s, "a");
        awaitLog("+a", "+b", "+c", "-a", "-c", "-b", "+a", "+c");
        assertThat(s.child("b")).isEmpty();
    }

    @Test
    @DisplayName("one-for-all: a group whose restart fails is stopped again and tried again")
    void groupFails() throws Exception {
        AtomicInteger starts = new AtomicInteger();
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s", options(Strategy.ONE_FOR_ALL), recorder("a"), ChildSpec.process("b", () -> {
                            if (starts.incrementAndGet() == 2) {
                                throw new IllegalStateException("not this time");
                            }
                            return (Behavior<String>) (self, message) -> {};
                        })))
                .supervisor();
        crash(s, "a");
        eventually("b is back", () -> starts.get() == 3);
        awaitLog("+a", "-a", "+a", "-a", "+a");
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("rest-for-one (later siblings only)")
    void restForOne(Mode mode) throws Exception {
        Supervisor s = kernel.root()
                .start(ChildSpec.supervisor(
                        "s",
                        options(Strategy.REST_FOR_ONE),
                        recorder("a", mode),
                        recorder("b", mode),
                        recorder("c", mode),
                        recorder("d", mode)))
                .supervisor();
        crash(s, "b");
        awaitLog("+a", "+b", "+c", "+d", "-b", "-d", "-c", "+b", "+c", "+d");
        assertThat(s.child("a").orElseThrow().restarts()).isZero();
    }

    @Test
    @DisplayName("dynamic supervisor with max children")
    void maxChildren() throws Exception {
        Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT.withMaxChildren(2));
        s.start(ChildSpec.task("a", FOREVER));
        assertThatThrownBy(() -> s.start(ChildSpec.task("a", FOREVER)))
                .hasMessageContaining("a child of that name exists");
        s.start(ChildSpec.task("b", FOREVER));
        assertThatThrownBy(() -> s.start(ChildSpec.task("c", FOREVER))).hasMessageContaining("raise maxChildren");
        s.stop("a");
        s.start(ChildSpec.task("c", FOREVER));
    }

    @Test
    @DisplayName("a killed child is restarted without terminate")
    void killed() throws Exception {
        kernel.root().start(recorder("a"));
        kernel.find("/a").orElseThrow().kill();
        awaitLog("+a", "+a");
    }

    @Test
    @DisplayName("an address stays valid over restarts")
    void address() throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(recorder("a"));
        ref.cast("crash");
        eventually("restart", () -> restarts("/a") == 1);
        ref.cast("hello");
        awaitLog("+a", "-a", "+a", "a:hello");
    }

    @Test
    @DisplayName("a supervisor that is killed takes its children with it, and comes back with them")
    void killedSupervisor() throws Exception {
        Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT);
        s.start(recorder("a"));
        s.start(ChildSpec.task("t", FOREVER));
        kernel.find("/s").orElseThrow().kill();
        eventually("restart", () -> restarts("/s") == 1);
        assertThat(log).containsExactly("+a", "+a");
        assertThat(s.children()).allMatch(c -> c.state() == Supervisor.State.RUNNING);
    }

    @Test
    @DisplayName("a supervisor tells of starts, crashes and restarts")
    void tells() throws Exception {
        List<String> events = new CopyOnWriteArrayList<>();
        kernel.telemetry()
                .subscribe(
                        "t",
                        "kernel.child",
                        e -> events.add(e.name() + " " + e.metadata().get("path")));
        Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT);
        s.start(recorder("a"));
        crash(s, "a");
        eventually("restarted event", () -> events.contains("kernel.child.restarted /s/a"));
        assertThat(events)
                .containsExactly(
                        "kernel.child.started /s",
                        "kernel.child.started /s/a",
                        "kernel.child.crashed /s/a",
                        "kernel.child.restarted /s/a");
    }

    @Test
    @DisplayName("who hears of a restart may call the new life at once")
    void callsTheNewLife() throws Exception {
        List<String> answers = new CopyOnWriteArrayList<>();
        ProcessRef<Consumer<String>> echo = kernel.root()
                .startProcess(ChildSpec.<Consumer<String>>process("echo", () -> new Behavior<>() {
                    @Override
                    public void init(ProcessContext<Consumer<String>> self) {
                        log.add("+echo");
                    }

                    @Override
                    public void handle(ProcessContext<Consumer<String>> self, Consumer<String> answer) {
                        answer.accept("hello");
                    }
                }));
        kernel.telemetry()
                .subscribe(
                        "t",
                        "kernel.child.restarted",
                        _ -> answers.add(echo.<String>call(answer -> answer, Duration.ofSeconds(10))));
        echo.cast(_ -> {
            throw new IllegalStateException("told to crash");
        });
        eventually("answered", () -> answers.equals(List.of("hello")));
        assertThat(log).containsExactly("+echo", "+echo");
    }

    @Test
    @DisplayName("a process that has mail without end holds up no other process")
    void mailWithoutEnd() throws Exception {
        int loops = 2 * Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < loops; i++) {
            kernel.root()
                    .startProcess(ChildSpec.<String>process(
                            "busy" + i, () -> (self, message) -> self.self().cast(message)))
                    .cast("again");
        }
        ProcessRef<String> other = kernel.root().startProcess(recorder("other"));
        for (int i = 1; i <= 20; i++) {
            other.cast("m" + i);
            int sent = i;
            eventually("its mail is handled", () -> log.contains("other:m" + sent));
        }
    }

    @Test
    @DisplayName("a child that crashes without end holds up no other process")
    void crashesWithoutEnd() throws Exception {
        Logger crashes = Logger.getLogger(Kernel.class.getName());
        crashes.setLevel(Level.OFF);
        AtomicInteger starts = new AtomicInteger();
        int loops = 2 * Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < loops; i++) {
            kernel.root()
                    .startSupervisor(
                            "s" + i, SupervisorOptions.DEFAULT.withIntensity(1_000_000_000, Duration.ofSeconds(1)))
                    .startProcess(ChildSpec.<String>process("crashing", () -> new Behavior<>() {
                        @Override
                        public void init(ProcessContext<String> self) {
                            starts.incrementAndGet();
                            self.self().cast("crash");
                        }

                        @Override
                        public void handle(ProcessContext<String> self, String message) {
                            throw new IllegalStateException(message);
                        }
                    }));
        }
        ProcessRef<String> other = kernel.root().startProcess(recorder("other"));
        for (int i = 1; i <= 20; i++) {
            other.cast("m" + i);
            int sent = i;
            eventually("its mail is handled", () -> log.contains("other:m" + sent));
        }
        assertThat(starts.get()).isGreaterThan(loops);
        for (int i = 0; i < loops; i++) {
            kernel.root().stop("s" + i);
        }
        crashes.setLevel(null);
    }
}
