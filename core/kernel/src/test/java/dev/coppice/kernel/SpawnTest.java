package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Processes without names, and a look inside them. */
class SpawnTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    sealed interface Mail {}

    record Add(int number) implements Mail {}

    record Sum(Consumer<Integer> answer) implements Mail {}

    record Fail() implements Mail {}

    private static final class Counter implements Behavior<Mail> {
        private int sum;

        Counter(int start) {
            sum = start;
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Add add -> sum += add.number;
                case Sum ask -> ask.answer.accept(sum);
                case Fail _ -> throw new IllegalStateException("asked to");
            }
        }

        @Override
        public Object describe() {
            return "sum " + sum;
        }
    }

    private final Kernel kernel = Kernel.start();
    private final ChildSpec kind = ChildSpec.process("counter", () -> new Counter(0));

    @AfterEach
    void close() {
        kernel.close();
    }

    private Supervisor pool(int maxChildren) throws StartException {
        return kernel.root().startSupervisor("pool", SupervisorOptions.DEFAULT.withMaxChildren(maxChildren));
    }

    @Test
    void spawnedProcessesShareASpecificationAndHaveNumbers() throws Exception {
        Supervisor pool = pool(10);
        ProcessRef<Mail> first = pool.spawn(kind, () -> new Counter(1));
        ProcessRef<Mail> second = pool.spawn(kind, () -> new Counter(2));
        assertThat(first.name()).isEqualTo("/pool/counter#1");
        assertThat(second.<Integer>call(Sum::new, LIMIT)).isEqualTo(2);
        assertThat(kernel.find("/pool/counter#2").orElseThrow().<Mail>ref()).isSameAs(second);
        assertThat(kernel.find("/pool/counter#3")).isEmpty();
        assertThat(pool.children()).hasSize(2);
        assertThat(pool.stop("counter#1")).isTrue();
        assertThat(first.alive()).isFalse();
        assertThat(pool.childCount()).isEqualTo(1);
    }

    @Test
    void aSpawnedProcessIsRestartedWithItsOwnBehavior() throws Exception {
        ProcessRef<Mail> process = pool(10).spawn(kind, () -> new Counter(7));
        process.cast(new Add(1));
        CountDownLatch down = new CountDownLatch(1);
        process.monitor(_ -> down.countDown());
        process.cast(new Fail());
        down.await();
        eventually("it is back", process::alive);
        assertThat(process.<Integer>call(Sum::new, LIMIT)).isEqualTo(7);
    }

    @Test
    void aTemporarySpawnedProcessIsForgottenAtItsEnd() throws Exception {
        Supervisor pool = pool(2);
        for (int i = 0; i < 100; i++) {
            ProcessRef<Mail> process =
                    pool.spawn(kind.withRestart(ChildSpec.Restart.TEMPORARY), () -> (self, _) -> self.stop());
            process.cast(new Add(1));
            eventually("it is forgotten", () -> pool.childCount() == 0);
        }
    }

    @Test
    void aPoolIsBoundedAndStopsInReverse() throws Exception {
        List<Integer> ended = new CopyOnWriteArrayList<>();
        Supervisor pool = pool(3);
        for (int i = 0; i < 3; i++) {
            int number = i;
            pool.<Mail>spawn(kind, () -> new Behavior<>() {
                @Override
                public void handle(ProcessContext<Mail> self, Mail message) {}

                @Override
                public void terminate(ProcessContext<Mail> self, ExitReason reason) {
                    ended.add(number);
                }
            });
        }
        assertThatThrownBy(() -> pool.<Mail>spawn(kind, () -> new Counter(0)))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("/pool/counter#4 was not started")
                .hasMessageContaining("its limit; raise maxChildren");
        kernel.root().stop("pool");
        assertThat(ended).containsExactly(2, 1, 0);
    }

    @Test
    void manyAreSpawnedTogetherAndAllAnswer() throws Exception {
        Supervisor pool = pool(20_000);
        List<ProcessRef<Mail>> all = new CopyOnWriteArrayList<>();
        kernel.tasks(8).map(List.of(0, 1, 2, 3, 4, 5, 6, 7), _ -> {
            List<ProcessRef<Mail>> mine = new ArrayList<>();
            for (int i = 0; i < 2_000; i++) {
                mine.add(pool.spawn(kind, () -> new Counter(1)));
            }
            return all.addAll(mine);
        });
        int sum = 0;
        for (ProcessRef<Mail> process : all) {
            sum += process.<Integer>call(Sum::new, LIMIT);
        }
        assertThat(sum).isEqualTo(16_000);
        assertThat(all.stream().map(ProcessRef::name).distinct()).hasSize(16_000);
    }

    @Test
    void onlyProcessesCanBeSpawned() throws Exception {
        Supervisor pool = pool(1);
        assertThatThrownBy(() -> pool.<Mail>spawn(ChildSpec.task("work", () -> {}), () -> new Counter(0)))
                .hasMessageContaining("/pool/work is a task; only processes can be spawned");
    }

    @Test
    void aProcessTellsOfItsStateBetweenMessages() throws Exception {
        ProcessRef<Mail> process = pool(1).spawn(kind, () -> new Counter(40));
        process.cast(new Add(2));
        assertThat(process.<Integer>call(Sum::new, LIMIT)).isEqualTo(42);
        Supervisor.Child child = kernel.find("/pool/counter#1").orElseThrow();
        assertThat(child.describe().get()).isEqualTo(Optional.of("sum 42"));
        process.exit(new ExitReason.Killed());
        assertThat(child.describe().get())
                .satisfiesAnyOf(
                        gone -> assertThat(gone).isEmpty(),
                        back -> assertThat(back).contains("sum 40"));
    }

    @Test
    void aTracerSeesTheMailAndItsFailureAndCannotHarm() throws Exception {
        ProcessRef<Mail> process = pool(1).spawn(kind, () -> new Counter(0));
        Supervisor.Child child = kernel.find("/pool/counter#1").orElseThrow();
        List<String> seen = new CopyOnWriteArrayList<>();
        child.trace((message, _, _, took, failure) -> seen.add(message + " " + (took >= 0) + " " + failure));
        process.cast(new Add(1));
        CountDownLatch down = new CountDownLatch(1);
        process.monitor(_ -> down.countDown());
        process.cast(new Fail());
        down.await();
        assertThat(seen)
                .containsExactly("Add[number=1] true null", "Fail[] true java.lang.IllegalStateException: asked to");

        eventually("it is back", process::alive);
        AtomicInteger calls = new AtomicInteger();
        child.trace((_, _, _, _, _) -> {
            calls.incrementAndGet();
            throw new IllegalStateException("a bad tracer");
        });
        process.cast(new Add(1));
        process.cast(new Add(1));
        assertThat(process.<Integer>call(Sum::new, LIMIT)).isEqualTo(2);
        assertThat(calls).hasValue(1);
    }

    @Test
    void anIsolatedProcessHasAThreadOfTheOperatingSystem() throws Exception {
        ProcessRef<Consumer<Thread>> process = kernel.root()
                .startProcess(ChildSpec.<Consumer<Thread>>process(
                        "compute",
                        () -> (_, answer) -> answer.accept(Thread.currentThread()),
                        ProcessOptions.DEFAULT.withMode(ProcessOptions.Mode.ISOLATED)));
        Thread thread = process.<Thread>call(answer -> answer, LIMIT);
        assertThat(thread.isVirtual()).isFalse();
        assertThat(thread.getName()).isEqualTo("/compute");
        kernel.root().stop("compute");
        thread.join(LIMIT);
        assertThat(thread.isAlive()).isFalse();
    }
}
