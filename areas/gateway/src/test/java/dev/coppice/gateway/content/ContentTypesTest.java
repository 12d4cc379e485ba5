package dev.coppice.gateway.content;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContentTypesTest {
    private final ContentTypes types = new ContentTypes(List.of("application/json", "text/*", "*+xml"));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/json",
                "Application/JSON; charset=utf-8",
                "application/json;x=y",
                "text/html",
                "TEXT/Plain ;a=b",
                "image/svg+xml"
            })
    void hasThese(String header) {
        assertThat(types.contain(header)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/jsonp", "application/x", "texts/html", "image/svg", "xml", "", ";text/html"})
    void hasNotThese(String header) {
        assertThat(types.contain(header)).isFalse();
        assertThat(types.contain(null)).isFalse();
    }
}
