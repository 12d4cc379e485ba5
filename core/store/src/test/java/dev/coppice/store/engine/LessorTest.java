package dev.coppice.store.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.SimulatedClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LessorTest {

    private final SimulatedClock clock = new SimulatedClock();
    private final Lessor lessor = new Lessor(clock);

    @Test
    void tellsExpiredLeasesInOrderUntilTheyAreRemoved() {
        lessor.add(1, 30, 0);
        lessor.add(2, 10, 0);
        lessor.add(3, 20, 0);
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
        lessor.add(1, 10, 0);
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
        lessor.add(1, Lessor.MAX_TTL_SECONDS, 0);
        lessor.add(2, Long.MAX_VALUE, 0);
        clock.advance(Duration.ofDays(1));
        assertThat(lessor.expired(10)).isEmpty();
        assertThat(lessor.time(1)).isEqualTo(new Lessor.Time(Lessor.MAX_TTL_SECONDS, Lessor.MAX_TTL_SECONDS - 86_400));
        assertThat(lessor.count()).isEqualTo(2);
    }

    @Test
    void knowsWhatWasWrittenDown() {
        lessor.add(1, 3600, 0);
        lessor.add(2, 200, 0);
        clock.advance(Duration.ofSeconds(250));
        assertThat(lessor.checkpointsDue(10)).isEmpty();
        clock.advance(Duration.ofSeconds(100));
        assertThat(lessor.checkpointsDue(10)).containsExactly(Map.entry(1L, 3250L));
        assertThat(lessor.checkpoint(1, 3250)).isEqualTo(3600);
        assertThat(lessor.checkpointsDue(10)).isEmpty();
        clock.advance(Duration.ofSeconds(100));
        lessor.renewAll();
        assertThat(lessor.time(1)).isEqualTo(new Lessor.Time(3600, 3250));
        List<Long> cleared = new ArrayList<>();
        lessor.beforeRenewal(id -> {
            cleared.add(id);
            assertThat(lessor.checkpoint(id, 0)).isEqualTo(3600);
        });
        assertThat(lessor.renew(1)).isEqualTo(3600);
        assertThat(lessor.renew(1)).isEqualTo(3600);
        assertThat(cleared).containsExactly(1L);
    }

    @Test
    void aLeaseThatIsFoundExpiredWhileItIsRenewedIsNotRenewed() {
        lessor.add(1, 3600, 10);
        lessor.beforeRenewal(id -> {
            clock.advance(Duration.ofSeconds(10));
            assertThat(lessor.expired(10)).containsExactly(1L);
        });
        assertThat(lessor.renew(1)).isZero();
        assertThat(lessor.expired(10)).containsExactly(1L);
    }
}
