package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.ChildSpec.Restart;
import dev.coppice.kernel.ProcessOptions.Mode;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/** A kernel on a simulated clock, and processes that do what their mail tells them and log it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class ProcessFixture {
    static final Duration SOON = Duration.ofSeconds(10);
    static final ExitReason KILL = new ExitReason.Killed();
    static final ExitReason SHUTDOWN = new ExitReason.Shutdown();
    static final ExitReason NORMAL = new ExitReason.Normal();

    sealed interface Mail {}

    record Do(Action action) implements Mail {}

    record Note(String text) implements Mail {}

    record Ask(Consumer<String> answer) implements Mail {}

    @FunctionalInterface
    interface Action {
        void run(ProcessContext<Mail> self) throws Exception;
    }

    final SimulatedClock clock = new SimulatedClock();
    final Kernel kernel = Kernel.start(clock, 7);
    final List<String> log = new CopyOnWriteArrayList<>();
    private int number;

    @AfterEach
    final void close() {
        kernel.close();
    }

    /** What it notes goes to the log, as does its terminate. */
    final Behavior<Mail> behavior() {
        return new Behavior<>() {
            @Override
            public void handle(ProcessContext<Mail> self, Mail message) throws Exception {
                switch (message) {
                    case Do work -> work.action.run(self);
                    case Note note -> log.add(note.text);
                    case Ask ask -> ask.answer.accept("pong");
                }
            }

            @Override
            public void terminate(ProcessContext<Mail> self, ExitReason reason) {
                log.add("terminate " + word(reason));
            }
        };
    }

    static String word(ExitReason reason) {
        return reason.getClass().getSimpleName();
    }

    /** A temporary process named p0, p1 and so on. */
    final ProcessRef<Mail> process(ProcessOptions options) throws StartException {
        return kernel.root()
                .startProcess(ChildSpec.process("p" + number++, this::behavior, options)
                        .withRestart(Restart.TEMPORARY));
    }

    final ProcessRef<Mail> process(Mode mode) throws StartException {
        return process(ProcessOptions.DEFAULT.withMode(mode));
    }

    final ProcessRef<Mail> process() throws StartException {
        return process(ProcessOptions.DEFAULT);
    }

    static void crash(ProcessRef<Mail> ref) {
        ref.cast(new Do(self -> {
            throw new IllegalStateException("told to crash");
        }));
    }

    /** Does something in the process, and returns when it is done. */
    static void run(ProcessRef<Mail> ref, Action action) {
        ref.cast(new Do(action));
        sync(ref);
    }

    /** Returns when all mail sent before is handled. */
    static void sync(ProcessRef<Mail> ref) {
        assertThat(ref.<String>call(Ask::new, SOON)).isEqualTo("pong");
    }

    static void awaitDeath(ProcessRef<?> ref) {
        eventually(ref.name() + " is dead", () -> !ref.alive());
    }

    /** Makes the process wait until the latch that it gives is released. */
    static CountDownLatch hold(ProcessRef<Mail> ref) throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        ref.cast(new Do(self -> {
            held.countDown();
            release.await();
        }));
        held.await();
        return release;
    }

    final void awaitLog(String... expected) {
        eventually(() -> "log " + List.of(expected) + " but was " + log, () -> log.equals(List.of(expected)));
    }

    /** Runs something that waits, beside the test. */
    final Thread beside(String what, Task task) {
        return Thread.ofVirtual().name(what).start(() -> {
            try {
                task.run();
                log.add(what);
            } catch (Exception e) {
                log.add(what + ": " + e.getMessage());
            }
        });
    }

    static void awaitEnd(Thread thread) throws InterruptedException {
        assertThat(thread.join(SOON)).as(thread.getName() + " ended").isTrue();
    }
}
