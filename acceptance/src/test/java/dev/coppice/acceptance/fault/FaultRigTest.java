package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.Shell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Rounds of faults on clusters of real nodes; see docs/faults.md.
 *
 * <p>Properties: {@code seed} repeats a run; {@code fault.minutes} makes it long, with one new cluster after the other;
 * {@code fault.nodes} and {@code fault.kinds} choose what else is drawn.
 */
class FaultRigTest {
    private static final int SHORT_FAULTS = 3;
    private static final int LONG_FAULTS = 6;
    private static final int ROUNDS_PER_CLUSTER = 8;
    private static final List<Fault.Kind> ALONE =
            List.of(Fault.Kind.KILL, Fault.Kind.POWER, Fault.Kind.TORN_LOG, Fault.Kind.SYNC_ERROR);
    private static final List<Integer> SIZES = List.of(3, 5, 3, 1);

    @TempDir
    Path folder;

    private final long seed = Long.getLong("seed", new Random().nextLong());
    private final Random random = new Random(seed);
    private final Duration limit = Duration.ofMinutes(Integer.getInteger("fault.minutes", 0));
    private final List<Fault.Kind> kinds = kinds();
    private final Tally tally = new Tally();

    private static List<Fault.Kind> kinds() {
        String given = System.getProperty("fault.kinds", "");
        return given.isEmpty()
                ? List.of(Fault.Kind.values())
                : Arrays.stream(given.split(",")).map(Fault.Kind::valueOf).toList();
    }

    @Test
    void aNodeAloneLosesNothing() throws Exception {
        System.out.println("fault rig: -Dseed=" + seed + ", faults " + ALONE);
        Path own = Files.createDirectories(folder.resolve("alone"));
        try (Rig rig = Rig.start(1, own)) {
            round(rig, 0, own, ALONE);
        }
        assertThat(tally.answered()).isPositive();
    }

    @Test
    void aClusterLosesNothing() throws Exception {
        System.out.println("fault rig: -Dseed=" + seed + ", faults " + kinds);
        long end = System.nanoTime() + limit.toNanos();
        int cluster = 0;
        do {
            int nodes = Integer.getInteger("fault.nodes", SIZES.get(cluster % SIZES.size()));
            Path own = Files.createDirectories(folder.resolve("cluster" + cluster++));
            try (Rig rig = Rig.start(nodes, own)) {
                int rounds = limit.isZero() ? 1 : ROUNDS_PER_CLUSTER;
                for (int number = 0; number < rounds && (number == 0 || System.nanoTime() < end); number++) {
                    round(rig, number, own, kinds);
                }
            }
        } while (System.nanoTime() < end);
        assertThat(tally.answered()).isPositive();
    }

    private void round(Rig rig, int number, Path own, List<Fault.Kind> drawn) throws IOException, InterruptedException {
        Round round = new Round(rig, number, random.nextLong(), drawn, limit.isZero() ? SHORT_FAULTS : LONG_FAULTS);
        try {
            Round.Outcome outcome = round.run();
            tally.add(outcome);
            System.out.println(tally);
            assertThat(outcome.problems()).isEmpty();
        } catch (AssertionError | RuntimeException | IOException e) {
            Path kept = keep(rig, own);
            throw new AssertionError(
                    "-Dseed=" + seed + " -Dfault.nodes=" + rig.nodes().size() + ", round " + number
                            + "; the logs of the nodes are in " + kept + "; faults so far:\n"
                            + String.join("\n", round.faults()) + "\n" + e.getMessage(),
                    e);
        }
    }

    private Path keep(Rig rig, Path own) throws IOException {
        Path kept = Files.createDirectories(
                Shell.HOME.resolve("acceptance/target/fault/" + seed + "/" + own.getFileName()));
        for (RigNode each : rig.nodes()) {
            Files.copy(each.log(), kept.resolve(each.name() + ".log"), StandardCopyOption.REPLACE_EXISTING);
        }
        return kept;
    }
}
