package dev.coppice.gateway.template;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.template.Template.Use;
import dev.coppice.gateway.transcode.PathTemplate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Paths with fields: what a template matches is what can be put together again. */
class PathLawsTest {

    private static Map<String, String> match(String template, String path) {
        return PathTemplate.of(template).match(path);
    }

    @Test
    void fieldsAreSegmentsOrAllThatIsLeft() {
        String orders = "/users/{id}/orders/{rest=**}";
        assertThat(match(orders, "/users/7/orders/a/b")).isEqualTo(Map.of("id", "7", "rest", "a/b"));
        assertThat(match(orders, "/users/7/orders/")).isEqualTo(Map.of("id", "7", "rest", ""));
        assertThat(match(orders, "/users/7/orders")).isEqualTo(Map.of("id", "7", "rest", ""));
        assertThat(match(orders, "/users//orders/a")).isNull();
        assertThat(match(orders, "/users/7/order/a")).isNull();
        assertThat(match("/a/{b}", "/a/b/c")).isNull();
        assertThat(match("/a/{b}", "/a/b/")).isNull();
        assertThat(match("/a/{b}", "/a")).isNull();
        assertThat(match("/a/{b}", "/a/")).isNull();
        assertThat(match("/a/{b}:cancel", "/a/1:cancel")).isEqualTo(Map.of("b", "1"));
        assertThat(match("/a/{b}:cancel", "/a/1")).isNull();
        assertThat(match("/a/{b}:cancel", "/a:cancel/1")).isNull();
        assertThat(match("/{name=shelves/*}/books", "/shelves/1/books")).isEqualTo(Map.of("name", "shelves/1"));
        assertThat(match("/{a}", "/x%2Fy")).isEqualTo(Map.of("a", "x%2Fy"));
    }

    /** Templates of words, fields of one segment and perhaps a last one for the rest. */
    @Provide
    Arbitrary<List<String>> templates() {
        return Arbitraries.of("a", "bc", "{}", "*")
                .list()
                .ofMinSize(1)
                .ofMaxSize(6)
                .flatMap(list -> Arbitraries.of("", "{rest=**}").map(last -> {
                    List<String> all = new ArrayList<>();
                    for (int i = 0; i < list.size(); i++) {
                        all.add(list.get(i).equals("{}") ? "{f" + i + "}" : list.get(i));
                    }
                    if (!last.isEmpty()) {
                        all.add(last);
                    }
                    return all;
                }));
    }

    @Provide
    Arbitrary<List<String>> segments() {
        return Arbitraries.strings()
                .withChars("abc:.~%2F")
                .ofMinLength(1)
                .ofMaxLength(5)
                .list()
                .ofSize(9);
    }

    /** A path that is made of values has them again as its fields. */
    @Property(tries = 500)
    void whatIsPutInComesOut(@ForAll("templates") List<String> template, @ForAll("segments") List<String> values) {
        PathTemplate made = PathTemplate.of("/" + String.join("/", template));
        StringBuilder path = new StringBuilder();
        Map<String, String> wanted = new java.util.HashMap<>();
        for (int i = 0; i < template.size(); i++) {
            String part = template.get(i);
            String value = part.equals("{rest=**}") ? values.get(7) + "/" + values.get(8) : values.get(i);
            path.append('/').append(part.startsWith("{") || part.equals("*") ? value : part);
            if (part.startsWith("{")) {
                wanted.put(part.equals("{rest=**}") ? "rest" : part.substring(1, part.length() - 1), value);
            }
        }
        assertThat(made.match(path.toString())).isEqualTo(wanted);
    }

    /** Every path that matches is the template with the fields' values in it. */
    @Property(tries = 1000)
    void whatComesOutCanBePutInAgain(@ForAll("templates") List<String> template, @ForAll("paths") String path) {
        List<String> fieldsOnly =
                template.stream().map(each -> each.equals("*") ? "a" : each).toList();
        Map<String, String> found = match("/" + String.join("/", fieldsOnly), path);
        if (found != null) {
            List<String> problems = new ArrayList<>();
            StringBuilder back = new StringBuilder();
            fieldsOnly.forEach(each ->
                    back.append('/').append(each.equals("{rest=**}") ? "{path.rest}" : each.replace("{", "{path.")));
            String again = Template.compile(back.toString(), Use.PATH, false, found.keySet(), problems, "")
                    .text((_, name) -> found.get(name), 1000);
            assertThat(problems).isEmpty();
            assertThat(again).isIn(path, path + "/");
        }
    }

    @Provide
    Arbitrary<String> paths() {
        return Arbitraries.of("a", "bc", "c", "").list().ofMaxSize(7).map(each -> "/" + String.join("/", each));
    }
}
