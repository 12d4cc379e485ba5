package dev.coppice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonPathTest {
    private static final String STORE = """
            {"store":{"book":[{"category":"reference","author":"Rees","price":8.95},
            {"category":"fiction","author":"Waugh","price":12.99},
            {"category":"fiction","author":"Melville","isbn":"0-553","price":8.99},
            {"category":"fiction","author":"Tolkien","isbn":"0-395","price":22.99}],
            "bicycle":{"color":"red","price":399}},"a b":1,"nothing":null}""";

    private static String select(String path) throws Exception {
        return JsonPath.compile(path).select(new ObjectMapper().readTree(STORE)).toString();
    }

    /** RFC 9535, figure 1 and table 2. */
    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
            $.store.book[*].author ~ ["Rees", "Waugh", "Melville", "Tolkien"]
            $..author ~ ["Rees", "Waugh", "Melville", "Tolkien"]
            $.store..price ~ [8.95, 12.99, 8.99, 22.99, 399]
            $..book[2].author ~ ["Melville"]
            $..book[-1].author ~ ["Tolkien"]
            $..book[0,1].author ~ ["Rees", "Waugh"]
            $..book[:2].author ~ ["Rees", "Waugh"]
            $..book[::-2].author ~ ["Tolkien", "Waugh"]
            $..book[3:0:-1].price ~ [22.99, 8.99, 12.99]
            $..book[?@.isbn].author ~ ["Melville", "Tolkien"]
            $..book[?(@.price<10 && !@.isbn)].author ~ ["Rees"]
            $..book[?@.price > 20 || @.author == 'Rees'].price ~ [8.95, 22.99]
            $['a b'] ~ [1]
            store.bicycle.color ~ ["red"]
            $.nothing ~ [null]
            $.missing ~ []
            $.store.book[?length(@.author) == 4].author ~ ["Rees"]
            $[?count(@.book[*]) == 4].bicycle.color ~ ["red"]
            $.store.book[?@.missing == @.other].author ~ ["Rees", "Waugh", "Melville", "Tolkien"]
            $.store.book[9] ~ []
            """)
    void selects(String path, String expected) throws Exception {
        assertThat(select(path)).isEqualTo(expected);
    }

    @Test
    void refusesWhatIsNoPath() {
        for (var path : List.of(
                "$[",
                "$.",
                "$['x",
                "$[?]",
                "$[?@.a ==]",
                "$x",
                "$[1",
                "$..",
                "a".repeat(600),
                "$[?" + "(".repeat(100) + "@.a" + ")".repeat(100) + "]")) {
            assertThatThrownBy(() -> JsonPath.compile(path)).as(path).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void isBounded() throws Exception {
        var big = new ObjectMapper().readTree("[" + "[[1,2,3,4,5,6,7,8]],".repeat(2000) + "0]");
        assertThatThrownBy(() -> JsonPath.compile("$..[?count($..*) > 0]").select(big))
                .isInstanceOf(JsonPath.TooCostlyException.class);
    }
}
