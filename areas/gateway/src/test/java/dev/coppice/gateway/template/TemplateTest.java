package dev.coppice.gateway.template;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.route.RequestPath;
import dev.coppice.gateway.template.Template.Use;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** What becomes of templates, whoever has chosen the values. */
class TemplateTest {
    private static final Set<String> SEGMENTS = Set.of("id", "rest");
    private static final int MOST = 10_000;

    private static Template good(String text, Use use, boolean answer) {
        List<String> problems = new ArrayList<>();
        Template made = Template.compile(text, use, answer, SEGMENTS, problems, "");
        assertThat(problems).isEmpty();
        return made;
    }

    private static String problems(String text, Use use) {
        List<String> problems = new ArrayList<>();
        Template _ = Template.compile(text, use, false, SEGMENTS, problems, "value: ");
        return String.join("; ", problems);
    }

    private static TemplateValues all(String value) {
        return (_, _) -> value;
    }

    @Test
    void placesStandForWhatTheRequestHas() {
        TemplateValues values = (field, name) -> field + "/" + name;
        assertThat(good("a {client} {{b}} {request.header.X-Me} {claim.a.b}{path.id}", Use.TEXT, false)
                        .text(values, MOST))
                .isEqualTo("a CLIENT/ {b} HEADER/x-me CLAIM/a.bSEGMENT/id");
        assertThat(good("no places", Use.TEXT, false).fixed()).isEqualTo("no places");
        assertThat(good("", Use.TEXT, false).fixed()).isEmpty();
        assertThat(good("{subject}", Use.TEXT, false).fixed()).isNull();
        assertThat(good("<{subject}>", Use.TEXT, false).text(all(null), MOST)).isEqualTo("<>");
    }

    @Test
    void allThatIsWrongIsToldTogether() {
        assertThat(problems("{nobody} {path.other} } {status}\n", Use.HEADER))
                .contains("{nobody}: there is no such field; expected one of client, method")
                .contains("{path.other}: pathTemplate has no such field; it has ")
                .contains("\"}\" at character 23: expected {name}, or }} for the brace itself")
                .contains("{status}: there is no such field")
                .contains("control character")
                .startsWith("value: ");
        assertThat(problems("{request.cookie.}", Use.HEADER)).contains("expected a name behind the dot");
        assertThat(problems("{client}".repeat(65), Use.HEADER)).contains("65 parts; there may be 64");
    }

    @Test
    void whatTheAnswerHasIsFilledInLater() {
        Template bound = good("{client} {status} {response.header.X-Served-By}", Use.HEADER, true)
                .bound((field, _) -> field == TemplateField.CLIENT ? "10.0.0.1" : null, MOST);
        assertThat(bound.text((field, name) -> field == TemplateField.STATUS ? "200" : name, MOST))
                .isEqualTo("10.0.0.1 200 x-served-by");
        assertThat(good("{client}", Use.HEADER, true).bound(all("x".repeat(11)), 10))
                .isNull();
        assertThat(good("{client}{client}{status}", Use.HEADER, true).bound(all("x".repeat(6)), 10))
                .isNull();
    }

    @Test
    void nothingIsLongerThanItMayBe() {
        Template three = good("{client}{host}{path}", Use.HEADER, false);
        assertThat(three.text(all("abc"), 9)).isEqualTo("abcabcabc");
        assertThat(three.text(all("abc"), 8)).isNull();
        assertThat(good("{client}", Use.PARAMETER, false).text(all("\u00e9\u00e9"), 11))
                .isNull();
    }

    @Test
    void valuesAreWrittenAsTheirPlaceAsksFor() {
        String value = "a/b?c=d&e=\"<'\u00e9\n%";
        assertThat(good("{subject}", Use.HEADER, false).text(all(value), MOST)).isEqualTo("a/b?c=d&e=\"<'%C3%A9%0A%");
        assertThat(good("/{subject}", Use.PATH, false).text(all(value), MOST))
                .isEqualTo("/a%2Fb%3Fc%3Dd%26e%3D%22%3C%27%C3%A9%0A%25");
        assertThat(good("{\"a\": \"{subject}\"}".replace("{\"a", "{{\"a").replace("\"}", "\"}}"), Use.JSON, false)
                        .text(all(value), MOST))
                .isEqualTo("{\"a\": \"a/b?c=d&e=\\\"<'\\u00e9\\u000a%\"}");
        assertThat(good("<b title='{subject}'>", Use.MARKUP, false).text(all(value), MOST))
                .isEqualTo("<b title='a/b?c=d&amp;e=&quot;&lt;&#39;\u00e9\n%'>");
        // What is a part of the path already stays one, and ends no parameter.
        assertThat(good("/{path.id}", Use.PATH, false).text(all("a%2Fb&c"), MOST))
                .isEqualTo("/a%2Fb&c");
        assertThat(good("x={path.id}", Use.QUERY, false).text(all("a%2Fb&c=d+e"), MOST))
                .isEqualTo("x=a%2Fb%26c%3Dd%2Be");
        assertThat(good("x y&{query}", Use.PARAMETER, false).text(all("a=b"), MOST))
                .isEqualTo("x%20y%26a%3Db");
        assertThat(Template.useOf("application/problem+json; charset=utf-8")).isEqualTo(Use.JSON);
        assertThat(Template.useOf("text/html")).isEqualTo(Use.MARKUP);
        assertThat(Template.useOf("image/svg+xml")).isEqualTo(Use.MARKUP);
        assertThat(Template.useOf("text/plain")).isEqualTo(Use.TEXT);
    }

