package dev.coppice.store.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills the process with SIGKILL under concurrent writes, again and again: no acknowledged write is lost, no transaction is
 * torn, revisions never go back. Rounds by {@code -Dcoppice.crash.rounds}, seed by {@code -Dcoppice.crash.seed}.
 */
class CrashTest {

    private static final int ROUNDS = Integer.getInteger("coppice.crash.rounds", 50);
    private static final long SEED = Long.getLong("coppice.crash.seed", new Random().nextLong());

    @TempDir
    Path directory;

    private record Written(int round, int number) {}

    private final Map<String, Written> acknowledged = new HashMap<>();
    private long lastRevision;
    private int acknowledgements;

    @Test
    void losesNothingThatWasAcknowledged() throws Exception {
        System.out.println("crash test: seed " + SEED + ", " + ROUNDS + " rounds");
        Random random = new Random(SEED);
        for (int round = 1; round <= ROUNDS; round++) {
            round(round, 20 + random.nextInt(300));
        }
        assertThat(acknowledgements).isGreaterThan(ROUNDS * 10);
        System.out.println(
                "crash test: " + acknowledgements + " acknowledged transactions, last revision " + lastRevision);
    }

    private void round(int round, int acknowledgementsBeforeKill) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xshare:auto",
                        "-Xmx128m",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-cp",
                        System.getProperty("java.class.path"),
                        CrashWriter.class.getName(),
                        directory.toString(),
                        Integer.toString(round)))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            checkFound(out, round);
            for (int i = 0; i < acknowledgementsBeforeKill; i++) {
                acknowledge(out.readLine());
            }
            // By its handle, which leaves the pipe open: what was printed before the kill counts, too.
            assertThat(process.toHandle().destroyForcibly()).isTrue();
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                if (line.split(" ").length == 4) {
                    acknowledge(line);
                }
            }
        } finally {
            process.destroyForcibly();
            process.waitFor();
        }
    }

    private void checkFound(BufferedReader out, int round) throws IOException {
        String head = out.readLine();
        assertThat(head).as("first line of round %d", round).startsWith("found ");
        long revision = Long.parseLong(head.split(" ")[1]);
        assertThat(revision).as("the revision after round %d", round - 1).isGreaterThanOrEqualTo(lastRevision);
        Map<String, String[]> has = new HashMap<>();
        for (String line = out.readLine(); !line.equals("ready"); line = out.readLine()) {
            String[] parts = line.split(" ");
            has.put(parts[1], parts);
            assertThat(Long.parseLong(parts[3])).isLessThanOrEqualTo(revision);
        }
        for (Map.Entry<String, Written> each : acknowledged.entrySet()) {
            String[] left = has.get("pair/" + each.getKey() + "/left");
            String[] right = has.get("pair/" + each.getKey() + "/right");
            assertThat(left)
                    .as("writer %s lost everything, round %d", each.getKey(), round)
                    .isNotNull();
            assertThat(right).isNotNull();
            assertThat(left[2])
                    .as("torn transaction of writer %s", each.getKey())
                    .isEqualTo(right[2]);
            assertThat(left[3]).isEqualTo(right[3]);
            assertThat(compare(parse(left[2]), each.getValue()))
                    .as(
                            "writer %s has %s, acknowledged was %s, round %d",
                            each.getKey(), left[2], each.getValue(), round)
                    .isNotNegative();
        }
        lastRevision = revision;
    }

    private static Written parse(String value) {
        String[] parts = value.split("-");
        return new Written(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
    }

    private static int compare(Written left, Written right) {
        return left.round() != right.round()
                ? Integer.compare(left.round(), right.round())
                : Integer.compare(left.number(), right.number());
    }

    private void acknowledge(@Nullable String line) {
        assertThat(line).as("the process ended by itself").isNotNull();
        String[] parts = line.split(" ");
        acknowledged.put(parts[1], parse(parts[2]));
        lastRevision = Math.max(lastRevision, Long.parseLong(parts[3]));
        acknowledgements++;
    }
}
