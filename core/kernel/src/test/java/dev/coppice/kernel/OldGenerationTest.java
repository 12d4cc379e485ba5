package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** When the whole heap is collected, with a heap that only says so. */
final class OldGenerationTest {
    private static final long MIB = 1 << 20;

    private final Kernel kernel = Kernel.start();
    private final AtomicLong used = new AtomicLong(100 * MIB);
    private final BlockingQueue<Long> thresholds = new LinkedBlockingQueue<>();

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    @DisplayName("the heap is collected when the old generation has grown by half, and then by half of what was left")
    void byHalf() throws Exception {
        OldGeneration old = new OldGeneration(kernel, () -> used.set(120 * MIB));
        var _ = kernel.root().start(ChildSpec.task("old", () -> old.keep(used::get, thresholds::add)));
        assertThat(thresholds.poll(10, TimeUnit.SECONDS)).isEqualTo(150 * MIB);
        used.set(151 * MIB);
        old.exceeded();
        assertThat(thresholds.poll(10, TimeUnit.SECONDS)).isEqualTo(180 * MIB);
    }

    @Test
    @DisplayName("a small one may grow by 24 MiB, a large one by as much again")
    void bounds() {
        assertThat(OldGeneration.next(10 * MIB)).isEqualTo(34 * MIB);
        assertThat(OldGeneration.next(300 * MIB)).isEqualTo(600 * MIB);
    }

    @Test
    @DisplayName("with a collector that sees to it itself there is nothing to do")
    void otherCollectors() throws Exception {
        OldGeneration old = new OldGeneration(kernel);
        Thread thread = Thread.ofVirtual().start(() -> {
            try {
                old.run();
            } catch (Exception e) {
                Thread.currentThread().interrupt();
            }
        });
        boolean serial = java.lang.management.ManagementFactory.getMemoryPoolMXBeans().stream()
                .anyMatch(pool -> pool.getName().equals("Tenured Gen"));
        if (serial) {
            thread.interrupt();
        }
        assertThat(thread.join(java.time.Duration.ofSeconds(10))).isTrue();
    }
}
