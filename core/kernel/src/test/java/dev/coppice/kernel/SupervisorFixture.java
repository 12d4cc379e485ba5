package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;

import dev.coppice.kernel.SupervisorOptions.Strategy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/** A kernel on a simulated clock, and children that log their starts as +name and their ends as -name. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class SupervisorFixture {
    static final Duration SOON = Duration.ofSeconds(10);
    static final Task FOREVER = () -> new CountDownLatch(1).await();

    final SimulatedClock clock = new SimulatedClock();
    final Kernel kernel = Kernel.start(clock, 1);
    final List<String> log = new CopyOnWriteArrayList<>();

    @AfterEach
    final void close() {
        kernel.close();
    }

    final ChildSpec recorder(String name) {
        return recorder(name, ProcessOptions.Mode.ON_DEMAND);
    }

    final ChildSpec recorder(String name, ProcessOptions.Mode mode) {
        return ChildSpec.process(
                name,
                () -> new Behavior<String>() {
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
                },
                ProcessOptions.DEFAULT.withMode(mode));
    }

    static SupervisorOptions options(Strategy strategy) {
        return SupervisorOptions.DEFAULT.withStrategy(strategy);
    }

    /** Crashes a child and waits until that many restarts of it are done. */
    final void crash(Supervisor supervisor, String name, int restarts) {
        crash(supervisor, name);
        eventually(
                name + " restarted",
                () -> supervisor.child(name).orElseThrow().restarts() == restarts
                        && supervisor.child(name).orElseThrow().state() == Supervisor.State.RUNNING);
    }

    static void crash(Supervisor supervisor, String name) {
        supervisor.child(name).orElseThrow().<String>ref().cast("crash");
    }

    final void awaitLog(String... expected) {
        eventually(() -> "log " + List.of(expected) + " but was " + log, () -> log.equals(List.of(expected)));
    }

    final long restarts(String path) {
        return kernel.find(path).orElseThrow().restarts();
    }
}
