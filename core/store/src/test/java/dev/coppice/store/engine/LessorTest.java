package dev.coppice.store.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class LessorTest {

    private final SimulatedClock clock = new SimulatedClock();
    private final Lessor lessor = new Lessor(clock);

    @Test
    void tellsExpiredLeasesInOrderUntilTheyAreRemoved() {
        lessor.add(1, 30);
        lessor.add(2, 10);
        lessor.add(3, 20);
        assertThat(lessor.expired(10)).isEmpty();
        clock.advance(Duration.ofSeconds(20));
        assertThat(lessor.expired(10)).containsExactly(2L, 3L);
        assertThat(lessor.expired(1)).containsExactly(2L);
        lessor.remove(2);
        assertThat(lessor.expired(10)).containsExactly(3L);
        assertThat(lessor.exists(2)).isFalse();
    }

    @Test
    void renewingMovesTheEnd() {
        lessor.add(1, 10);
        clock.advance(Duration.ofSeconds(9));
        assertThat(lessor.renew(1)).isEqualTo(10);
        clock.advance(Duration.ofSeconds(9));
        assertThat(lessor.expired(10)).isEmpty();
        clock.advance(Duration.ofSeconds(1));
        assertThat(lessor.expired(10)).containsExactly(1L);
        assertThat(lessor.renew(1)).isZero();
        lessor.renewAll();
        assertThat(lessor.expired(10)).isEmpty();
        assertThat(lessor.renew(1)).isEqualTo(10);
    }

    @Test
    void keepsTheLongestLeases() {
        lessor.add(1, Lessor.MAX_TTL_SECONDS);
        lessor.add(2, Long.MAX_VALUE);
        clock.advance(Duration.ofDays(1));
        assertThat(lessor.expired(10)).isEmpty();
        assertThat(lessor.time(1)).isEqualTo(new Lessor.Time(Lessor.MAX_TTL_SECONDS, Lessor.MAX_TTL_SECONDS - 86_400));
        assertThat(lessor.count()).isEqualTo(2);
    }
}
