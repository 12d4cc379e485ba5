package dev.coppice.kernel.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Table;
import dev.coppice.kernel.TableOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Runs the example of docs/kernel.md, and holds the page to it. */
final class KernelPageTest {
    @Test
    void theExampleRuns() throws Exception {
        Iterator<String> words = List.of("oak", "ash", "oak").iterator();
        try (Kernel kernel = Kernel.start()) {
            // example
            Table<String, Long> counts = Table.hashed(kernel, "counts", TableOptions.DEFAULT);
            Pipeline pipeline = new Pipeline(kernel, "words", Duration.ofSeconds(10), System.err::println);
            pipeline.produce(
                            "source",
                            StageOptions.DEFAULT,
                            () -> demand -> words.hasNext() ? List.of(words.next()) : List.<String>of(),
                            (word, failure) -> {})
                    .dispatch(new Dispatcher.Partition<>(word -> word))
                    .consume("count", StageOptions.DEFAULT.withConcurrency(2), (word, _) -> {
                        Table.increment(counts, word, 1);
                    });
            pipeline.start(kernel.root());
            pipeline.awaitDone(Duration.ofSeconds(10));
            // end
            assertThat(counts.get("oak")).contains(2L);
            assertThat(counts.get("ash")).contains(1L);
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
