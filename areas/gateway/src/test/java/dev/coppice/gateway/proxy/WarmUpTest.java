package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WarmUpTest {
    private static final Duration LONG = Duration.ofSeconds(50);
    private static final int REQUESTS = 50;

    private Kernel kernel;

    @BeforeEach
    void start() {
        kernel = Kernel.start();
    }

    @AfterEach
    void stop() {
        kernel.close();
    }

    @Test
    void everyProtocolIsAnswered() throws Exception {
        TestCertificate certificate = TestCertificate.of("example.org");
        Map<WarmUpClient.Protocol, Integer> answered = new EnumMap<>(WarmUpClient.Protocol.class);
        answered.putAll(WarmUp.run(kernel, kernel.root(), null, LONG, REQUESTS));
        answered.putAll(WarmUp.run(kernel, kernel.root(), certificate.config(), LONG, REQUESTS));
        assertThat(answered).containsOnlyKeys(WarmUpClient.Protocol.values());
        assertThat(answered.values()).allMatch(each -> each >= REQUESTS);
    }

    @Test
    void theTimeOfAllOfThemIsLimited() throws Exception {
        assertThat(WarmUp.run(kernel, kernel.root(), null, Duration.ofMillis(200), Integer.MAX_VALUE))
                .containsOnlyKeys(WarmUpClient.Protocol.HTTP_1, WarmUpClient.Protocol.HTTP_2);
    }

    @Test
    void leavesNothing() throws Exception {
        int children = kernel.root().childCount();
        assertThat(WarmUp.run(kernel, kernel.root(), null, LONG, REQUESTS)).isNotEmpty();
        assertThat(kernel.root().childCount()).isEqualTo(children);
        assertThat(kernel.metrics().scrape().stream()
                        .filter(each -> each.getMetadata().getName().startsWith("coppice_gateway")))
                .isEmpty();
    }
}
