package dev.coppice.gateway.share;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What an outcome says is what was put into it, in seconds. */
class SharedOutcomeTest {
    private static final long SECOND = 1_000_000_000;
    private static final long LONGEST = 30L * 24 * 3600 * SECOND;

    @Test
    void whatPasses() {
        for (long remaining : new long[] {0, 1, 999_999, 1_000_000}) {
            for (long reset : new long[] {0, SECOND, 7 * SECOND, LONGEST}) {
                long outcome = SharedOutcome.passed(remaining, reset);
                assertThat(SharedOutcome.passed(outcome)).isTrue();
                assertThat(SharedOutcome.remaining(outcome)).isEqualTo(remaining);
                assertThat(SharedOutcome.resetNanos(outcome)).isEqualTo(reset);
                assertThat(SharedOutcome.retryNanos(outcome)).isZero();
            }
        }
    }

    @Test
    void whatIsRefused() {
        for (long retry : new long[] {0, SECOND, 720 * SECOND, LONGEST}) {
            long outcome = SharedOutcome.refused(retry, LONGEST);
            assertThat(SharedOutcome.passed(outcome)).isFalse();
            assertThat(outcome).isNotEqualTo(SharedOutcome.PENDING);
            assertThat(SharedOutcome.remaining(outcome)).isZero();
            assertThat(SharedOutcome.retryNanos(outcome)).isEqualTo(retry);
            assertThat(SharedOutcome.resetNanos(outcome)).isEqualTo(LONGEST);
        }
    }

    @Test
    void secondsAreRoundedUpAndWhatIsOverIsNothing() {
        assertThat(SharedOutcome.retryNanos(SharedOutcome.refused(1, -5))).isEqualTo(SECOND);
        assertThat(SharedOutcome.resetNanos(SharedOutcome.refused(1, -5))).isZero();
    }
}
