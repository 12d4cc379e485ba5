package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.expression.Budget;
import dev.coppice.expression.Environment;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Limits;
import dev.coppice.expression.ValueType;
import dev.coppice.kernel.Clock;
import dev.coppice.schema.Cause;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the CEL expressions of admission policies may use. */
public final class PolicyExpressions {
    /** What all expressions of a policy may cost together for one request, as in Kubernetes. */
    private static final Limits LIMITS = Limits.DEFAULT.withCost(10_000_000).withTime(Duration.ofSeconds(2));

    private static final Environment REQUEST = Environment.empty()
            .withLimits(LIMITS)
            .withVariable("object")
            .withVariable("oldObject")
            .withVariable("request")
            .withVariable("namespaceObject")
            .withVariable("authorizer", ValueType.AUTHORIZER)
            .withVariable("authorizer.requestResource", ValueType.RESOURCE_CHECK);
    public static final Environment ANY = REQUEST.withVariable("params").withVariable("variables");
    public static final Environment CONDITION = ANY.withResult(ValueType.BOOL);
    /** Of webhooks: without params and variables. */
    public static final Environment MATCH_CONDITION = REQUEST.withResult(ValueType.BOOL);

    public static final Environment TEXT = ANY.withResult(ValueType.STRING);

    /** Of mutating policies: what their variables may construct, too. */
    public static final Environment CONSTRUCTED = ANY.constructing();

    public static final Environment OBJECT = CONSTRUCTED.withResult(ValueType.OBJECT);
    public static final Environment PATCHES = CONSTRUCTED.withResult(ValueType.JSON_PATCHES);

    private PolicyExpressions() {}

    /** What expressions may use when objects and parameters have the given schemas; null: parameters of any kind. */
    public static Environment typed(JsonNode schema, @Nullable JsonNode params) {
        Environment typed = ANY.withVariable("object", ValueType.ofSchema(schema))
                .withVariable("oldObject", ValueType.ofSchema(schema));
        return params == null ? typed : typed.withVariable("params", ValueType.ofSchema(params));
    }

    /** A budget for one policy and one request. */
    public static Budget budget() {
        return Budget.start(LIMITS.cost(), LIMITS.time(), Clock.system());
    }

    /** How Kubernetes words that an expression failed. */
    public static String failure(Expression expression, EvaluationException e) {
        return switch (e.reason()) {
            case ERROR -> "expression '" + expression.source() + "' resulted in error: " + e.getMessage();
            case COST, CALL_COST, TIME ->
                "validation failed due to running out of cost budget, no further validation rules will be run";
        };
    }

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

    /** The expressions of a mutating policy's spec that do not compile. */
    static List<Cause> checkMutating(JsonNode spec) {
        List<Cause> causes = new ArrayList<>();
        each(spec, "variables", "expression", CONSTRUCTED, causes);
        each(spec, "matchConditions", "expression", CONDITION, causes);
        return causes;
    }

    /** Checks an expression that has to be there. */
    static void check(String at, String source, Environment environment, List<Cause> causes) {
        if (source.isBlank()) {
            causes.add(Cause.required(at, at.substring(at.lastIndexOf('.') + 1) + " is not specified"));
            return;
        }
        try {
            Expression unused = Expression.compile(source, environment);
            assert unused != null;
        } catch (InvalidExpressionException e) {
            causes.add(Cause.invalid(at, source, why(e, environment)));
        }
    }

    private static String why(InvalidExpressionException e, Environment environment) {
        boolean result = e.problems().size() == 1
                && e.problems().getFirst().message().startsWith("expected type '" + shown(environment.result()) + "'");
        return result ? "must evaluate to " + shown(environment.result()) : "compilation failed: " + e.display();
    }

    private static String shown(ValueType type) {
        return switch (type) {
            case ValueType.Simple simple ->
                switch (simple) {
                    case OBJECT -> "Object";
                    case JSON_PATCHES -> "list(JSONPatch)";
                    default -> simple.name().toLowerCase(java.util.Locale.ROOT);
                };
            default -> "dyn";
        };
    }

    /** The match conditions of a webhook that do not compile. */
    static void checkConditions(JsonNode webhook, String at, List<Cause> causes) {
        each(webhook, at + ".", "matchConditions", "expression", MATCH_CONDITION, causes);
    }

    private static void each(JsonNode spec, String list, String field, Environment environment, List<Cause> causes) {
        each(spec, "spec.", list, field, environment, causes);
    }

    private static void each(
            JsonNode spec, String base, String list, String field, Environment environment, List<Cause> causes) {
        int i = 0;
        for (JsonNode entry : spec.path(list)) {
            String at = base + list + "[" + i++ + "]." + field;
            String source = entry.path(field).asText("");
            if (!source.isBlank() || !field.equals("messageExpression")) {
                check(at, source, environment, causes);
            }
        }
    }
}
