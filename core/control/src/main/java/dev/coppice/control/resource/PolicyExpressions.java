package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.expression.Environment;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.ValueType;
import dev.coppice.schema.Cause;
import java.util.ArrayList;
import java.util.List;

/** What the CEL expressions of admission policies may use. */
public final class PolicyExpressions {
    public static final Environment ANY = Environment.empty()
            .withVariable("object")
            .withVariable("oldObject")
            .withVariable("request")
            .withVariable("params")
            .withVariable("namespaceObject")
            .withVariable("variables");
    public static final Environment CONDITION = ANY.withResult(ValueType.BOOL);
    public static final Environment TEXT = ANY.withResult(ValueType.STRING);

    private PolicyExpressions() {}

    /** The expressions of a policy's spec that do not compile. */
    static List<Cause> check(JsonNode spec) {
        List<Cause> causes = new ArrayList<>();
        each(spec, "variables", "expression", ANY, causes);
        each(spec, "matchConditions", "expression", CONDITION, causes);
        each(spec, "validations", "expression", CONDITION, causes);
        each(spec, "validations", "messageExpression", TEXT, causes);
        each(spec, "auditAnnotations", "valueExpression", ANY, causes);
        return causes;
    }

    private static void each(JsonNode spec, String list, String field, Environment environment, List<Cause> causes) {
        int i = 0;
        for (JsonNode entry : spec.path(list)) {
            String at = "spec." + list + "[" + i++ + "]." + field;
            String source = entry.path(field).asText("");
            if (source.isBlank()) {
                if (!field.equals("messageExpression")) {
                    causes.add(Cause.required(at, field + " is not specified"));
                }
                continue;
            }
            try {
                Expression unused = Expression.compile(source, environment);
                assert unused != null;
            } catch (InvalidExpressionException e) {
                causes.add(Cause.invalid(at, source, "compilation failed: " + e.display()));
            }
        }
    }
}
