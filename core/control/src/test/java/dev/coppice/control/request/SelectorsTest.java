package dev.coppice.control.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.control.ApiException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SelectorsTest {
    private static final Map<String, String> LABELS = Map.of("app", "web", "tier", "front", "n", "5", "empty", "");

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "app=web;true",
                "app==web;true",
                "app=db;false",
                "app!=db;true",
                "other!=x;true",
                "app in (web,db);true",
                "app in ( db );false",
                "app notin (db),tier;true",
                "tier;true",
                "!tier;false",
                "!absent;true",
                "absent;false",
                "n>4;true",
                "n<5;false",
                "empty=;true",
                "app=web,tier=front;true",
                "app=web , tier = back;false",
                "in=x;false",
                "app in (,web);true"
            })
    void choosesByLabels(String selector, boolean expected) {
        assertThat(Selectors.labels(selector).matches(LABELS)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a in (b", "a=b=", "=a", ",", "a,", "a b", "a in b", "a!", "!", "a>x", "a=!", "(a)", "a in (b)c"
            })
    void refusesWhatIsMalformed(String selector) {
        assertThatThrownBy(() -> Selectors.labels(selector))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo(400));
    }

    @Test
    void readsFieldSelectorsWithEscapes() {
        var selector = Selectors.fields("metadata.name=a\\,b,status.phase!=Gone");
        assertThat(selector.matches(f -> f.equals("metadata.name") ? "a,b" : "Active"))
                .isTrue();
        assertThat(selector.matches(f -> f.equals("metadata.name") ? "a" : "Active"))
                .isFalse();
        assertThat(selector.required("metadata.name")).isEqualTo("a,b");
        assertThat(selector.required("status.phase")).isEmpty();
    }

    @Test
    void readsSelectorTrees() {
        var selector = Selectors.labels(
                Json.parse(
                        "{\"matchLabels\":{\"app\":\"web\"},\"matchExpressions\":[{\"key\":\"tier\",\"operator\":\"In\",\"values\":[\"front\"]},{\"key\":\"x\",\"operator\":\"DoesNotExist\"}]}"));
        assertThat(selector.matches(LABELS)).isTrue();
        assertThat(selector.matches(Map.of("app", "web"))).isFalse();
    }
}
