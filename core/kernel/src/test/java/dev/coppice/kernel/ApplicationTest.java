package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Applications.Type;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The life of applications, as OTP's application. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ApplicationTest {
    private final Kernel kernel = Kernel.start(new SimulatedClock(), 1);
    private final Applications applications = kernel.applications();
    private final List<String> log = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        kernel.close();
    }

    /** Logs whatever happens to it; its process ends normally on "stop", and crashes on anything else. */
    private class Recorded implements Application {
        private final String name;
        private final List<String> dependencies;
        private final List<String> phases;

        Recorded(String name, List<String> dependencies, String... phases) {
            this.name = name;
            this.dependencies = dependencies;
            this.phases = List.of(phases);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public List<String> dependencies() {
            return dependencies;
        }

        @Override
        public ChildSpec tree(Kernel own) throws Exception {
            return ChildSpec.supervisor(
                    "tree", SupervisorOptions.DEFAULT.withIntensity(0, Duration.ofSeconds(1)), worker());
        }

        ChildSpec worker() {
            return ChildSpec.process("worker", () -> new Behavior<String>() {
                @Override
                public void init(ProcessContext<String> self) {
                    log.add("+" + name);
                }

                @Override
                public void handle(ProcessContext<String> self, String message) {
                    if (!message.equals("stop")) {
                        throw new IllegalStateException("told to crash");
                    }
                    self.stop();
                }

                @Override
                public void terminate(ProcessContext<String> self, ExitReason reason) {
                    log.add("-" + name);
                }
            });
        }

        @Override
        public List<String> startPhases() {
            return phases;
        }

        @Override
        public void startPhase(String phase, Kernel own) throws Exception {
            log.add(phase + " " + name);
        }

        @Override
        public void prepareStop(Kernel own) {
            log.add("prepare " + name);
        }

        @Override
        public void stop(Kernel own) {
            log.add("stop " + name);
        }
    }

    private Recorded app(String name, String... dependencies) {
        return new Recorded(name, List.of(dependencies));
    }

    /** One whose tree is a single process, which may end normally. */
    private Recorded single(String name, String... dependencies) {
        return new Recorded(name, List.of(dependencies)) {
            @Override
            public ChildSpec tree(Kernel own) {
                return worker();
            }
        };
    }

    private void tell(String path, String message) {
        kernel.find(path).orElseThrow().<String>ref().cast(message);
    }

    @Test
    @DisplayName(
            "applications start in the order of their dependencies and stop in reverse, each told before and after its tree")
    void order() throws Exception {
        applications.start(Type.PERMANENT, List.of(app("web", "store", "log"), app("store", "log"), app("log")));
        assertThat(applications.running()).containsExactly("log", "store", "web");
        assertThat(kernel.find("/applications/web/tree/worker")).isPresent();
        kernel.close();
        assertThat(log)
                .containsExactly(
                        "+log",
                        "+store",
                        "+web",
                        "prepare web",
                        "-web",
                        "stop web",
                        "prepare store",
                        "-store",
                        "stop store",
                        "prepare log",
                        "-log",
                        "stop log");
        assertThat(kernel.terminated().get(10, TimeUnit.SECONDS)).isInstanceOf(ExitReason.Shutdown.class);
    }

    @Test
    @DisplayName("start phases: each for all applications before the next one")
    void phases() throws Exception {
        applications.start(
                Type.TEMPORARY,
                List.of(
                        new Recorded("b", List.of("a"), "load", "listen"),
                        new Recorded("a", List.of(), "migrate", "load"),
                        app("c")));
        assertThat(log).containsExactly("+a", "+b", "+c", "migrate a", "load a", "load b", "listen b");
    }

    @Test
    @DisplayName("start phases in orders that contradict each other are an error that names them")
    void contradicting() {
        assertThatThrownBy(() -> applications.start(
                        Type.TEMPORARY,
                        List.of(new Recorded("a", List.of(), "x", "y"), new Recorded("b", List.of(), "y", "x"))))
                .hasMessageContaining("contradict")
                .hasMessageContaining("x -> y -> x");
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("a circle of dependencies is an error that names it")
    void circle() {
        assertThatThrownBy(
                        () -> applications.start(Type.TEMPORARY, List.of(app("a", "b"), app("b", "c"), app("c", "a"))))
                .isInstanceOf(StartException.class)
                .hasMessage("applications depend on each other in a circle: a -> b -> c -> a");
    }

    @Test
    @DisplayName("missing dependencies are an error that names them all")
    void missing() {
        assertThatThrownBy(() -> applications.start(Type.TEMPORARY, List.of(app("a", "x"), app("b", "a", "y"))))
                .hasMessageContaining("a needs x, b needs y");
        assertThat(applications.running()).isEmpty();
    }

    @Test
    @DisplayName("a dependency that runs already is not started again")
    void runsAlready() throws Exception {
        Recorded base = app("base");
        applications.start(Type.TEMPORARY, base);
        applications.start(Type.TEMPORARY, List.of(app("top", "base"), base));
        assertThat(log).containsExactly("+base", "+top");
    }

    @Test
    @DisplayName("when one fails to start, those started with it are stopped again")
    void startFails() throws Exception {
        applications.start(Type.PERMANENT, app("base"));
        log.clear();
        Recorded bad = new Recorded("bad", List.of("good")) {
            @Override
            public ChildSpec tree(Kernel own) {
                return ChildSpec.process("tree", () -> {
                    throw new IllegalStateException("no");
                });
            }
        };
        assertThatThrownBy(() -> applications.start(Type.PERMANENT, List.of(app("good", "base"), bad)))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("application bad did not start")
                .hasRootCauseMessage("no");
        assertThat(log).containsExactly("+good", "-good", "stop good");
        assertThat(applications.running()).containsExactly("base");
        assertThat(kernel.terminated()).isNotDone();
    }

    @Test
    @DisplayName("when a start phase fails, all are stopped again")
    void phaseFails() {
        Recorded bad = new Recorded("bad", List.of(), "load") {
            @Override
            public void startPhase(String phase, Kernel own) throws Exception {
                throw new IOException("disk");
            }
        };
        assertThatThrownBy(() -> applications.start(Type.PERMANENT, List.of(bad, app("other"))))
                .hasMessageContaining("application bad failed in its start phase load")
                .hasRootCauseMessage("disk");
        assertThat(log).containsExactly("+bad", "+other", "-other", "stop other", "-bad", "stop bad");
        assertThat(applications.running()).isEmpty();
    }

    @Test
    @DisplayName("stopping one stops before it those that depend on it, and nobody else, whatever its type")
    void stop() throws Exception {
        applications.start(Type.PERMANENT, List.of(app("a"), app("b", "a"), app("c", "b"), app("d")));
        log.clear();
        assertThat(applications.stop("a")).isTrue();
        assertThat(log).filteredOn(line -> line.startsWith("-")).containsExactly("-c", "-b", "-a");
        assertThat(applications.running()).containsExactly("d");
        assertThat(applications.stop("a")).isFalse();
        assertThat(kernel.terminated()).isNotDone();
        applications.start(Type.PERMANENT, app("a"));
        assertThat(applications.running()).containsExactly("d", "a");
    }

    @Test
    @DisplayName("permanent: its end, a normal one too, ends the kernel in order")
    void permanent() throws Exception {
        applications.start(Type.TEMPORARY, app("other"));
        applications.start(Type.PERMANENT, single("main", "other"));
        tell("/applications/main/worker", "stop");
        ExitReason reason = kernel.terminated().get(10, TimeUnit.SECONDS);
        assertThat(((ExitReason.Crash) reason).cause()).hasMessage("the permanent application main ended");
        assertThat(log)
                .containsExactly(
                        "+other",
                        "+main",
                        "-main",
                        "prepare main",
                        "stop main",
                        "prepare other",
                        "-other",
                        "stop other");
    }

    @Test
    @DisplayName("permanent: a supervisor that gives up is an end")
    void givesUp() throws Exception {
        applications.start(Type.PERMANENT, app("main"));
        tell("/applications/main/tree/worker", "crash");
        ExitReason reason = kernel.terminated().get(10, TimeUnit.SECONDS);
        assertThat(((ExitReason.Crash) reason).cause()).hasRootCauseMessage("told to crash");
    }

    @Test
    @DisplayName("transient: an abnormal end ends the kernel, a normal one does not")
    void onlyAbnormal() throws Exception {
        applications.start(Type.TRANSIENT, List.of(single("job"), single("other")));
        tell("/applications/job/worker", "stop");
        eventually("ended", () -> applications.running().equals(List.of("other")));
        assertThat(kernel.terminated()).isNotDone();
        tell("/applications/other/worker", "crash");
        assertThat(kernel.terminated().get(10, TimeUnit.SECONDS)).isInstanceOf(ExitReason.Crash.class);
    }

    @Test
    @DisplayName("temporary: its end is told, and ends nobody")
    void temporary() throws Exception {
        List<Telemetry.Event> events = new CopyOnWriteArrayList<>();
        kernel.telemetry().subscribe("t", "kernel.application", events::add);
        applications.start(Type.TEMPORARY, app("extra"));
        kernel.find("/applications/extra/tree").orElseThrow().kill();
        eventually("told", () -> !events.isEmpty());
        assertThat(applications.running()).isEmpty();
        assertThat(log).containsExactly("+extra", "prepare extra", "stop extra");
        assertThat(events.getFirst().metadata())
                .containsEntry("application", "extra")
                .containsEntry("reason", new ExitReason.Killed());
        assertThat(kernel.terminated()).isNotDone();
    }
}
