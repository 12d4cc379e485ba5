package dev.coppice.kernel.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

final class RateLimiterTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 1);
    private final RateLimiter limiter = new RateLimiter(kernel, new Rate(10, SECOND));

    @AfterEach
    void close() {
        kernel.close();
    }

    private int now() {
        int granted = 0;
        while (limiter.tryTake()) {
            granted++;
        }
        return granted;
    }

    @Test
    @DisplayName("a rate that is lowered below what went through lets nothing more through in that interval")
    void lowered() throws Exception {
        RateLimiter.Leave eight = limiter.take(8);
        assertThat(eight.messages()).isEqualTo(8);
        limiter.change(new Rate(5, SECOND));
        assertThat(now()).isZero();
        limiter.settle(eight, 3);
        assertThat(now()).isEqualTo(2);
        clock.advance(SECOND);
        assertThat(limiter.take(8).messages()).isEqualTo(5);
        limiter.change(null);
        assertThat(limiter.take(8).messages()).isEqualTo(8);
    }

    @Test
    @DisplayName("what did not go through is free again in that interval, and in no later one")
    void settledLate() throws Exception {
        RateLimiter.Leave ten = limiter.take(10);
        limiter.settle(ten, 4);
        RateLimiter.Leave early = limiter.take(10);
        assertThat(early.messages()).isEqualTo(6);
        clock.advance(SECOND);
        assertThat(limiter.take(10).messages()).isEqualTo(10);
        limiter.settle(early, 0);
        assertThat(now()).isZero();
    }

    @Test
    @DisplayName("what goes through after its producer waited counts in the interval in which it does")
    void waited() throws Exception {
        RateLimiter.Leave early = limiter.take(10);
        clock.advance(SECOND.multipliedBy(3));
        limiter.settle(early, 7);
        assertThat(now()).isEqualTo(3);
        clock.advance(SECOND);
        assertThat(now()).isEqualTo(10);
    }

    @Test
    @DisplayName("what went through before there was a rate counts once it has gone through under one")
    void unlimitedBefore() throws Exception {
        limiter.change(null);
        RateLimiter.Leave early = limiter.take(100);
        limiter.change(new Rate(10, SECOND));
        limiter.settle(early, 8);
        assertThat(now()).isEqualTo(2);
    }
}
