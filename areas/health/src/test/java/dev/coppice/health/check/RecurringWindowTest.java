package dev.coppice.health.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RecurringWindowTest {
    @Test
    void opensByCronInItsTimeZone() {
        var window = RecurringWindow.compile("w", "0 2 * * 7", Duration.ofHours(2), "Europe/Berlin", null);
        assertThat(window.open(Instant.parse("2026-03-01T00:59:59Z"))).isFalse();
        assertThat(window.open(Instant.parse("2026-03-01T01:00:00Z"))).isTrue();
        assertThat(window.open(Instant.parse("2026-03-01T02:59:59Z"))).isTrue();
        assertThat(window.open(Instant.parse("2026-03-01T03:00:00Z"))).isFalse();
        assertThat(window.open(Instant.parse("2026-03-02T01:30:00Z"))).isFalse();
        assertThat(window.open(Instant.parse("2026-03-08T01:30:00Z"))).isTrue();
    }

    @Test
    void overlappingOpeningsAreOneWindow() {
        var window = RecurringWindow.compile("w", "*/10 * * * *", Duration.ofMinutes(15), null, null);
        for (int minute = 0; minute < 60; minute++) {
            assertThat(window.open(Instant.parse("2026-03-01T10:00:30Z").plusSeconds(60L * minute)))
                    .isTrue();
        }
    }

    @Test
    void errorsNameTheFieldAndSayWhatToDo() {
        assertThatThrownBy(() -> RecurringWindow.compile("w", "every day", Duration.ofHours(1), null, null))
                .hasMessageContaining("w.cron")
                .hasMessageContaining("five fields");
        assertThatThrownBy(() -> RecurringWindow.compile("w", "0 2 * * *", Duration.ofHours(1), "Mars/Base", null))
                .hasMessageContaining("w.timeZone");
        assertThatThrownBy(() -> RecurringWindow.compile("w", "0 2 * * *", Duration.ZERO, null, null))
                .hasMessageContaining("w.duration");
    }
}
