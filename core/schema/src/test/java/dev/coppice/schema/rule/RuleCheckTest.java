package dev.coppice.schema.rule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.schema.Cause;
import dev.coppice.schema.Json;
import dev.coppice.schema.Schema;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Which rules are refused because of what they can cost. Where nothing else is said, the schemas and the fields of the causes are
 * those of Kubernetes' own tests (apiextensions/validation/validation_test.go), and the words those of validation.go.
 */
class RuleCheckTest {
    private static final String ADVICE = " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength"
            + " where arrays, maps, and strings are declared)";
    private static final String CONTRIBUTED =
            "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    private static final String TOTAL = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
            + " exceeds budget by factor of ";

    private static List<String> check(String properties, boolean unchanged) {
        Schema schema = Schema.ofResource(Json.of("{type:'object',properties:" + properties + "}"));
        return RuleCheck.check(schema, "S", unchanged).stream().map(Cause::text).toList();
    }

    private static List<String> check(String properties) {
        return check(properties, false);
    }

    private static String nested(String array, String map, String key) {
        return "{value:{type:'array'," + array + "items:{type:'object'," + map
                + "additionalProperties:{type:'object',required:['key'],properties:{key:" + key + "}}},"
                + "'x-kubernetes-validations':[{rule:'self.all(x, x.all(y, x[y].key == x[y].key))'}]}}";
    }

    @Test
    void loopsInLoopsNeedLimits() {
        List<String> refused = List.of(
                "S.properties[value].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by"
                        + " factor of more than 100x" + ADVICE,
                "S.properties[value].x-kubernetes-validations[0].rule: Forbidden: " + CONTRIBUTED,
                "S: Forbidden: " + TOTAL + "more than 100x" + ADVICE);
        assertThat(check(nested("", "", "{type:'string'}"))).isEqualTo(refused);
        assertThat(check(nested("", "", "{type:'string',maxLength:10}"))).isEqualTo(refused);
        assertThat(check(nested("maxItems:10,", "maxProperties:10,", "{type:'string',maxLength:10}")))
                .isEmpty();
        assertThat(check(nested("maxItems:4,", "", "{type:'number'}"))).isEmpty();
        assertThat(check("{value:{type:'integer','x-kubernetes-validations':[{rule:'self < 1024'}]}}"))
                .isEmpty();
    }

    private static final String COSTLY = """
            {list:{type:'array',maxItems:100000,items:{type:'string',maxLength:5000,
              'x-kubernetes-validations':[{rule:"self.contains('keyword')"}]}},
            map:{type:'object',maxProperties:1000,additionalProperties:{type:'string',maxLength:5000,
              'x-kubernetes-validations':[{rule:"self.contains('keyword')"}]}},
            field:{type:'integer','x-kubernetes-validations':[{rule:'self > 50 && self < 100'}]}}""";

    private static final String LIST_RULE = "S.properties[list].items.x-kubernetes-validations[0].rule: Forbidden: ";

    @Test
    void allRulesTogetherHaveALimitToo() {
        // 2001 for a string, 100,000 and 1,000 times, and 4 for the number
        List<String> total = List.of(
                LIST_RULE + CONTRIBUTED,
                "S.properties[map].additionalProperties.x-kubernetes-validations[0].rule: Forbidden: " + CONTRIBUTED,
                "S: Forbidden: " + TOTAL + "2.0x" + ADVICE);
        List<String> found = check(COSTLY);
        assertThat(found)
                .startsWith(LIST_RULE + "estimated rule cost exceeds budget by factor of 20.0x" + ADVICE)
                .endsWith(total.toArray(String[]::new))
                .hasSize(4);
        assertThat(check(COSTLY, true)).as("stored already").isEqualTo(total);
    }

