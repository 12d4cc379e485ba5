package dev.coppice.schema.rule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.schema.Cause;
import dev.coppice.schema.Json;
import dev.coppice.schema.Schema;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RuleSetTest {
    private static RuleSet rules(String spec) {
        return RuleSet.of(Schema.ofResource(Json.of("{type:'object',properties:{spec:" + spec + "}}")));
    }

    private static List<String> check(String spec) {
        Schema schema = Schema.ofResource(Json.of("{type:'object',properties:{spec:" + spec + "}}"));
        return RuleCheck.check(schema, "P", false).stream().map(Cause::text).toList();
    }

    private static List<String> run(RuleSet rules, String spec, @Nullable String old) {
        return rules
                .validate(
                        Json.of("{apiVersion:'g/v1',kind:'X',metadata:{name:'a'},spec:" + spec + "}"),
                        old == null
                                ? null
                                : Json.of("{apiVersion:'g/v1',kind:'X',metadata:{name:'a'},spec:" + old + "}"),
                        "")
                .stream()
                .map(Cause::text)
                .toList();
    }

    @Test
    void rulesFailInKubernetesWords() {
        RuleSet rules = rules("""
                {type:'object',properties:{min:{type:'integer'},max:{type:'integer'},
                tags:{type:'object',additionalProperties:{type:'string','x-kubernetes-validations':[{rule:'self != ""'}]}},
                list:{type:'array',items:{type:'object',properties:{n:{type:'integer'}},
                  'x-kubernetes-validations':[{rule:'self.n > 0',messageExpression:"'n is ' + string(self.n)",fieldPath:'.n'}]}}},
                'x-kubernetes-validations':[{rule:'self.min <= self.max',message:'min must not exceed max'},
                  {rule:'self.max < 100',reason:'FieldValueForbidden'}]}""".replace("\"\"'}", "\\\"\\\"'}"));
        assertThat(run(rules, "{min:1,max:2}", null)).isEmpty();
        assertThat(run(rules, "{min:3,max:2}", null))
                .containsExactly("spec: Invalid value: \"object\": min must not exceed max");
        assertThat(run(rules, "{min:3,max:200}", null)).containsExactly("spec: Forbidden: failed rule: self.max < 100");
        assertThat(run(rules, "{min:1,max:2,list:[{n:1},{n:0}],tags:{a:''}}", null))
                .containsExactlyInAnyOrder(
                        "spec.list[1].n: Invalid value: \"object\": n is 0",
                        "spec.tags[a]: Invalid value: \"string\": failed rule: self != \"\"");
        assertThat(run(rules, "{min:1}", null).getFirst())
                .contains("no such key: max evaluating rule: min must not exceed max");
    }

    /** As in Kubernetes; what did not change may stay. */
    @Test
    void aRuleThatDoesNotCompileHoldsForNothing() {
        RuleSet rules = rules("""
                {type:'object',properties:{function:{type:'integer'},a:{type:'integer'}},
                'x-kubernetes-validations':[{rule:'self.function > 0'},{rule:'self.__function__ > 1'},{rule:' '}]}""");
        assertThat(run(rules, "{function:2}", null))
                .singleElement()
                .asString()
                .startsWith("spec: Invalid value: \"object\": rule compile error: ");
        assertThat(run(rules, "{function:1}", null)).hasSize(2);
        assertThat(run(rules, "{function:2}", "{function:2}")).isEmpty();
    }

    @Test
    void transitionRulesNeedAnOldValue() {
        RuleSet rules = rules("""
                {type:'object',properties:{id:{type:'string','x-kubernetes-validations':[{rule:'self == oldSelf',message:'id is immutable'}]},
                items:{type:'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['k'],items:{type:'object',
                  properties:{k:{type:'string'},v:{type:'integer','x-kubernetes-validations':[{rule:'self >= oldSelf',message:'only up'}]}}}},
                opt:{type:'integer','x-kubernetes-validations':[{rule:'!oldSelf.hasValue() || oldSelf.value() < self',optionalOldSelf:true,message:'grow'}]}}}""");
        assertThat(run(rules, "{id:'a'}", null)).isEmpty();
        assertThat(run(rules, "{id:'a'}", "{id:'a'}")).isEmpty();
        assertThat(run(rules, "{id:'b'}", "{id:'a'}"))
                .containsExactly("spec.id: Invalid value: \"string\": id is immutable");
        assertThat(run(rules, "{items:[{k:'b',v:1},{k:'a',v:1}]}", "{items:[{k:'a',v:2},{k:'b',v:1}]}"))
                .containsExactly("spec.items[1].v: Invalid value: \"integer\": only up");
        assertThat(run(rules, "{opt:1}", null)).isEmpty();
        assertThat(run(rules, "{opt:1}", "{opt:2}")).containsExactly("spec.opt: Invalid value: \"integer\": grow");
    }

    @Test
    void unchangedValuesAreNotJudgedAgain() {
        RuleSet rules = rules(
                "{type:'object',properties:{n:{type:'integer'},m:{type:'integer','x-kubernetes-validations':[{rule:'self > 5'}]}}}");
        assertThat(run(rules, "{n:1,m:1}", "{n:0,m:1}")).isEmpty();
        assertThat(run(rules, "{n:1,m:2}", "{n:0,m:1}")).hasSize(1);
    }

    @Test
    void checksCompile() {
        assertThat(
                        check(
                                "{type:'object','x-kubernetes-validations':[{rule:'self.nope > 1'}],properties:{a:{type:'string'}}}"))
                .containsExactly(
                        "P.properties[spec].x-kubernetes-validations[0].rule: Invalid value: apiextensions.ValidationRule{Rule:\"self.nope > 1\","
                                + " Message:\"\", MessageExpression:\"\", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:\"\","
                                + " OptionalOldSelf:(*bool)(nil)}: compilation failed: ERROR: <input>:1:5: undefined field 'nope'\n"
                                + " | self.nope > 1\n | ....^");
        assertThat(check("{type:'object','x-kubernetes-validations':[{rule:'self.nope > 1'}]}"))
                .hasSize(1);
        assertThat(RuleSet.of(Schema.ofResource(Json.of("{type:'object'}"))).isEmpty())
                .isTrue();
    }

    @Test
    void objectsBelowSelfAreFields() {
        String spec = """
                {type:'object',properties:{value:{type:'string'},ref:{type:'object',properties:{name:{type:'string'}}}},
                'x-kubernetes-validations':[{rule:'has(self.value) != has(self.ref)',message:'exactly one'},
                {rule:'!has(self.ref) || self.ref.name.size() > 1 // long names',messageExpression:"'short: ' + self.ref.name"}]}""";
        assertThat(check(spec)).isEmpty();
        RuleSet rules = rules(spec);
        assertThat(run(rules, "{value:'a',ref:{name:'bb'}}", null))
                .containsExactly("spec: Invalid value: \"object\": exactly one");
        assertThat(run(rules, "{ref:{name:'b'}}", null)).containsExactly("spec: Invalid value: \"object\": short: b");
    }

    @Test
    void typesOfTimeHaveNames() {
        RuleSet rules = rules("""
                {type:'object',properties:{d:{type:'string',format:'duration'},t:{type:'string',format:'date-time'}},
                'x-kubernetes-validations':[{rule:'type(self.d) == google.protobuf.Duration'},
                {rule:'type(self.t) == google.protobuf.Timestamp'},{rule:'type(self.t) != google.protobuf.Duration'}]}""");
        assertThat(run(rules, "{d:'1s',t:'2011-08-18T19:03:37Z'}", null)).isEmpty();
    }

    @Test
    void severalRulesTogetherHaveABudgetToo() {
        String rule = "{rule:'self.l.all(a, self.l.all(b, a + b >= 0))'}";
        RuleSet rules =
                rules("{type:'object',properties:{l:{type:'array',items:{type:'integer'}}},'x-kubernetes-validations':["
                        + String.join(",", Collections.nCopies(30, rule)) + "]}");
        assertThat(run(rules, "{l:" + list(200) + "}", null))
                .containsExactly("spec: Invalid value: \"object\": validation failed due to running out of cost budget,"
                        + " no further validation rules will be run");
    }

    private static String list(int size) {
        return IntStream.range(0, size).boxed().toList().toString();
    }

    @Test
    void endlessRulesAreStopped() {
        RuleSet rules = rules("""
                {type:'object',properties:{l:{type:'array',items:{type:'integer'}}},'x-kubernetes-validations':[
                {rule:'self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))'}]}""");
        assertThat(run(rules, "{l:" + list(500) + "}", null))
                .containsExactly(
                        "spec: Invalid value: \"object\": 'operation cancelled: actual cost limit exceeded': no"
                                + " further validation rules will be run due to call cost exceeds limit for rule:"
                                + " self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))");
    }
}
