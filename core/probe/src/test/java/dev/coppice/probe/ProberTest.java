package dev.coppice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import org.junit.jupiter.api.Test;

final class ProberTest {
    @Test
    void anotherProberTakesThePlaceOfAClosedOne() {
        try (Kernel kernel = Kernel.start()) {
            for (int i = 0; i < 2; i++) {
                try (var prober = new Prober(kernel, ProberOptions.DEFAULT)) {
                    assertThat(prober.withPolicy(ProberOptions.DEFAULT.policy()))
                            .isNotNull();
                    assertThat(kernel.metrics().scrape().stream()
                                    .map(m -> m.getMetadata().getName()))
                            .contains("coppice_probe_running");
                }
            }
            assertThat(kernel.metrics().scrape().stream()
                            .map(m -> m.getMetadata().getName()))
                    .doesNotContain("coppice_probe_running");
        }
    }
}