    /** kubernetes/kubernetes issue 124234: nobody knows how long a number is as text. */
    @Test
    void messagesHaveTheSameLimit() {
        String at = "S.properties[config].x-kubernetes-validations[0].messageExpression: Forbidden: ";
        assertThat(check("""
                        {config:{type:'object',properties:{attempts:{type:'integer'}},'x-kubernetes-validations':
                        [{rule:'self.attempts >= 0',messageExpression:"'invalid attempts: ' + string(self.attempts)"}]}}"""))
                .containsExactly(
                        at + "estimated messageExpression cost exceeds budget by factor of more than 100x" + ADVICE,
                        at + CONTRIBUTED,
                        "S: Forbidden: " + TOTAL + "more than 100x" + ADVICE);
    }

    @Test
    void theLimitItselfIsAllowed() {
        // 11 for each of the strings, and 2 besides
        String schema = "{tags:{type:'array',maxItems:%d,items:{type:'string',maxLength:16},"
                + "'x-kubernetes-validations':[{rule:\"self.all(x, x.contains('gpu'))\"}]}}";
        assertThat(check(schema.formatted(909_090))).isEmpty();
        assertThat(check(schema.formatted(909_091)))
                .containsExactly("S.properties[tags].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost"
                        + " exceeds budget by factor of 1.000000x" + ADVICE);
        assertThat(check(schema.formatted(1_200_000)).getFirst()).contains("factor of 1.320000x (");
        assertThat(check(schema.formatted(2_500_000)).getFirst()).contains("factor of 2.8x (");
        assertThat(check(schema.formatted(909_091), true)).as("stored already").isEmpty();
    }

    /** The example of Kubernetes' documentation of validation rules. */
    @Test
    void limitsMakeRulesAllowed() {
        String schema = "{foo:{type:'array',%s items:{type:'string'%s},"
                + "'x-kubernetes-validations':[{rule:\"self.all(x, x.contains('a string'))\"}]}}";
        assertThat(check(schema.formatted("", ""))).hasSize(3);
        assertThat(check(schema.formatted("maxItems:25,", ",maxLength:10"))).isEmpty();
        assertThat(check("{l:{type:'array',items:{type:'array',items:{type:'integer'}},"
                        + "'x-kubernetes-validations':[{rule:'self.all(x, x.all(y, y > 5))'}]}}"))
                .isNotEmpty();
    }

    @Test
    void whatDoesNotCompileCostsNothing() {
        assertThat(check("""
                        {a:{type:'array',items:{type:'string','x-kubernetes-validations':[{rule:'self.nope'},
                        {rule:'size(self) > 1',messageExpression:'self.nope'}]}}}""")).hasSize(2).allMatch(text -> text.contains("compilation failed: "));
    }

    @Test
    void oldValuesAreOnlyWhereTheyCanBeTold() {
        String rule = "'x-kubernetes-validations':[{rule:'self == oldSelf'}]";
        String refused =
                ".x-kubernetes-validations[0].rule: Invalid value: \"self == oldSelf\": oldSelf cannot be used on"
                        + " the uncorrelatable portion of the schema within S.properties[value]";
        assertThat(check("{value:{type:'array',maxItems:10,items:{type:'string',maxLength:10," + rule + "}}}"))
                .containsExactly("S.properties[value].items" + refused);
        assertThat(check(
                        "{value:{type:'array',maxItems:10,items:{type:'object',properties:{l:{type:'array',maxItems:10,"
                                + "items:{type:'string',maxLength:10," + rule + "}}}}}}"))
                .containsExactly("S.properties[value].items.properties[l].items" + refused);
        assertThat(check("{value:{type:'object',properties:{subfield:{type:'string',maxLength:10," + rule + "}}}}"))
                .isEmpty();
    }

    @Test
    void optionalOldValuesAreAskedFor() {
        String rule = "'x-kubernetes-validations':[{rule:'%s',optionalOldSelf:true}]";
        assertThat(check(
                        "{a:{type:'integer'," + rule.formatted("!oldSelf.hasValue() || oldSelf.value() < self") + "}}"))
                .isEmpty();
        assertThat(check("{a:{type:'integer'," + rule.formatted("self > 1") + "}}"))
                .containsExactly("S.properties[a].x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may"
                        + " not be set if oldSelf is not used in rule");
    }
}
