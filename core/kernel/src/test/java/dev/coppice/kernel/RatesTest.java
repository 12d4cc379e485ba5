package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RatesTest {
    private final Rates rates = new Rates();
    private final Object child = new Object();

    private static long seconds(double seconds) {
        return (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    }

    /** Looks at {@code atSeconds} after its start. */
    private Rates.Rate look(double atSeconds, long life, long handled, double busySeconds) {
        return rates.look(
                child,
                new Rates.Seen(seconds(100 + atSeconds), life, handled, seconds(busySeconds)),
                seconds(atSeconds));
    }

    @Test
    void theFirstLookTellsTheMeanSinceTheStart() {
        Rates.Rate rate = look(10, 0, 50, 2);
        assertThat(rate.messages()).isCloseTo(5, within(0.01));
        assertThat(rate.busy()).isCloseTo(0.2, within(0.01));
        assertThat(rate.window()).hasSeconds(10);
    }

    @Test
    void laterLooksTellWhatHappenedSinceTheLastOne() {
        look(10, 0, 50, 2);
        Rates.Rate rate = look(12, 0, 250, 3);
        assertThat(rate.messages()).isCloseTo(100, within(0.01));
        assertThat(rate.busy()).isCloseTo(0.5, within(0.01));
        assertThat(rate.window()).hasSeconds(2);
    }

    @Test
    void quickLooksSpanAtLeastASecondOnceThereIsOne() {
        look(10, 0, 0, 0);
        assertThat(look(10.2, 0, 10, 0).window()).hasMillis(10_200);
        look(11, 0, 100, 0);
        Rates.Rate rate = look(11.3, 0, 130, 0);
        assertThat(rate.window()).hasMillis(1_300);
        assertThat(rate.messages()).isCloseTo(100, within(0.01));
    }

    @Test
    void aRestartStartsAnew() {
        look(10, 0, 1_000, 5);
        Rates.Rate rate = rates.look(child, new Rates.Seen(seconds(112), 1, 4, 0), seconds(2));
        assertThat(rate.messages()).isCloseTo(2, within(0.01));
    }

    @Test
    void oldLooksAreForgotten() {
        look(10, 0, 0, 0);
        assertThat(rates.forget(seconds(115))).isTrue();
        assertThat(rates.forget(seconds(100 + 10 + 61))).isFalse();
        assertThat(rates.size()).isZero();
        assertThat(look(200, 0, 400, 0).messages()).isCloseTo(2, within(0.01));
    }

    @Test
    void lookingAtMoreThanTheBoundKeepsNoMore() {
        for (int i = 0; i < Rates.MAX_CHILDREN + 10; i++) {
            rates.look(i, new Rates.Seen(1, 0, 0, 0), seconds(1));
        }
        assertThat(rates.size()).isEqualTo(Rates.MAX_CHILDREN);
    }

    @Test
    void whatHasJustStartedHasNoRate() {
        assertThat(rates.look(child, new Rates.Seen(5, 0, 1, 1), 10).messages()).isZero();
    }
}