    @Property(tries = 500)
    void noValueIsMoreThanAValue(@ForAll String value) {
        String header = good("x-{subject}", Use.HEADER, false).text(all(value), 100_000);
        assertThat(header.chars()).allMatch(c -> c >= ' ' && c < 0x7F);
        String path = good("/a/{subject}/b", Use.PATH, false).text(all(value), 100_000);
        assertThat(path.chars().filter(c -> c == '/')).hasSize(3);
        assertThat(path).doesNotContain("?", "#");
        // A path of dots is another one, which the gateway refuses.
        assertThat(RequestPath.normal(path))
                .matches(normal ->
                        value.indexOf(0) >= 0 || path.equals(normal) || value.equals(".") || value.equals(".."));
        String parameter = good("x={subject}", Use.QUERY, false).text(all(value), 100_000);
        assertThat(parameter.substring(2)).doesNotContain("&", "=", "+", "#", ";");
        String markup = good("{subject}", Use.MARKUP, false).text(all(value), 100_000);
        assertThat(markup).doesNotContain("<", ">", "\"", "'");
    }

    @Property(tries = 500)
    void noTemplateIsMoreThanWrong(@ForAll String text) {
        List<String> problems = new ArrayList<>();
        for (Use use : Use.values()) {
            Template made = Template.compile(text, use, true, SEGMENTS, problems, "");
            if (problems.isEmpty()) {
                assertThat(made.text(all("v"), MOST)).isNotNull();
            }
        }
    }

    @Property(tries = 500)
    void whatIsLiteralStays(@ForAll String text) {
        String escaped = text.replace("{", "{{").replace("}", "}}");
        assertThat(good(escaped, Use.TEXT, false).text(all("v"), 100_000)).isEqualTo(text);
    }

    @Test
    void matchesAreReplacedByTextWithGroups() {
        assertThat(replaced("^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api"))
                .isEqualTo("/v1/api/instance/foo");
        assertThat(replaced("one", "two", "/xxx/one/yyy/one/zzz")).isEqualTo("/xxx/two/yyy/two/zzz");
        assertThat(replaced("(?i)/XXX/", "/yyy/", "/aaa/XxX/bbb")).isEqualTo("/aaa/yyy/bbb");
        assertThat(replaced("b", "[\\0\\\\]", "abc")).isEqualTo("a[b\\]c");
        assertThat(replaced("(x)?b", "<\\1>", "abc")).isEqualTo("a<>c");
        assertThat(replaced("x*", "-", "ab")).isEqualTo("-a-b-");
        assertThat(replaced("z", "-", "ab")).isEqualTo("ab");
        RegexReplacement longer = RegexReplacement.compile("a", "\\0\\0\\0\\0", new ArrayList<>(), "");
        assertThat(longer.apply("aaaa", 15)).isNull();
        assertThat(longer.apply("aaaa", 16)).hasSize(16);
        List<String> problems = new ArrayList<>();
        RegexReplacement _ = RegexReplacement.compile("(a)", "\\2 \\x \\", problems, "substitution: ");
        assertThat(problems).hasSize(3).first().asString().contains("substitution: \"\\2\"", "1 groups");
    }

    @Test
    void aReplacementLooksAtNoMoreThanItMay() {
        List<String> problems = new ArrayList<>();
        RegexReplacement made = RegexReplacement.compile("a(.*z)?", "\\0", problems, "");
        assertThat(made.apply("a".repeat(500), 16_000)).hasSize(500);
        assertThat(made.apply("a".repeat(15_999) + "z", 16_000)).hasSize(16_000);
        assertThat(made.apply("a".repeat(16_000), 16_000)).isNull();
    }

    private static String replaced(String pattern, String substitution, String text) {
        List<String> problems = new ArrayList<>();
        RegexReplacement made = RegexReplacement.compile(pattern, substitution, problems, "");
        assertThat(problems).isEmpty();
        return made.apply(text, MOST);
    }

    @Property(tries = 300)
    void aReplacementIsWhatTheJdksIs(@ForAll("texts") String text, @ForAll("texts") String by) {
        assertThat(replaced("a(b)?", by + "\\1\\0", text))
                .isEqualTo(java.util.regex.Pattern.compile("a(b)?")
                        .matcher(text)
                        .replaceAll(found -> by + (found.group(1) == null ? "" : found.group(1)) + found.group()));
    }

    @net.jqwik.api.Provide
    net.jqwik.api.Arbitrary<String> texts() {
        return net.jqwik.api.Arbitraries.strings().withChars("abc/").ofMaxLength(12);
    }

    @Test
    void namesOfFieldsAreThoseOfAccessLogs() {
        assertThat(Map.of(
                        "client", TemplateField.CLIENT, "host", TemplateField.HOST, "trace_id", TemplateField.TRACE_ID))
                .allSatisfy((word, field) -> assertThat(TemplateField.of(word)).isEqualTo(field));
    }
}
