package dev.coppice.gateway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.filter.HeaderField;
import dev.coppice.gateway.filter.Headers;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What changes of headers come to. */
class HeaderListTest {
    private final HeaderList headers =
            new HeaderList(new Headers(List.of(Map.entry("X-Odd", "\u00e9"), Map.entry("X-Old", "1"))), _ -> false);

    @Test
    void whatIsAddedLeavesTheRestAlone() {
        headers.add("x-odd", "a");
        headers.add("X-Odd", "b");
        assertThat(headers.values("x-odd")).containsExactly("\u00e9", "a", "b");
        assertThat(headers.changes())
                .isEqualTo(new HeaderChanges(
                        List.of(), List.of(), List.of(new HeaderField("x-odd", "a"), new HeaderField("X-Odd", "b"))));
    }

    @Test
    void whatIsSetStandsForAll() {
        headers.add("x-odd", "a");
        headers.set("x-odd", "b");
        headers.add("x-odd", "c");
        headers.add("x-new", "d");
        headers.remove("x-new");
        headers.remove("X-Old");
        assertThat(headers.changes())
                .isEqualTo(new HeaderChanges(
                        List.of("x-new", "X-Old"),
                        List.of(new HeaderField("x-odd", "b")),
                        List.of(new HeaderField("x-odd", "c"))));
    }

    @Test
    void charactersHaveTheirBound() {
        for (int i = 0; i < 3; i++) {
            headers.set("x-long", "x".repeat(16_384));
        }
        assertThatThrownBy(() -> headers.set("x-long", "x".repeat(16_384)))
                .isInstanceOf(GuestFault.class)
                .hasMessageContaining("more than 65536 characters");
    }
}
