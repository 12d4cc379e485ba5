package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

final class ProcessIndexTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final ExitReason KILL = new ExitReason.Killed();

    private final Kernel kernel = Kernel.start();
    private final List<String> log = new CopyOnWriteArrayList<>();
    private int number;

    @AfterEach
    void close() {
        kernel.close();
    }

    private ProcessRef<Consumer<String>> process() throws StartException {
        return kernel.root()
                .startProcess(ChildSpec.<Consumer<String>>process("p" + number++, () -> (self, message) -> {
                            log.add(self.self().name());
                            message.accept(self.self().name());
                        })
                        .withRestart(ChildSpec.Restart.TEMPORARY));
    }

    @Test
    @DisplayName("unique names with one winner, freed on death")
    void oneWinner() throws Exception {
        ProcessIndex<Integer, String> index = ProcessIndex.unique();
        List<ProcessRef<?>> processes = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            processes.add(process());
        }
        for (int round = 0; round < 50; round++) {
            int key = round;
            List<Boolean> won = kernel.tasks(8).map(processes, p -> index.register(key, p, p.name()));
            assertThat(won).containsOnlyOnce(true);
            assertThat(index.find(key).orElseThrow().value())
                    .isEqualTo(processes.get(won.indexOf(true)).name());
        }
        processes.forEach(p -> p.exit(KILL));
        assertThat(index.keys()).isEmpty();
        assertThat(index.isClean()).isTrue();
    }

    @Test
    @DisplayName("a name is free for the next one as soon as anybody hears of the death")
    void freedBeforeTheNews() throws Exception {
        ProcessRef<?> first = process();
        ProcessRef<?> second = process();
        kernel.registry().register("boss", first);
        AtomicInteger heard = new AtomicInteger();
        first.monitor(down -> {
            assertThat(kernel.registry().find("boss")).isEmpty();
            assertThat(kernel.registry().register("boss", second)).isTrue();
            heard.incrementAndGet();
        });
        first.exit(KILL);
        assertThat(heard.get()).isEqualTo(1);
        assertThat(kernel.registry().find("boss")).contains((ProcessRef) second);
        assertThatThrownBy(() -> kernel.registry().register("late", first)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    @DisplayName("a restarted process registers again in its init")
    void again() throws Exception {
        ProcessRef<String> ref = kernel.root().startProcess(ChildSpec.process("p", () -> new Behavior<String>() {
            @Override
            public void init(ProcessContext<String> self) {
                assertThat(self.kernel().registry().register("me", self.self(), Map.of("since", number)))
                        .isTrue();
            }

            @Override
            public void handle(ProcessContext<String> self, String message) {
                throw new IllegalStateException("told to crash");
            }
        }));
        number = 1;
        ref.cast("crash");
        eventually("restarted", () -> kernel.registry().properties("me").equals(Optional.of(Map.of("since", 1))));
        kernel.root().stop("p");
        assertThat(kernel.registry().isClean()).isTrue();
    }

    @Test
    @DisplayName("each entry has a value, which can be replaced atomically")
    void values() throws Exception {
        ProcessIndex<String, Integer> index = ProcessIndex.shared();
        ProcessRef<?> a = process();
        ProcessRef<?> b = process();
        index.register("k", a, 1);
        index.register("k", b, 2);
        index.register("other", b, 3);
        assertThat(index.lookup("k")).extracting(ProcessIndex.Entry::value).containsExactly(1, 2);
        index.register("k", a, 10);
        assertThat(index.lookup("k")).extracting(ProcessIndex.Entry::value).containsExactly(10, 2);
        kernel.tasks(4).map(List.of(1, 2, 3, 4), _ -> {
            for (int i = 0; i < 100; i++) {
                index.update("k", b, old -> old + 1);
            }
            return 0;
        });
        assertThat(index.update("k", b, old -> old)).contains(402);
        assertThat(index.update("nobody", b, old -> old)).isEmpty();
        assertThat(index.select(entry -> entry.value() < 100))
                .extracting(ProcessIndex.Entry::key)
                .containsExactlyInAnyOrder("k", "other");
        assertThat(index.keys(b)).containsExactly("k", "other");
        assertThat(index.keys()).containsExactlyInAnyOrder("k", "other");
        assertThat(index.unregister("k")).isEqualTo(2);
        assertThat(index.keys(b)).containsExactly("other");
    }

    @Test
    @DisplayName("giving names up and taking them again leaves nothing behind")
    void noLeak() throws Exception {
        ProcessRef<?> a = process();
        for (int i = 0; i < 1_000; i++) {
            kernel.registry().register("n" + i, a);
            assertThat(kernel.registry().unregister("n" + i)).isTrue();
            kernel.groups().join("g" + i, a);
            assertThat(kernel.groups().leave("g" + i, a)).isTrue();
        }
        assertThat(kernel.registry().isClean()).isTrue();
        assertThat(kernel.groups().isClean()).isTrue();
        assertThat(kernel.registry().unregister("n0")).isFalse();
    }

    @Test
    @DisplayName("a process leaves its groups at the end")
    void groups() throws Exception {
        ProcessRef<Consumer<String>> a = process();
        ProcessRef<Consumer<String>> b = process();
        ProcessGroups groups = kernel.groups();
        groups.join("g", a, Map.of("zone", "north"));
        groups.join("g", b, Map.of("zone", "south"));
        groups.join("g", b, Map.of("zone", "south"));
        assertThat(groups.<Consumer<String>>members("g")).containsExactly(a, b);
        assertThat(groups.<Consumer<String>>members("g", p -> "south".equals(p.get("zone"))))
                .containsExactly(b);
        assertThat(groups.properties("g", a)).contains(Map.of("zone", "north"));
        assertThat(groups.update("g", a, old -> Map.of("zone", "east"))).contains(Map.of("zone", "east"));
        Consumer<String> nothing = name -> {};
        assertThat(groups.cast("g", nothing)).isEqualTo(2);
        eventually("both got it", () -> log.size() == 2);
        assertThat(groups.groups(a)).containsExactly("g");
        a.exit(KILL);
        assertThat(groups.members("g")).containsExactly((ProcessRef) b);
        assertThat(groups.leave("g", b)).isTrue();
        assertThat(groups.leave("g", b)).isFalse();
        assertThat(groups.names()).isEmpty();
    }

    @Test
    @DisplayName("a monitor of a group is told who is there, who joins and who leaves, in order")
    void monitor() throws Exception {
        ProcessRef<?> a = process();
        ProcessRef<?> b = process();
        ProcessGroups groups = kernel.groups();
        groups.join("g", a);
        List<String> told = new CopyOnWriteArrayList<>();
        Monitor monitor = groups.monitor(
                "g",
                change -> told.add(change.getClass().getSimpleName()
                        + change.entry().process().name()));
        Monitor all = groups.monitor(change -> told.add("all " + change.entry().key()));
        groups.join("g", b);
        groups.join("other", b);
        b.exit(KILL);
        assertThat(told)
                .containsExactly("Joined/p0", "Joined/p1", "all g", "all other", "Left/p1", "all g", "all other");
        monitor.cancel();
        all.cancel();
        a.exit(KILL);
        assertThat(told).hasSize(7);
        assertThat(groups.isClean()).isTrue();
    }

    @Test
    @DisplayName("an address by name reaches whoever has the name")
    void via() throws Exception {
        ProcessRef<Consumer<String>> boss = kernel.registry().via("boss");
        assertThat(boss.alive()).isFalse();
        boss.cast(name -> {});
        assertThatThrownBy(() -> boss.<String>call(answer -> answer, SOON)).hasMessage("no process has the name boss");
        boss.monitor(down -> log.add(down.reason().toString()));
        assertThat(log).containsExactly("NoProcess[]");
        for (int i = 0; i < 2; i++) {
            ProcessRef<Consumer<String>> p = process();
            kernel.registry().register("boss", p);
            assertThat(boss.<String>call(answer -> answer, SOON)).isEqualTo(p.name());
            kernel.groups().join("bosses", boss);
            assertThat(kernel.groups().groups(p)).containsExactly("bosses");
            boss.exit(KILL);
            assertThat(p.alive()).isFalse();
        }
    }

    @Test
    @DisplayName("whatever processes join, leave and end, the index tells the truth and the monitor the history")
    void model() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        ProcessIndex<Integer, Integer> index = ProcessIndex.shared();
        Map<String, Integer> history = new ConcurrentHashMap<>();
        List<Monitor> monitors = IntStream.range(0, 5)
                .mapToObj(key -> index.monitor(
                        key,
                        change -> history.merge(
                                key + change.entry().process().name(),
                                change instanceof ProcessIndex.Joined<?, ?> ? 1 : -1,
                                Integer::sum)))
                .toList();
        List<ProcessRef<Consumer<String>>> processes = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            processes.add(process());
        }
        kernel.tasks(4).map(List.of(random.split(), random.split(), random.split(), random.split()), own -> {
            for (int i = 0; i < 2_000; i++) {
                ProcessRef<?> process = processes.get(own.nextInt(processes.size()));
                int key = own.nextInt(5);
                try {
                    switch (own.nextInt(500)) {
                        case 0 -> process.exit(KILL);
                        case 1 -> index.unregister(key);
                        default -> {
                            if (own.nextBoolean()) {
                                index.register(key, process, i);
                            } else {
                                index.unregister(key, process);
                            }
                        }
                    }
                } catch (IllegalStateException dead) {
                    assertThat(process.alive()).isFalse();
                }
            }
            return 0;
        });
        for (int key = 0; key < 5; key++) {
            for (ProcessRef<?> process : processes) {
                int there = index.keys(process).contains(key) ? 1 : 0;
                assertThat(index.lookup(key).stream()
                                .filter(e -> e.process() == process)
                                .count())
                        .as("seed " + seed)
                        .isEqualTo(there);
                assertThat(history.getOrDefault(key + process.name(), 0))
                        .as("seed " + seed)
                        .isEqualTo(there);
            }
        }
        processes.forEach(p -> p.exit(KILL));
        assertThat(history.values()).as("seed " + seed).containsOnly(0);
        monitors.forEach(Monitor::cancel);
        assertThat(index.isClean()).as("seed " + seed).isTrue();
    }
}
