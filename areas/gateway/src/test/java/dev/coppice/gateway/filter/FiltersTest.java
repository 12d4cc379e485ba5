package dev.coppice.gateway.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What extensions may say. */
class FiltersTest {

    /** One has no class, one makes no filters, one throws. */
    @Test
    void providersAreFoundAndThoseThatAreBrokenHarmNoOther() {
        assertThat(Filters.names()).containsExactly("Test");
        assertThat(Filters.named("Test")).isInstanceOf(TestFilters.class);
        assertThat(Filters.named("Broken")).isNull();
    }

    @Test
    void headersAreNoMoreThanThat() {
        assertThat(new HeaderField("X-A", "b\tc").value()).isEqualTo("b\tc");
        for (String each : List.of("", "a b", "a:", "\u00e9", "a\n", "x".repeat(257))) {
            assertThatThrownBy(() -> new HeaderField(each, "")).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> new HeaderChanges(List.of(each), List.of(), List.of()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        for (String each : List.of("a\r\nb", "\u0000", "\u00e9", "x".repeat((16 << 10) + 1))) {
            assertThatThrownBy(() -> new HeaderField("A", each)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> new HeaderChanges(Collections.nCopies(65, "a"), List.of(), List.of()))
                .hasMessageContaining("64");
    }

    @Test
    void answersHaveBounds() {
        assertThatThrownBy(() -> new RequestOutcome.Answered(100, List.of(), new byte[0]))
                .hasMessageContaining("200 to 599");
        assertThatThrownBy(() -> new RequestOutcome.Answered(200, List.of(), new byte[(1 << 20) + 1]))
                .hasMessageContaining("1048576");
    }

    @Test
    void namesOfHeadersAreComparedWithoutCase() {
        Headers headers = new Headers(List.of(Map.entry("A", "1"), Map.entry("b", "2"), Map.entry("a", "3")));
        assertThat(headers.first("a")).isEqualTo("1");
        assertThat(headers.all("A")).containsExactly("1", "3");
        assertThat(headers.first("c")).isNull();
    }
}
