package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class TraceTest {
    private record Login(String user, String password) {}

    private static final Instant AT = Instant.parse("2026-01-01T00:00:00Z");

    private static Trace trace(int entries, boolean text) {
        return new Trace("/p", new Trace.Options(Duration.ofSeconds(1), entries, text), AT);
    }

    @Test
    void itTellsTypesAloneByDefault() {
        Trace trace = trace(10, false);
        trace.handled(new Login("anna", "hunter2"), AT, 500, 2_000, null);
        assertThat(trace.entries()).singleElement().satisfies(entry -> {
            assertThat(entry.message()).isEqualTo("TraceTest.Login");
            assertThat(entry.waited()).isEqualTo(Duration.ofNanos(500));
            assertThat(entry.took()).isEqualTo(Duration.ofNanos(2_000));
            assertThat(entry.failure()).isNull();
        });
    }

    @Test
    void textIsKeptWhereItIsAskedForAndCut() {
        Trace trace = trace(10, true);
        trace.handled(new Login("anna", "x"), AT, -1, 1, new IllegalStateException("y".repeat(1_000)));
        trace.handled("z".repeat(1_000), AT, -1, 1, null);
        assertThat(trace.entries().getFirst().message()).isEqualTo("Login[user=anna, password=x]");
        assertThat(trace.entries().getFirst().failure()).hasSize(Trace.MAX_TEXT);
        assertThat(trace.entries().getLast().message()).hasSize(Trace.MAX_TEXT).endsWith("…");
    }

    @Test
    void theLastEntriesAreKept() {
        Trace trace = trace(3, true);
        for (int i = 1; i <= 10; i++) {
            trace.handled(i, AT, -1, 1, null);
        }
        assertThat(trace.entries().stream().map(Trace.Entry::number)).containsExactly(8L, 9L, 10L);
        assertThat(trace.count()).isEqualTo(10);
    }

    @Test
    void afterItsEndItTakesNothingMore() {
        Trace trace = trace(3, false);
        trace.end(AT.plusSeconds(1));
        trace.handled("late", AT, -1, 1, null);
        assertThat(trace.entries()).isEmpty();
        assertThat(trace.ended()).isEqualTo(AT.plusSeconds(1));
    }
}
