package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;

import dev.coppice.kernel.ChildSpec.Restart;
import dev.coppice.kernel.SupervisorOptions.Strategy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Whatever is killed, in whatever order, the tree comes back as it was specified. */
final class SupervisorTreePropertiesTest {

    /** Seeds are the inputs, so jqwik prints the one that fails. */
    @Property(tries = 60)
    void randomKillsLeaveTheSpecifiedChildrenAlive(@ForAll long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        try (Kernel kernel = Kernel.start()) {
            TreeSet<String> expected = new TreeSet<>();
            start(kernel, random, expected);
            List<String> paths = new ArrayList<>(expected);
            for (int i = 0; i < 12; i++) {
                String path = paths.get(random.nextInt(paths.size()));
                kernel.find(path).ifPresent(child -> hurt(child, random));
                if (random.nextInt(3) == 0) {
                    Thread.yield();
                }
            }
            try {
                eventually("all of " + expected, () -> running(kernel.root()).equals(expected));
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + kernel.tree(100), e);
            }
        } catch (StartException e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    private static void hurt(Supervisor.Child child, SplittableRandom random) {
        if (child.spec().body() instanceof ChildSpec.ProcessBody && random.nextBoolean()) {
            child.<String>ref().cast("crash");
        } else {
            child.kill();
        }
    }

    private static void start(Kernel kernel, SplittableRandom random, TreeSet<String> expected) throws StartException {
        for (int i = 0; i < 3; i++) {
            Strategy strategy = Strategy.values()[random.nextInt(3)];
            Supervisor s = kernel.root()
                    .start(ChildSpec.supervisor(
                            "s" + i,
                            SupervisorOptions.DEFAULT
                                    .withStrategy(strategy)
                                    .withIntensity(1_000, Duration.ofSeconds(1)),
                            child("a", random),
                            child("b", random),
                            ChildSpec.supervisor(
                                    "inner",
                                    SupervisorOptions.DEFAULT.withIntensity(random.nextInt(4), Duration.ofSeconds(5)),
                                    child("c", random),
                                    child("d", random))))
                    .supervisor();
            s.start(child("later", random));
            s.start(child("passing", random).withRestart(Restart.TEMPORARY));
            expected.addAll(List.of(
                    "/s" + i,
                    "/s" + i + "/a",
                    "/s" + i + "/b",
                    "/s" + i + "/inner",
                    "/s" + i + "/inner/c",
                    "/s" + i + "/inner/d",
                    "/s" + i + "/later"));
        }
    }

    private static ChildSpec child(String name, SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> ChildSpec.task(name, () -> new CountDownLatch(1).await());
            case 1 ->
                ChildSpec.service(name, () -> new Service() {
                    @Override
                    public void start(Failure failure) {}

                    @Override
                    public void stop() {}
                });
            case 2 -> ChildSpec.periodic(name, Duration.ofMillis(1), Duration.ZERO, () -> {});
            default ->
                ChildSpec.<String>process(name, () -> (self, message) -> {
                    throw new IllegalStateException(message);
                });
        };
    }

    private static TreeSet<String> running(Supervisor supervisor) {
        TreeSet<String> paths = new TreeSet<>();
        for (Supervisor.Child child : supervisor.children()) {
            if (child.spec().restart() != Restart.TEMPORARY && child.state() == Supervisor.State.RUNNING) {
                paths.add(child.path());
            }
            if (child.spec().body() instanceof ChildSpec.SupervisorBody) {
                paths.addAll(running(child.supervisor()));
            }
        }
        return paths;
    }
}
