package dev.coppice.kernel.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bounds of flows, and the ends of the ranges of their numbers. */
final class FlowFaultTest {
    private final Kernel kernel = Kernel.start();

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    @DisplayName("a flow with more windows open than a worker may have fails and says so")
    void tooManyWindows() {
        Window<Long> seconds =
                Window.<Long>fixed(Duration.ofSeconds(1), n -> n).allowedLateness(Duration.ofDays(1_000), late -> {});
        assertThatThrownBy(() -> Flow.of(LongStream.rangeClosed(0, 100_000)
                                .mapToObj(n -> n * 1_000)
                                .toList())
                        .stages(1)
                        .window(seconds)
                        .toLists()
                        .count()
                        .run(kernel))
                .hasRootCauseMessage("a worker of the flow has 100000 windows open, the limit;"
                        + " make them longer, or the lateness shorter");
    }

    @Test
    @DisplayName("a line that is longer than the limit fails the flow and says where it begins")
    void longLine(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("long"), "short\n" + "x".repeat((16 << 20) + 100));
        assertThatThrownBy(() -> Flow.lines(file).count().run(kernel))
                .rootCause()
                .hasMessageContaining("that begins at byte 6 is longer than");
    }

    @Test
    @DisplayName("a worker gives on what it has summed up once it has many keys, and no sum twice")
    void manyKeys() throws Exception {
        Map<Integer, Long> counts = Flow.of(IntStream.range(0, 300_000).boxed().toList())
                .stages(1)
                .countBy(n -> n % 150_000)
                .toMap(Map.Entry::getKey, Map.Entry::getValue)
                .run(kernel);
        assertThat(counts).hasSize(150_000);
        assertThat(counts.values()).allMatch(n -> n == 2);
    }

    @Test
    @DisplayName("equal keys go to the same worker, whatever number their hash is")
    void hashes() throws Exception {
        List<Integer> keys = List.of(Integer.MIN_VALUE, Integer.MAX_VALUE, -1, 0, 0x8000_8000);
        assertThat(Flow.of(keys).stages(3).partition(n -> n).toList().run(kernel))
                .containsExactlyInAnyOrderElementsOf(keys);
    }

    @Test
    @DisplayName("windows of event time before 1970 begin where their size says")
    void before1970() throws Exception {
        Map<Long, Long> counts = new TreeMap<>();
        Flow.of(List.of(-1L, -10L, -11L, 0L, 9L))
                .stages(1)
                .window(Window.<Long>fixed(Duration.ofMillis(10), n -> n)
                        .allowedLateness(Duration.ofHours(1), late -> {}))
                .reduce(() -> 0L, (count, _) -> count + 1)
                .forEach(pane -> counts.merge(pane.window(), pane.value(), Long::sum))
                .run(kernel);
        assertThat(counts).isEqualTo(Map.of(-20L, 1L, -10L, 2L, 0L, 2L));
    }
}
