package dev.coppice.health.series;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batches are whole or not at all, whatever happens while they are written. */
class LedgerTest {
    @TempDir
    Path directory;

    @Test
    void keepsBatchesOverReopening() throws Exception {
        Path path = directory.resolve("a.ledger");
        try (var ledger = Ledger.open(path)) {
            ledger.commit(new Ledger.Batch().put("a", "1").put("b", "2"));
            ledger.commit(new Ledger.Batch().remove("a").put("c", "3"));
        }
        try (var ledger = Ledger.open(path)) {
            assertThat(ledger.keys()).containsExactly("b", "c");
            assertThat(ledger.entries("b")).hasSize(1);
        }
    }

    @Test
    void cutsATornTailAtEveryLength() throws Exception {
        Path path = directory.resolve("a.ledger");
        try (var ledger = Ledger.open(path)) {
            ledger.commit(new Ledger.Batch().put("a", "1"));
            ledger.commit(new Ledger.Batch().put("a", "2").put("b", "2"));
        }
        byte[] whole = Files.readAllBytes(path);
        for (int length = 0; length < whole.length; length++) {
            Path torn = directory.resolve("torn" + length);
            Files.write(torn, java.util.Arrays.copyOf(whole, length));
            try (var ledger = Ledger.open(torn)) {
                var keys = ledger.keys();
                assertThat(keys.isEmpty() || keys.size() == 1).isTrue();
                ledger.commit(new Ledger.Batch().put("z", "9"));
            }
            try (var ledger = Ledger.open(torn)) {
                assertThat(ledger.get("z")).isPresent();
            }
        }
        Files.write(path, new byte[] {1, 2, 3}, StandardOpenOption.APPEND);
        try (var ledger = Ledger.open(path)) {
            assertThat(ledger.keys()).containsExactly("a", "b");
        }
    }

    @Test
    void refusesAForeignFile() throws Exception {
        Path path = directory.resolve("a.ledger");
        Files.writeString(path, "something else entirely");
        assertThatThrownBy(() -> Ledger.open(path))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not a ledger");
    }

    @Test
    void agreesWithAMapUnderFaults() throws Exception {
        long seed = 20260301;
        var random = new Random(seed);
        Path path = directory.resolve("a.ledger");
        Map<String, String> model = new TreeMap<>();
        boolean[] armed = {false};
        Ledger.Faults faults = step -> {
            if (armed[0] && !step.startsWith("after") && random.nextInt(4) == 0) {
                throw new IOException("injected at " + step);
            }
        };
        Ledger ledger = Ledger.open(path, faults);
        for (int i = 0; i < 4000; i++) {
            String key = "k" + random.nextInt(20);
            String value = "v".repeat(random.nextInt(2000)) + i;
            armed[0] = random.nextInt(5) == 0;
            try {
                if (random.nextInt(3) == 0) {
                    ledger.commit(new Ledger.Batch().remove(key));
                    model.remove(key);
                } else {
                    ledger.write(new Ledger.Batch().put(key, value));
                    model.put(key, value);
                }
            } catch (IOException injected) {
                assertThat(injected).hasMessageContaining("injected");
            }
            armed[0] = false;
            if (random.nextInt(50) == 0) {
                ledger.close();
                ledger = Ledger.open(path, faults);
            }
            assertThat(ledger.keys()).as("seed %s step %s", seed, i).containsExactlyElementsOf(model.keySet());
        }
        for (var e : model.entrySet()) {
            assertThat(ledger.get(e.getKey()).orElseThrow())
                    .isEqualTo(e.getValue().getBytes(StandardCharsets.UTF_8));
        }
        assertThat(ledger.sizeBytes()).isLessThan(5 << 20);
        ledger.close();
    }
}
