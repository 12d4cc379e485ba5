package dev.coppice.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExpressionTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Environment ANY =
            Environment.empty().withVariable("self").withVariable("object");

    private static Object eval(String source, Map<String, ?> variables) throws Exception {
        return Expression.compile(source, ANY).evaluate(variables);
    }

    private static JsonNode json(String text) throws Exception {
        return JSON.readTree(text.replace('\'', '"'));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "true",
                "1 + 1 == 2",
                "'abc'.startsWith('a') && 'abc'.matches('^a.c$')",
                "[1, 2, 3].all(x, x > 0)",
                "[1, 2, 3].exists_one(x, x == 2)",
                "[1, 2].map(x, x * 2) == [2, 4]",
                "{'a': 1}.map(k, k) == ['a']",
                "timestamp('2026-01-01T00:00:00Z') + duration('1h') == timestamp('2026-01-01T01:00:00Z')",
                "duration('90s').getMinutes() == 1",
                "type(1) == int && type('a') == string && type([]) == list && type({}) == map",
                "dyn(1) == 1.0 && dyn(1u) == 1 && 1 < 1.5",
                "optional.of(1).orValue(2) == 1",
                "{'a': 1}[?'b'].orValue(3) == 3",
                "{'a': {'b': 1}}.?a.?b.orValue(0) == 1",
                "{'a': {'b': 1}}.?x.?b.orValue(7) == 7",
                "[1, 2, 3].transformList(i, v, i + v) == [1, 3, 5]",
                "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
                "{'a': 1, 'b': 2}.all(k, v, v > 0)",
                // strings
                "'hello'.charAt(1) == 'e'",
                "'hello mellow'.indexOf('ello') == 1 && 'hello mellow'.indexOf('ello', 2) == 7",
                "'hello mellow'.lastIndexOf('ello') == 7 && 'hello mellow'.lastIndexOf('ello', 6) == 1",
                "'TacoCat'.lowerAscii() == 'tacocat' && 'TacoCÆt'.upperAscii() == 'TACOCÆT'",
                "'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'",
                "'ab'.replace('', '-') == '-a-b-'",
                "'a b c'.split(' ') == ['a', 'b', 'c'] && 'a b c'.split(' ', 2) == ['a', 'b c']",
                "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'",
                "'  x '.trim() == 'x' && ['a', 'b'].join('-') == 'a-b' && 'gums'.reverse() == 'smug'",
                "'%s is %d and %.2f %x %%'.format(['a', 1, 1.5, 255]) == 'a is 1 and 1.50 ff %'",
                "'%s'.format([[1, 'a', {'k': true}]]) == '[1, a, {k: true}]'",
                "strings.quote('a\"b') == '\"a\\\\\"b\"'",
                // lists
                "[1, 2, 2].isSorted() && ![2, 1].isSorted()",
                "[1, 2, 3].sum() == 6 && [1.5, 1.5].sum() == 3.0 && [duration('1s'), duration('2s')].sum() == duration('3s')",
                "[3, 1, 2].min() == 1 && ['a', 'c', 'b'].max() == 'c'",
                "[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].indexOf(9) == -1",
                "sets.contains([1, 2, 3], [1, 2]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])",
                // regex
                "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]') == ''",
                "'1 a 2'.findAll('[0-9]') == ['1', '2'] && '123'.findAll('[0-9]', 2) == ['1', '2']",
                // url
                "url('https://user@example.com:80/p%20a?q=1&q=2#f').getHost() == 'example.com:80'",
                "url('https://example.com:80/').getPort() == '80' && url('https://[::1]:8080/').getHostname() == '::1'",
                "url('https://example.com/p%20a?q=1&q=2').getQuery() == {'q': ['1', '2']}",
                "url('https://example.com/p%20a').getEscapedPath() == '/p%20a' && isURL('/a') && !isURL('a b')",
                // quantity
                "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1k') == quantity('1000')",
                "quantity('100m').add(quantity('900m')) == quantity('1') && quantity('5').sub(2).asInteger() == 3",
                "!quantity('1.5').isInteger() && quantity('1500m').asApproximateFloat() == 1.5 && quantity('-1').sign() == -1",
                "isQuantity('1e3') && !isQuantity('1 Gi') && quantity('2').compareTo(quantity('3')) == -1",
                // ip, cidr
                "ip('127.0.0.1').isLoopback() && ip('::1').family() == 6 && isIP('10.0.0.1') && !isIP('10.0.0.256')",
                "ip.isCanonical('::1') && !ip.isCanonical('0::1') && string(ip('10.0.0.1')) == '10.0.0.1'",
                "ip('8.8.8.8').isGlobalUnicast() && ip('169.254.1.1').isLinkLocalUnicast() && ip('224.0.0.1').isLinkLocalMulticast()",
                "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16'))",
                "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8",
                "string(cidr('10.0.0.0/8').ip()) == '10.0.0.0' && isCIDR('::/0') && !isCIDR('10.0.0.0')",
                // format
                "!format.dns1123Label().validate('my-name').hasValue()",
                "format.dns1123Label().validate('My_Name').value().size() == 1",
                "format.named('uuid').value().validate('nope').hasValue()",
            })
    void evaluatesToTrue(String source) throws Exception {
        assertThat(eval(source, Map.of())).isEqualTo(true);
    }

    @Test
    void readsJsonInPlace() throws Exception {
        JsonNode tree = json("{'a':{'b':[1,2.5,'x',null,true]},'n':null,'big':12345678901}");
        assertThat(eval("self.a.b[0] == 1 && self.a.b[1] == 2.5 && self.a.b[2] == 'x'", Map.of("self", tree)))
                .isEqualTo(true);
        assertThat(eval("self.n == null && self.a.b[3] == null", Map.of("self", tree)))
                .isEqualTo(true);
        assertThat(eval("has(self.a) && !has(self.zz) && 'a' in self && size(self) == 3", Map.of("self", tree)))
                .isEqualTo(true);
        assertThat(eval("self.a", Map.of("self", tree))).isSameAs(tree.get("a"));
        assertThat(eval("self.a.b", Map.of("self", tree)))
                .isSameAs(tree.get("a").get("b"));
        assertThat(eval("self.big", Map.of("self", tree))).isEqualTo(12345678901L);
        assertThat(eval("self == object", Map.of("self", tree, "object", tree.deepCopy())))
                .isEqualTo(true);
        assertThat(eval("self.a == {'b': [1, 2.5, 'x', null, true]}", Map.of("self", tree)))
                .isEqualTo(true);
        assertThat(eval("{'b': [1, 2.5, 'x', null, true]} == self.a", Map.of("self", tree)))
                .isEqualTo(true);
        assertThat(eval("self.map(k, k)", Map.of("self", tree))).isEqualTo(List.of("a", "n", "big"));
        assertThat(eval("self.?a.?c.orValue('none')", Map.of("self", tree))).isEqualTo("none");
        assertThat(eval("type(self) == map && type(self.a.b) == list", Map.of("self", tree)))
                .isEqualTo(true);
    }

    @Test
    void takesJavaValuesToo() throws Exception {
        Map<String, Object> values = Map.of(
                "self",
                Map.of("status", 200, "at", Instant.EPOCH, "took", Duration.ofMillis(5), "tags", List.of("a", "b")));
        assertThat(eval(
                        "self.status == 200 && self.took < duration('1s') && 'b' in self.tags && self.at.getFullYear() == 1970",
                        values))
                .isEqualTo(true);
        assertThat(eval("self.tags + ['c']", values)).isEqualTo(List.of("a", "b", "c"));
    }

    @Test
    void givesResultsAsJson() throws Exception {
        Expression expression = Expression.compile(
                "{'a': [1, 2.0, 'x', null], 'd': duration('1.5s'), 't': timestamp('2026-01-01T00:00:00Z'), 's': self}",
                ANY);
        JsonNode result = expression.evaluateToJson(Variables.of(Map.of("self", json("{'k':1}"))), expression.budget());
        assertThat(result.toString())
                .isEqualTo(
                        "{'a':[1,2.0,'x',null],'d':'1.5s','t':'2026-01-01T00:00:00Z','s':{'k':1}}".replace('\'', '"'));
    }

    @Test
    void assertsOverAResponse() throws Exception {
        Environment environment = Environment.assertion("response.status", "response.body", "json");
        Expression expression =
                Expression.compile("response.status == 200 && json.ok && response.body.contains('ok')", environment);
        assertThat(expression.test(
                        Map.of("response.status", 200, "response.body", "{\"ok\":true}", "json", json("{'ok':true}"))))
                .isTrue();
        assertThat(expression.uses("json")).isTrue();
        assertThat(Expression.compile("response.status < 300", environment).uses("json"))
                .isFalse();
    }

    @Test
    void tellsAllProblemsWithTheirPlaces() {
        InvalidExpressionException e = catchThrowableOfType(
                InvalidExpressionException.class, () -> Expression.compile("slef.a == 1 &&\n 'a' + 1 == other", ANY));
        assertThat(e.problems()).hasSize(3);
        assertThat(e.problems().get(0).line()).isEqualTo(1);
        assertThat(e.problems().get(0).column()).isEqualTo(1);
        assertThat(e.problems().get(0).toString())
                .contains("undeclared reference to 'slef'")
                .contains("known variables: self, object");
        assertThat(e.problems().get(1).line()).isEqualTo(2);
        assertThat(e.display()).startsWith("ERROR: <input>:1:1: undeclared reference to 'slef' (in container '')");
    }

    @Test
    void refusesWhatHasAnotherResult() {
        assertThatThrownBy(() -> Expression.compile("1 + 1", Environment.assertion()))
                .isInstanceOf(InvalidExpressionException.class)
                .hasMessageContaining("expected type 'bool' but found 'int'");
        assertThatThrownBy(() -> Expression.compile("self", Environment.assertion("self"))
                        .test(Map.of("self", 1)))
                .isInstanceOf(EvaluationException.class)
                .hasMessageContaining("did not result in a boolean");
    }

    @ParameterizedTest
    @ValueSource(strings = {"object.", "1 +", "", "  ", "'", "((((", "a b", "size()", "[1,", "x.filter(", "\u0000"})
    void rubbishIsAProblemNeverACrash(String source) {
        assertThatThrownBy(() -> Expression.compile(source, ANY)).isInstanceOf(InvalidExpressionException.class);
    }

    @Test
    void boundsTheSource() {
        assertThatThrownBy(() -> Expression.compile("'" + "a".repeat(20_000) + "'", ANY))
                .isInstanceOf(InvalidExpressionException.class)
                .hasMessageContaining("20002 characters; the most is 10000");
        assertThatThrownBy(() -> Expression.compile("(".repeat(4000) + "1" + ")".repeat(4000), ANY))
                .isInstanceOf(InvalidExpressionException.class);
        assertThatThrownBy(() -> Expression.compile("1" + "+1".repeat(4000), ANY))
                .isInstanceOf(InvalidExpressionException.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "self.zz == 1 | no such key: zz",
                "self.l[5] == 1 | Index out of bounds: 5",
                "1 / self.zero == 1 | division by zero",
                "self.a + 1 == 2 | No matching overload",
                "int(self.a) == 1 | For input string",
                "'a'.matches('(') | not valid RE2",
                "[].max() == 1 | max called on empty list",
                "quantity('x') == quantity('1') | is no quantity",
            })
    void failsWithAReason(String source, String message) {
        assertThatThrownBy(() -> eval(source, Map.of("self", json("{'a':'b','zero':0,'l':[1]}"))))
                .isInstanceOf(EvaluationException.class)
                .hasMessageContaining(message)
                .extracting(e -> ((EvaluationException) e).reason())
                .isEqualTo(EvaluationException.Cause.ERROR);
    }

    @Test
    void logicAbsorbsErrors() throws Exception {
        assertThat(eval("self.zz == 1 || true", Map.of("self", json("{}")))).isEqualTo(true);
        assertThat(eval("[1, 0].exists(x, 1 / x == 1)", Map.of())).isEqualTo(true);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "self.all(a, self.all(b, self.all(c, self.all(d, true))))",
                "self.exists(a, self.exists(b, self.exists(c, self.exists(d, false)))) || true",
                "self.map(a, self.map(b, self.map(c, self.map(d, d)))).size() > 0",
                "[['x']].map(a, [a,a,a,a,a,a,a,a,a,a].map(b, [b,b,b,b,b,b,b,b,b,b])).map(a, [a,a,a,a,a,a,a,a,a,a]).map(a, [a,a,a,a,a,a,a,a,a,a])"
                        + ".map(a, [a,a,a,a,a,a,a,a,a,a]).map(a, [a,a,a,a,a,a,a,a,a,a]).map(a, [a,a,a,a,a,a,a,a,a,a]).size() > 0",
                "['aaaaaaaaaa'].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)"
                        + ".map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)[0] == ''",
                "['aaaaaaaaaa'].map(a, a.replace('a', a+a+a+a)).map(a, a.replace('a', a)).map(a, a.replace('a', a)).map(a, a.replace('a', a))[0] == ''",
                "self.all(x, sets.contains(self, self))",
                "self.all(x, [self.map(x, 'xxxxxxxxxxxxxxxxxxx').join('')].all(t, !t.matches('(x+x+)+y')))",
            })
    void whatNeverEndsIsStopped(String source) throws Exception {
        Environment environment =
                ANY.withLimits(Limits.DEFAULT.withCost(1_000_000).withTime(Duration.ofSeconds(2)));
        JsonNode list = JSON.valueToTree(new int[1000]);
        long start = System.nanoTime();
        assertThatThrownBy(() -> Expression.compile(source, environment).evaluate(Map.of("self", list)))
                .isInstanceOf(EvaluationException.class)
                .extracting(e -> ((EvaluationException) e).reason())
                .isIn(EvaluationException.Cause.COST, EvaluationException.Cause.TIME);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    void timeRunsOut() throws Exception {
        Environment environment =
                ANY.withLimits(Limits.DEFAULT.withCost(Long.MAX_VALUE).withTime(Duration.ofMillis(20)));
        JsonNode list = JSON.valueToTree(new int[1000]);
        assertThatThrownBy(() -> Expression.compile("self.all(a, self.all(b, self.all(c, true)))", environment)
                        .evaluate(Map.of("self", list)))
                .isInstanceOf(EvaluationException.class)
                .hasMessageContaining("took longer than 20 ms")
                .extracting(e -> ((EvaluationException) e).reason())
                .isEqualTo(EvaluationException.Cause.TIME);
    }

    @Test
    void aBudgetIsSharedByExpressions() throws Exception {
        Expression expression = Expression.compile("self.all(x, x == 0)", ANY);
        Variables variables = Variables.of(Map.of("self", JSON.valueToTree(new int[100])));
        Budget budget = Budget.start(2_000, Duration.ofSeconds(5), dev.coppice.kernel.Clock.system());
        assertThat(expression.test(variables, budget)).isTrue();
        assertThat(budget.used()).isGreaterThan(100);
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 10; i++) {
                        expression.test(variables, budget);
                    }
                })
                .isInstanceOf(EvaluationException.class);
    }

    @Test
    void schemasTypeVariables() throws Exception {
        JsonNode schema = json("{'type':'object','properties':{'replicas':{'type':'integer'},'ratio':{'type':'number'},"
                + "'at':{'type':'string','format':'date-time'},'every':{'type':'string','format':'duration'},"
                + "'labels':{'type':'object','additionalProperties':{'type':'string'}},"
                + "'my-field':{'type':'string'},'namespace':{'type':'string'},'a__b':{'type':'string'},"
                + "'port':{'x-kubernetes-int-or-string':true},'any':{'type':'object','x-kubernetes-preserve-unknown-fields':true},"
                + "'items':{'type':'array','items':{'type':'object','properties':{'name':{'type':'string'}}}}}}");
        Environment environment = Environment.empty()
                .withVariable("self", ValueType.ofSchema(schema))
                .withResult(ValueType.BOOL);
        JsonNode self = json(
                "{'replicas':3,'ratio':1,'at':'2026-01-01T00:00:00Z','every':'1h30m','labels':{'a':'b'},'my-field':'x',"
                        + "'namespace':'ns','a__b':'u','port':80,'any':{'deep':{'x':1}},'items':[{'name':'n'}]}");
        for (String source : List.of(
                "self.replicas == 3 && self.ratio + 0.5 == 1.5",
                "self.at.getFullYear() == 2026 && self.every == duration('90m')",
                "self.labels.a == 'b' && self.labels.all(k, k == 'a')",
                "self.my__dash__field == 'x' && self.__namespace__ == 'ns' && self.a__underscores__b == 'u'",
                "self.port == 80 && self.any.deep.x == 1",
                "self.items.all(i, i.name == 'n') && has(self.items[0].name)",
                "has(self.replicas) && self.items[0] == self.items[0]")) {
            assertThat(Expression.compile(source, environment).test(Map.of("self", self)))
                    .as(source)
                    .isTrue();
        }
        for (Map.Entry<String, String> wrong : Map.of(
                        "self.nope == 1", "undefined field 'nope'",
                        "self.items[0].nope == 1", "undefined field 'nope'",
                        "self.replicas == 'a'", "found no matching overload for '_==_'",
                        "self.labels.a == 1", "found no matching overload for '_==_'")
                .entrySet()) {
            assertThatThrownBy(() -> Expression.compile(wrong.getKey(), environment))
                    .isInstanceOf(InvalidExpressionException.class)
                    .hasMessageContaining(wrong.getValue());
        }
        assertThat(Expression.compile("!has(self.replicas)", environment)
                        .test(Map.of("self", json("{'replicas':null}"))))
                .isTrue();
    }

    @Test
    void fieldsThatAreObjectsAreNoTypeNames() throws Exception {
        JsonNode schema = json(
                "{'type':'object','properties':{'spec':{'type':'object','properties':{'n':{'type':'integer'},"
                        + "'self':{'type':'object','properties':{'n':{'type':'integer'}}},'int':{'type':'object','properties':{'n':{'type':'integer'}}}}}}}");
        Environment environment = Environment.empty()
                .withVariable("self", ValueType.ofSchema(schema))
                .withVariable("oldSelf", ValueType.ofSchema(schema))
                .withResult(ValueType.BOOL);
        JsonNode self = json("{'spec':{'n':1,'self':{'n':2},'int':{'n':3}}}");
        for (String source : List.of(
                "self.spec.n == 1 && self.spec.self.n == 2 && self.spec.int.n == 3",
                "has(self.spec) && has(self.spec.self) && self.spec == oldSelf.spec",
                "[self.spec].all(s, s.self.n == 2) && self == oldSelf",
                "self.?spec.?self.?n.orValue(0) == 2",
                "type(self.spec.n) == int")) {
            assertThat(Expression.compile(source, environment).test(Map.of("self", self, "oldSelf", self)))
                    .as(source)
                    .isTrue();
        }
    }

    @Test
    void variablesMayBeOptional() throws Exception {
        JsonNode schema = json("{'type':'object','properties':{'n':{'type':'integer'}}}");
        Environment environment = Environment.empty()
                .withVariable("self", ValueType.ofSchema(schema))
                .withVariable("oldSelf", ValueType.optionalOf(ValueType.ofSchema(schema)))
                .withResult(ValueType.BOOL);
        Expression rule =
                Expression.compile("oldSelf.hasValue() ? oldSelf.value().n <= self.n : self.n == 0", environment);
        assertThat(rule.test(Map.of("self", json("{'n':2}"), "oldSelf", json("{'n':1}"))))
                .isTrue();
        assertThat(rule.test(Map.of("self", json("{'n':0}"), "oldSelf", Optional.of(json("{'n':1}")))))
                .isFalse();
        assertThat(rule.test(Map.of("self", json("{'n':0}")))).isTrue();
        assertThat(Expression.compile("oldSelf.?n.orValue(7) == self.n", environment)
                        .test(Map.of("self", json("{'n':7}"))))
                .isTrue();
        assertThat(Expression.compile("oldSelf == optional.of(self)", environment)
                        .test(Map.of("self", json("{'n':7}"))))
                .isFalse();
        assertThatThrownBy(() -> Expression.compile("oldSelf.value().nope == 1", environment))
                .hasMessageContaining("undefined field 'nope'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "!",
                "-",
                "(",
                "[",
                "{",
                "a.",
                "a?b:",
                "a?(",
                "1+",
                "[[1].map(x,",
                "a.b.c.d(",
                "'a'+",
                "a&&(b||",
                "x.all(x,",
                "{1:",
                "a[",
                "0x",
                "\\\\",
                "[].map(a,",
                "\"",
                "r'",
                "b\"\"+",
                ".",
                ",",
                "a in ",
                "has(a.b)||",
                "?:",
                "//\n",
                "a?b:c?",
                "1.e"
            })
    void noSourceTakesLongToCompile(String part) {
        compilesOrFailsSoon(part.repeat(9_900 / part.length()));
        compilesOrFailsSoon(part.repeat(60));
        compilesOrFailsSoon((part.repeat(20) + "1)}] + ").repeat(9_900 / (part.length() * 20 + 6)) + "1");
    }

    @Test
    void nestingIsBoundedButStringsAreNotNested() throws Exception {
        compilesOrFailsSoon("[1].map(a,".repeat(60) + "1" + ")".repeat(60));
        assertThatThrownBy(() -> Expression.compile("[1].map(a,".repeat(100) + "1" + ")".repeat(100), ANY))
                .hasMessageContaining("nests 100 brackets deep; the most is 64");
        String brackets = "(".repeat(500);
        for (String string : List.of("'%s'", "\"%s\"", "'''%s'''", "r'%s\\\\'", "'\\\'%s'", "'a' // %s")) {
            assertThat(Expression.compile(string.formatted(brackets), ANY)).isNotNull();
        }
    }

    private static void compilesOrFailsSoon(String source) {
        // The time of this thread: on a machine that is taken, the clock says little.
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long start = threads.getCurrentThreadCpuTime();
        try {
            Expression.compile(source, ANY);
        } catch (InvalidExpressionException e) {
            assertThat(e.problems()).isNotEmpty();
        }
        assertThat(Duration.ofNanos(threads.getCurrentThreadCpuTime() - start)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void manyThreadsShareOneProgram() throws Exception {
        Expression expression = Expression.compile("self.n * 2", ANY);
        List<Integer> numbers = Arrays.asList(1, 2, 3, 4, 5, 6, 7, 8);
        List<Object> doubled = numbers.parallelStream()
                .map(n -> {
                    try {
                        return expression.evaluate(
                                Map.of("self", JSON.createObjectNode().put("n", n)));
                    } catch (EvaluationException e) {
                        throw new AssertionError(e);
                    }
                })
                .toList();
        assertThat(doubled).containsExactly(2L, 4L, 6L, 8L, 10L, 12L, 14L, 16L);
    }
}
