package dev.coppice.schema.rule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.expression.Budget;
import dev.coppice.expression.Environment;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Limits;
import dev.coppice.expression.ValueType;
import dev.coppice.schema.Schema;
import dev.coppice.schema.ValidationRule;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One rule over one schema, compiled. Immutable and thread-safe. */
final class CompiledRule {
    /** What all rules of one object may cost together, as in Kubernetes; and how long they may take. */
    private static final Limits LIMITS = Limits.DEFAULT.withCost(10_000_000).withTime(Duration.ofSeconds(2));

    private static final String SELF = "self";
    private static final String OLD_SELF = "oldSelf";
    private static final String RAW_OLD = "coppice_old";
    private static final String HAS_OLD = "coppice_has_old";

    private final ValidationRule rule;
    private final Expression condition;
    private final @Nullable Expression message;
    private final boolean transition;

    private CompiledRule(ValidationRule rule, Expression condition, @Nullable Expression message, boolean transition) {
        this.rule = rule;
        this.condition = condition;
        this.message = message;
        this.transition = transition;
    }

    /** The compilers of one schema, shared by its rules. */
    static final class Scope {
        private final Environment conditions;
        private final Environment messages;
        private final Environment optionalConditions;
        private final Environment optionalMessages;

        Scope(Schema schema) {
            ValueType type = ValueType.ofSchema(typed(schema));
            Environment plain = Environment.empty()
                    .withLimits(LIMITS)
                    .withVariable(SELF, type)
                    .withVariable(OLD_SELF, type);
            Environment optional = Environment.empty()
                    .withLimits(LIMITS)
                    .withVariable(SELF, type)
                    .withVariable(RAW_OLD, type)
                    .withVariable(HAS_OLD, ValueType.BOOL);
            this.conditions = plain.withResult(ValueType.BOOL);
            this.messages = plain.withResult(ValueType.STRING);
            this.optionalConditions = optional.withResult(ValueType.BOOL);
            this.optionalMessages = optional.withResult(ValueType.STRING);
        }

        private static JsonNode typed(Schema schema) {
            if (!schema.resourceRoot()) {
                return schema.json();
            }
            ObjectNode root = schema.json().deepCopy();
            return root.put("x-kubernetes-embedded-resource", true);
        }
    }

    static CompiledRule compile(ValidationRule rule, Scope scope) throws InvalidExpressionException {
        boolean optional = Boolean.TRUE.equals(rule.optionalOldSelf());
        Expression condition = optional
                ? Expression.compile(bound("all", rule.rule()), scope.optionalConditions)
                : Expression.compile(rule.rule(), scope.conditions);
        return new CompiledRule(rule, condition, compileMessage(rule, scope), !optional && condition.uses(OLD_SELF));
    }

    private static @Nullable Expression compileMessage(ValidationRule rule, Scope scope)
            throws InvalidExpressionException {
        if (rule.messageExpression().isEmpty()) {
            return null;
        }
        return Boolean.TRUE.equals(rule.optionalOldSelf())
                ? Expression.compile(bound("map", rule.messageExpression()) + "[0]", scope.optionalMessages)
                : Expression.compile(rule.messageExpression(), scope.messages);
    }

    /** Binds oldSelf to an optional: a macro over a list of one item is CEL's own way to name a value. */
    private static String bound(String macro, String source) {
        return "[" + HAS_OLD + " ? optional.of(" + RAW_OLD + ") : optional.none()]." + macro + "(oldSelf, (" + source
                + "\n))";
    }

    ValidationRule rule() {
        return rule;
    }

    /** It compares with the old value, and so runs on updates only. */
    boolean transition() {
        return transition;
    }

    Budget budget() {
        return condition.budget();
    }

    boolean holds(JsonNode self, @Nullable JsonNode old, Budget budget) throws EvaluationException {
        return condition.test(variables(self, old)::get, budget);
    }

    /** What to tell when it does not hold. */
    String failure(JsonNode self, @Nullable JsonNode old, Budget budget) {
        if (message != null) {
            try {
                String text = message.text(variables(self, old)::get, budget).strip();
                if (!text.isEmpty() && text.indexOf('\n') < 0 && text.length() <= 5 * 1024) {
                    return text;
                }
            } catch (EvaluationException e) {
                // Kubernetes falls back to the static message.
                return fixed();
            }
        }
        return fixed();
    }

    private String fixed() {
        return rule.message().isEmpty()
                ? "failed rule: " + rule.rule().strip()
                : rule.message().strip();
    }

    /** The rule as messages name it. */
    String shown() {
        return rule.message().isEmpty() ? rule.rule().strip() : rule.message().strip();
    }

    private static Map<String, Object> variables(JsonNode self, @Nullable JsonNode old) {
        Map<String, Object> values = new HashMap<>();
        values.put(SELF, self);
        if (old != null) {
            values.put(OLD_SELF, old);
            values.put(RAW_OLD, old);
        }
        values.put(HAS_OLD, old != null);
        return values;
    }
}
