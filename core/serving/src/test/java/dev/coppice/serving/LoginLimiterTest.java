package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class LoginLimiterTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final LoginLimiter limiter = new LoginLimiter(clock);

    @Test
    void refusesAnAddressThatFailedTooOftenAndNoOther() {
        for (int i = 0; i < 20; i++) {
            assertThat(limiter.refuses("192.0.2.1")).isFalse();
            limiter.failed("192.0.2.1");
        }
        assertThat(limiter.refuses("192.0.2.1")).isTrue();
        assertThat(limiter.refuses("192.0.2.2")).isFalse();
        clock.advance(Duration.ofMinutes(1));
        assertThat(limiter.refuses("192.0.2.1")).isFalse();
    }

    @Test
    void aNewMinuteCountsAnew() {
        for (int i = 0; i < 19; i++) {
            limiter.failed("192.0.2.1");
        }
        clock.advance(Duration.ofMinutes(1));
        limiter.failed("192.0.2.1");
        assertThat(limiter.refuses("192.0.2.1")).isFalse();
    }
}
