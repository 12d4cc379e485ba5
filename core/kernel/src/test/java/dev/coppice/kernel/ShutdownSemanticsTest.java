package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ProcessOptions.Mode;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How children start and stop, and when terminate runs, as OTP's supervisor and gen_server. */
final class ShutdownSemanticsTest extends SupervisorFixture {

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("synchronous init: start returns after it, and nobody is started beside it")
    void synchronousInit(Mode mode) throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        ChildSpec slow = ChildSpec.process(
                "slow",
                () -> new Behavior<String>() {
                    @Override
                    public void init(ProcessContext<String> self) throws Exception {
                        inside.countDown();
                        release.await();
                        log.add("+slow");
                    }

                    @Override
                    public void handle(ProcessContext<String> self, String message) {}
                },
                ProcessOptions.DEFAULT.withMode(mode));
        Thread starter = Thread.ofVirtual().start(() -> {
            try {
                kernel.root().start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, slow, recorder("next")));
                log.add("started");
            } catch (StartException e) {
                log.add("failed " + e);
            }
        });
        inside.await();
        assertThat(log).isEmpty();
        release.countDown();
        assertThat(starter.join(SOON)).isTrue();
        assertThat(log).containsExactly("+slow", "+next", "started");
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("a failing init unwinds started siblings, and is not told to terminate")
    void failingInit(Mode mode) {
        ChildSpec bad = ChildSpec.process(
                "bad",
                () -> new Behavior<String>() {
                    @Override
                    public void init(ProcessContext<String> self) {
                        throw new IllegalStateException("no");
                    }

                    @Override
                    public void handle(ProcessContext<String> self, String message) {}

                    @Override
                    public void terminate(ProcessContext<String> self, ExitReason reason) {
                        log.add("-bad");
                    }
                },
                ProcessOptions.DEFAULT.withMode(mode));
        assertThatThrownBy(() -> kernel.root()
                        .start(ChildSpec.supervisor(
                                "s", SupervisorOptions.DEFAULT, recorder("a"), recorder("b"), bad, recorder("c"))))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("/s/bad did not start")
                .hasRootCauseMessage("no");
        assertThat(log).containsExactly("+a", "+b", "-b", "-a");
        assertThat(kernel.root().children()).isEmpty();
    }

    @Test
    @DisplayName("a start that hangs can be ended")
    void hangingStart() throws Exception {
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
        assertThat(starter.join(SOON)).isTrue();
        awaitLog("not started");
        assertThat(kernel.root().children()).isEmpty();
    }

    @Test
    @DisplayName("shutdown in reverse start order")
    void reverse() throws Exception {
        kernel.root().start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, recorder("a"), recorder("b")));
        kernel.find("/s").orElseThrow().supervisor().start(recorder("later"));
        assertThat(kernel.root().stop("s")).isTrue();
        assertThat(log).containsExactly("+a", "+b", "+later", "-later", "-b", "-a");
        assertThat(kernel.root().child("s")).isEmpty();
        assertThat(kernel.root().stop("s")).isFalse();
    }

    @Test
    @DisplayName("shutdown in reverse start order: the whole tree, when the kernel closes")
    void wholeTree() throws Exception {
        kernel.root().start(ChildSpec.supervisor("s", SupervisorOptions.DEFAULT, recorder("a"), recorder("b")));
        kernel.root().start(recorder("c"));
        kernel.close();
        assertThat(log).containsExactly("+a", "+b", "+c", "-c", "-b", "-a");
    }

    /** A process whose terminate takes until it is released or interrupted. */
    private ChildSpec lingering(String name, CountDownLatch inside, CountDownLatch release) {
        return ChildSpec.process(name, () -> new Behavior<String>() {
            @Override
            public void handle(ProcessContext<String> self, String message) {}

            @Override
            public void terminate(ProcessContext<String> self, ExitReason reason) {
                inside.countDown();
                try {
                    release.await();
                    log.add("-" + name);
                } catch (InterruptedException e) {
                    log.add("interrupted");
                }
            }
        });
    }

    @Test
    @DisplayName("shutdown with a timeout then kill")
    void timeoutThenKill() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        kernel.root().start(lingering("a", inside, new CountDownLatch(1)).withShutdown(Duration.ofSeconds(3)));
        ProcessRef<String> ref = kernel.find("/a").orElseThrow().ref();
        ref.monitor(down -> log.add("down " + down.reason()));
        Thread stopper = Thread.ofVirtual().start(() -> kernel.root().stop("a"));
        inside.await();
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        clock.advance(Duration.ofSeconds(3).minusNanos(1));
        assertThat(ref.alive()).isTrue();
        clock.advance(Duration.ofNanos(1));
        assertThat(stopper.join(SOON)).isTrue();
        eventually("both", () -> log.size() == 2);
        assertThat(log).containsExactlyInAnyOrder("interrupted", "down Killed[]");
        assertThat(kernel.meters().abandoned.get()).isEqualTo(1);
    }

    @Test
    @DisplayName("shutdown with a timeout then kill: also for a task that does not heed its interrupt")
    void stuckTask() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        AtomicBoolean free = new AtomicBoolean();
        kernel.root()
                .start(ChildSpec.task("a", () -> {
                            stuck.countDown();
                            while (!free.get()) {
                                Thread.yield();
                            }
                        })
                        .withShutdown(Duration.ofSeconds(3)));
        stuck.await();
        Thread stopper = Thread.ofVirtual().start(() -> kernel.root().stop("a"));
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        clock.advance(Duration.ofSeconds(3));
        assertThat(stopper.join(SOON)).isTrue();
        assertThat(kernel.meters().abandoned.get()).isEqualTo(1);
        free.set(true);
    }

    @Test
    @DisplayName("shutdown zero kills at once (brutal_kill): no terminate")
    void brutalKill() throws Exception {
        kernel.root().start(recorder("a").withShutdown(Duration.ZERO));
        assertThat(kernel.root().stop("a")).isTrue();
        assertThat(log).containsExactly("+a");
        assertThat(kernel.meters().abandoned.get()).isZero();
    }

    @Test
    @DisplayName("supervisors wait for ever")
    void forEver() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        kernel.root()
                .start(ChildSpec.supervisor(
                        "s",
                        SupervisorOptions.DEFAULT,
                        ChildSpec.supervisor(
                                "inner",
                                SupervisorOptions.DEFAULT,
                                lingering("a", inside, release).withShutdown(null))));
        Thread stopper = Thread.ofVirtual().start(() -> {
            kernel.root().stop("s");
            log.add("stopped");
        });
        inside.await();
        assertThat(clock.pending()).isZero();
        clock.advance(Duration.ofDays(365));
        assertThat(log).isEmpty();
        release.countDown();
        assertThat(stopper.join(SOON)).isTrue();
        assertThat(log).containsExactly("-a", "stopped");
    }

    /** Tells in its terminate why it ends, and what it had handled. */
    private ChildSpec teller(Mode mode) {
        return ChildSpec.process(
                        "a",
                        () -> new Behavior<String>() {
                            private final StringBuilder state = new StringBuilder();

                            @Override
                            public void handle(ProcessContext<String> self, String message) {
                                state.append(message);
                                if (message.equals("crash")) {
                                    throw new IllegalStateException("told to crash");
                                }
                                if (message.equals("stop")) {
                                    self.stop();
                                }
                            }

                            @Override
                            public void terminate(ProcessContext<String> self, ExitReason reason) {
                                log.add(reason.getClass().getSimpleName() + " after " + state);
                                throw new IllegalStateException("fails, too");
                            }
                        },
                        ProcessOptions.DEFAULT.withMode(mode))
                .withRestart(ChildSpec.Restart.TEMPORARY);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName(
            "terminate callback rules: called with the reason on normal stop, crash in a callback, shutdown and exit signal")
    void terminates(Mode mode) throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(teller(mode));
        ref.cast("stop");
        awaitLog("Normal after stop");
        eventually("gone", () -> kernel.root().children().isEmpty());
        log.clear();

        ref = kernel.root().startProcess(teller(mode));
        ref.cast("crash");
        awaitLog("Crash after crash");
        eventually("gone", () -> kernel.root().children().isEmpty());
        log.clear();

        kernel.root().start(teller(mode));
        kernel.root().stop("a");
        awaitLog("Shutdown after ");
        log.clear();

        ref = kernel.root().startProcess(teller(mode));
        ref.exit(new ExitReason.Shutdown());
        awaitLog("Shutdown after ");
        eventually("gone", () -> kernel.root().children().isEmpty());
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    @DisplayName("terminate callback rules: not called on kill, idle or busy")
    void killedWithoutTerminate(Mode mode) throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(teller(mode));
        ref.exit(new ExitReason.Killed());
        eventually("gone", () -> kernel.root().children().isEmpty());
        kernel.root().start(teller(mode));
        kernel.find("/a").orElseThrow().kill();
        eventually("gone", () -> kernel.root().children().isEmpty());
        assertThat(log).isEmpty();
    }

    @Test
    @DisplayName("terminate callback rules: one that throws does not change the reason")
    void terminateThrows() throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(teller(Mode.ON_DEMAND));
        ref.monitor(down -> log.add("down " + down.reason()));
        ref.cast("stop");
        awaitLog("Normal after stop", "down Normal[]");
    }

    @Test
    @DisplayName("shutdown goes before queued mail, which is dropped")
    void overtakesMail() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        ProcessRef<String> ref = kernel.root().startProcess(ChildSpec.<String>process("a", () -> (self, message) -> {
            log.add(message);
            inside.countDown();
            release.await();
        }));
        ref.cast("one");
        ref.cast("two");
        inside.await();
        Thread stopper = Thread.ofVirtual().start(() -> kernel.root().stop("a"));
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        release.countDown();
        assertThat(stopper.join(SOON)).isTrue();
        assertThat(log).containsExactly("one");
        eventually("counted", () -> kernel.meters().deadLetters.get() == 1);
    }

    @Test
    @DisplayName("stopping a supervisor interrupts its tasks")
    void tasks() throws Exception {
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
    @DisplayName("a service that reports a failure is stopped and started again")
    void service() throws Exception {
        kernel.root().start(ChildSpec.service("door", Door::new));
        Door.failure.report(new IllegalStateException("hinge"));
        awaitLog("open", "shut", "open");
    }

    @Test
    @DisplayName("a killed service frees its port first")
    void killedService() throws Exception {
        kernel.root().start(ChildSpec.service("door", Door::new));
        kernel.find("/door").orElseThrow().kill();
        awaitLog("open", "shut", "open");
        kernel.close();
        assertThat(log).containsExactly("open", "shut", "open", "shut");
    }

    @Test
    @DisplayName("a service that fails to start tells why")
    void failingService() {
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
    @DisplayName("a periodic action runs at its interval")
    void periodic() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        kernel.root().start(ChildSpec.periodic("p", Duration.ofMinutes(1), Duration.ZERO, runs::incrementAndGet));
        for (int i = 1; i <= 3; i++) {
            assertThat(clock.awaitPending(1, SOON)).isTrue();
            assertThat(runs.get()).isEqualTo(i);
            clock.advance(Duration.ofMinutes(1));
        }
    }

    @Test
    @DisplayName("init may use its own address, and stop")
    void initStops() throws Exception {
        ProcessRef<String> ref = kernel.root()
                .startProcess(ChildSpec.<String>process("own", () -> new Behavior<>() {
                            @Override
                            public void init(ProcessContext<String> self) {
                                self.self().cast("to myself");
                                self.continueWith("continued");
                            }

                            @Override
                            public void handle(ProcessContext<String> self, String message) {
                                log.add(message);
                                self.stop();
                            }
                        })
                        .withRestart(ChildSpec.Restart.TEMPORARY));
        eventually("ended", () -> !ref.alive());
        awaitLog("continued");
    }
}
