package dev.coppice.kernel.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Table;
import dev.coppice.kernel.TableOptions;
import dev.coppice.kernel.flow.Flow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Runs the example of docs/kernel.md, and holds the page to it. */
final class KernelPageTest {
    @Test
    void theExampleRuns() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            // example
            Table<String, Long> counts = Table.hashed(kernel, "counts", TableOptions.DEFAULT);
            Pipeline pipeline = new Pipeline(kernel, "words", Duration.ofSeconds(10), System.err::println);
            Inlet<String> inlet = new Inlet<>(kernel, 1_000);
            pipeline.produce("source", StageOptions.DEFAULT, () -> inlet, (word, failure) -> {})
                    .<String>process("clean", StageOptions.DEFAULT.withConcurrency(2), (word, out) -> {
                        if (!word.isBlank()) {
                            out.accept(word.strip());
                        }
                    })
                    .dispatch(new Dispatcher.Partition<>(word -> word))
                    .consume(
                            "count",
                            StageOptions.DEFAULT.withConcurrency(2).withAttempts(3, Backoff.DEFAULT),
                            (word, _) -> {
                                Table.increment(counts, word, 1);
                            });
            pipeline.start(kernel.root());
            for (String word : List.of("oak", " ash", "oak", "")) {
                inlet.put(word);
            }
            inlet.end();
            pipeline.awaitDone(Duration.ofSeconds(10));

            Map<Character, Long> byLetter = Flow.of(List.of("oak", "ash", "alder"))
                    .map(word -> word.charAt(0))
                    .countBy(letter -> letter)
                    .toMap(Map.Entry::getKey, Map.Entry::getValue)
                    .run(kernel);
            // end
            assertThat(counts.get("oak")).contains(2L);
            assertThat(counts.get("ash")).contains(1L);
            assertThat(counts.size()).isEqualTo(2);
            assertThat(byLetter).isEqualTo(Map.of('o', 1L, 'a', 2L));
        }
    }

    @Test
    void thePageShowsWhatRuns() throws Exception {
        String source = Files.readString(Path.of("src/test/java/dev/coppice/kernel/stage/KernelPageTest.java"));
        String example = source.substring(source.indexOf("// example\n") + 11, source.indexOf("            // end\n"))
                .stripTrailing()
                .stripIndent();
        assertThat(Files.readString(Path.of("../../docs/kernel.md"))).contains(example);
    }
}
