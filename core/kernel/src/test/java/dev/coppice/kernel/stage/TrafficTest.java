package dev.coppice.kernel.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

final class TrafficTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    @Test
    @DisplayName("throughput and waiting time are those of the last ten seconds; the sums are of all time")
    void window() {
        Traffic traffic = new Traffic(SECOND);
        traffic.took(SECOND, 10, 10 * SECOND);
        assertThat(traffic.perSecond(SECOND)).isEqualTo(10);
        traffic.took(6 * SECOND, 20, 0);
        assertThat(traffic.perSecond(6 * SECOND)).isEqualTo(6);
        assertThat(traffic.meanWait(6 * SECOND)).isEqualTo(Duration.ofNanos(SECOND / 3));
        assertThat(traffic.perSecond(11 * SECOND - 1)).isGreaterThan(3);
        assertThat(traffic.perSecond(11 * SECOND)).isEqualTo(2);
        assertThat(traffic.meanWait(11 * SECOND)).isZero();
        traffic.took(16 * SECOND, 5, 5);
        assertThat(traffic.perSecond(16 * SECOND)).isEqualTo(0.5);
        assertThat(traffic.perSecond(60 * SECOND)).isZero();
        assertThat(traffic.meanWait(60 * SECOND)).isZero();
        assertThat(traffic.messages).isEqualTo(35);
        assertThat(traffic.waitNanos).isEqualTo(10 * SECOND + 5);
    }
}
