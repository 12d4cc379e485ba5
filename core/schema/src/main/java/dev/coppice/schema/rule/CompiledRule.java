package dev.coppice.schema.rule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.expression.Budget;
import dev.coppice.expression.Environment;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Limits;
import dev.coppice.expression.Problem;
import dev.coppice.expression.SchemaSize;
import dev.coppice.expression.ValueType;
import dev.coppice.schema.Schema;
import dev.coppice.schema.ValidationRule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One rule over one schema, compiled. Immutable and thread-safe. */
final class CompiledRule {
    /** What all rules of one object may cost together, as in Kubernetes; and how long they may take. */
    private static final Limits LIMITS = Limits.DEFAULT.withCost(10_000_000).withTime(Duration.ofSeconds(2));

    /** What one rule, or one message, may cost of it (Kubernetes: PerCallLimit). */
    private static final long CALL_COST = 1_000_000;

    private static final String SELF = "coppice_self";
    private static final String OLD = "coppice_old";
    private static final String HAS_OLD = "coppice_has_old";
    private static final Pattern OLD_SELF = Pattern.compile("\\boldSelf\\b");

    private final ValidationRule rule;
    private final Expression condition;
    private final @Nullable Expression message;
    private final boolean old;

    private CompiledRule(ValidationRule rule, Expression condition, @Nullable Expression message, boolean old) {
        this.rule = rule;
        this.condition = condition;
        this.message = message;
        this.old = old;
    }

    /** The compilers of one schema, shared by its rules. */
    static final class Scope {
        private final Environment conditions;
        private final Environment messages;

        private Scope(JsonNode typed, Environment environment) {
            ValueType type = ValueType.listOf(ValueType.ofSchema(typed));
            Environment all = environment
                    .withLimits(LIMITS)
                    .withVariable(SELF, type)
                    .withVariable(OLD, type)
                    .withVariable(HAS_OLD, ValueType.BOOL);
            this.conditions = all.withResult(ValueType.BOOL);
            this.messages = all.withResult(ValueType.STRING);
        }

        static Scope of(Schema schema) {
            return new Scope(typed(schema), Environment.empty());
        }

        /** A scope whose rules know what they can cost. */
        static Scope estimating(Schema schema, SchemaSize size) {
            return new Scope(typed(schema), Environment.empty().estimating(size));
        }

        /** How big values of a schema can be; null when they are not typed. */
        static @Nullable SchemaSize size(Schema schema) {
            return SchemaSize.of(typed(schema));
        }

        private static JsonNode typed(Schema schema) {
            ObjectNode root = schema.json().deepCopy();
            close(root);
            if (schema.resourceRoot()) {
                root.put("x-kubernetes-embedded-resource", true);
            }
            return root;
        }

        /** Objects that declare no fields have none, unless they keep unknown ones: selecting one is a mistake. */
        private static void close(JsonNode node) {
            if (node instanceof ObjectNode schema) {
                boolean bare = schema.path("type").asText().equals("object")
                        && !schema.has("properties")
                        && !schema.has("additionalProperties")
                        && !schema.path("x-kubernetes-preserve-unknown-fields").asBoolean(false);
                if (bare) {
                    schema.putObject("properties");
                }
                schema.path("properties").forEach(Scope::close);
                close(schema.path("items"));
                close(schema.path("additionalProperties"));
            }
        }
    }

    /** A rule that does not compile; the text is as CEL prints it, with the source and carets. */
    static final class InvalidRuleException extends Exception {
        private static final long serialVersionUID = 1L;
        private final boolean inMessage;

        InvalidRuleException(boolean inMessage, String display) {
            super(display, null, false, false);
            this.inMessage = inMessage;
        }

        /** The messageExpression is at fault, not the rule. */
        boolean inMessage() {
            return inMessage;
        }
    }

    static CompiledRule compile(ValidationRule rule, Scope scope) throws InvalidRuleException {
        boolean optional = Boolean.TRUE.equals(rule.optionalOldSelf());
        boolean old =
                OLD_SELF.matcher(rule.rule() + " " + rule.messageExpression()).find();
        Bound condition = Bound.of("all", rule.rule(), optional, old);
        Expression compiled = compile(condition, scope.conditions, false);
        Expression message = rule.messageExpression().isEmpty()
                ? null
                : compile(Bound.of("map", rule.messageExpression(), optional, old), scope.messages, true);
        return new CompiledRule(rule, compiled, message, old);
    }

    private static Expression compile(Bound bound, Environment environment, boolean inMessage)
            throws InvalidRuleException {
        try {
            return Expression.compile(bound.text(), environment, bound.names());
        } catch (InvalidExpressionException e) {
            throw new InvalidRuleException(inMessage, bound.display(e.problems()));
        }
    }

    /**
     * A source in which self and oldSelf are bound by macros over lists of one item. As variables, their fields would clash
     * with the names of their types; and oldSelf can be an optional in this way.
     */
    private record Bound(String source, String before, String after, Set<String> names) {
        static Bound of(String macro, String source, boolean optional, boolean old) {
            String before = SELF + "." + macro + "(self, ";
            String after = "\n)";
            Set<String> names = old || optional ? Set.of("self", "oldSelf") : Set.of("self");
            if (old || optional) {
                String list = optional ? "[" + HAS_OLD + " ? optional.of(" + OLD + "[0]) : optional.none()]" : OLD;
                before += list + "." + macro + "(oldSelf, ";
                after += ")";
            }
            if (macro.equals("map")) {
                after += old || optional ? "[0][0]" : "[0]";
            }
            return new Bound(source, before + "(", ")" + after, names);
        }

        String text() {
            return before + source + "\n" + after;
        }

        /** The problems as cel-go prints them, placed in the source as the user wrote it. */
        String display(List<Problem> problems) {
            List<String> texts = new ArrayList<>();
            String[] lines = source.split("\n", -1);
            for (Problem problem : problems) {
                int line = problem.line();
                int column = line == 1 ? problem.column() - before.length() : problem.column();
                if (line < 1 || line > lines.length || column < 1) {
                    texts.add("ERROR: " + problem.message());
                } else {
                    texts.add("ERROR: <input>:" + line + ":" + column + ": " + problem.message() + "\n | "
                            + lines[line - 1] + "\n | " + ".".repeat(column - 1) + "^");
                }
            }
            return String.join("\n", texts);
        }
    }

    ValidationRule rule() {
        return rule;
    }

    /** It compares with the old value, and so runs on updates only. */
    boolean transition() {
        return old && !Boolean.TRUE.equals(rule.optionalOldSelf());
    }

    /** It names the old value. */
    boolean old() {
        return old;
    }

    /** What it can cost, if its scope estimates. */
    long cost() {
        return condition.estimate().max();
    }

    /** What its message can cost, if its scope estimates; 0 of a fixed one. */
    long messageCost() {
        return message == null ? 0 : message.estimate().max();
    }

    Budget budget() {
        return condition.budget(CALL_COST);
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
        return Map.of(SELF, List.of(self), OLD, old == null ? List.of() : List.of(old), HAS_OLD, old != null);
    }
}
