package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ProcessOptions.Overflow;
import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What cannot be is refused where it is written, with the value and what was expected. */
final class OptionsTest {
    private static void refused(ThrowingCallable made, String... words) {
        assertThatThrownBy(made).isInstanceOf(IllegalArgumentException.class).hasMessageContainingAll(words);
    }

    @Test
    void aMailboxHasRoom() {
        refused(() -> ProcessOptions.DEFAULT.withMailbox(0, Overflow.BLOCK), "mailbox 0", "at least 1");
    }

    @Test
    void aSupervisorHasAnIntensityAndRoom() {
        SupervisorOptions options = SupervisorOptions.DEFAULT;
        refused(() -> options.withIntensity(-1, Duration.ofSeconds(1)), "maxRestarts", "-1");
        refused(() -> options.withIntensity(1, Duration.ZERO), "period", "PT0S");
        refused(() -> options.withMaxChildren(0), "maxChildren", "0");
    }

    @Test
    void aChildHasANameAndTimes() {
        Task nothing = () -> {};
        refused(() -> ChildSpec.task("a/b", nothing), "\"a/b\"", "'/'");
        refused(() -> ChildSpec.task("a", nothing).withShutdown(Duration.ofSeconds(-1)), "PT-1S", "null waits");
        refused(() -> ChildSpec.periodic("a", Duration.ZERO, Duration.ZERO, nothing), "interval", "PT0S");
        refused(
                () -> ChildSpec.periodic("a", Duration.ofSeconds(1), Duration.ofSeconds(-1), nothing),
                "jitter",
                "PT-1S");
    }
}
