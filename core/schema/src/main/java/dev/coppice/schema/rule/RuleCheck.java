package dev.coppice.schema.rule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.expression.Estimate;
import dev.coppice.expression.SchemaSize;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.ValidationRule;
import dev.coppice.schema.Values;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Checks the rules of a CustomResourceDefinition before it is stored: they compile, ask for old values only where there can be
 * any, and cannot cost too much for one object, be it as big as a request can be. As Kubernetes 1.32
 * (apiextensions/validation/validation.go and cel_validation.go). For one thread.
 */
public final class RuleCheck {
    private final RuleCosts costs;
    private final Map<ObjectNode, Checked> known = new HashMap<>();
    private final List<Cause> causes = new ArrayList<>();

    /** The rules of one schema, and how big values of it can be; null when they are not typed. */
    private record Checked(List<Outcome> outcomes, @Nullable SchemaSize size) {
        static Checked of(Schema schema) {
            SchemaSize size = CompiledRule.Scope.size(schema);
            CompiledRule.Scope scope =
                    size == null ? CompiledRule.Scope.of(schema) : CompiledRule.Scope.estimating(schema, size);
            return new Checked(Outcome.all(schema, scope), size);
        }
    }

    /**
     * Where a schema stands.
     *
     * @param path such as {@code spec.validation.openAPIV3Schema}
     * @param times how often one object can have values of it, null when no schema above says so
     * @param uncorrelated the list around it whose items have no known old value, null if there is none
     */
    private record Place(
            String path, @Nullable Long times, @Nullable String uncorrelated) {
        Place child(String step, @Nullable Long elements, boolean correlated) {
            Long product = times == null || elements == null ? null : Estimate.product(times, elements);
            return new Place(path + step, product, uncorrelated != null || correlated ? uncorrelated : path);
        }
    }

    private RuleCheck(boolean unchanged) {
        this.costs = new RuleCosts(unchanged);
    }

    /**
     * Checks all rules of a schema.
     *
     * @param path the place of the schema, such as {@code spec.validation.openAPIV3Schema}
     * @param unchanged whether the schema is stored already: then single rules may cost too much, since what was taken
     *     by an earlier version stays valid, but not all together
     */
    public static List<Cause> check(Schema schema, String path, boolean unchanged) {
        RuleCheck check = new RuleCheck(unchanged);
        check.schema(schema, new Place(path, 1L, null));
        check.costs.total(path, check.causes);
        return List.copyOf(check.causes);
    }

    private void schema(Schema schema, Place place) {
        if (!schema.rules().isEmpty()) {
            Checked checked = known.get(schema.json());
            if (checked == null) {
                checked = Checked.of(schema);
                known.put(schema.json(), checked);
            }
            for (int i = 0; i < checked.outcomes().size(); i++) {
                Outcome outcome = checked.outcomes().get(i);
                if (!outcome.rule().rule().isBlank()) {
                    rule(outcome, checked.size(), place, place.path() + ".x-kubernetes-validations[" + i + "]");
                }
            }
        }
        Long elements = elements(schema);
        schema.properties().forEach((name, property) -> {
            if (!name.equals("metadata") || !schema.resourceRoot()) {
                schema(property, place.child(".properties[" + name + "]", elements, true));
            }
        });
        if (schema.items() instanceof Schema items) {
            schema(items, place.child(".items", elements, schema.listType().equals("map")));
        }
        if (schema.additionalProperties() instanceof Schema values) {
            schema(values, place.child(".additionalProperties", elements, true));
        }
    }

    /** How many values a value of the schema has at most; null if it says nothing of it. */
    private static @Nullable Long elements(Schema schema) {
        return switch (schema.type()) {
            case "array" -> limit(schema, "maxItems");
            case "object" ->
                schema.json().has("additionalProperties") ? limit(schema, "maxProperties") : Long.valueOf(1);
            default -> 1L;
        };
    }

    private static @Nullable Long limit(Schema schema, String keyword) {
        return schema.json().path(keyword).isNumber()
                ? Math.max(0, schema.json().path(keyword).asLong())
                : null;
    }

    private void rule(Outcome outcome, @Nullable SchemaSize size, Place place, String at) {
        ValidationRule rule = outcome.rule();
        CompiledRule compiled = outcome.compiled();
        if (outcome.problem() instanceof CompiledRule.InvalidRuleException problem) {
            String part = problem.inMessage() ? ".messageExpression" : ".rule";
            String what = problem.inMessage() ? "messageExpression compilation failed: " : "compilation failed: ";
            causes.add(Cause.invalidShown(at + part, goSyntax(rule), what + problem.getMessage()));
        }
        if (compiled == null) {
            return;
        }
        if (size != null) {
            long times = place.times() == null ? size.perRequest() : place.times();
            costs.add("estimated rule cost", at + ".rule", Estimate.product(compiled.cost(), times), causes);
            // Kubernetes counts a message once, wherever its rule stands.
            costs.add("estimated messageExpression cost", at + ".messageExpression", compiled.messageCost(), causes);
        }
        if (compiled.old() && place.uncorrelated() != null) {
            causes.add(Cause.invalid(
                    at + ".rule",
                    rule.rule(),
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within "
                            + place.uncorrelated()));
        } else if (!compiled.old() && rule.optionalOldSelf() != null) {
            causes.add(Cause.invalidShown(
                    at + ".optionalOldSelf",
                    rule.optionalOldSelf().toString(),
                    "may not be set if oldSelf is not used in rule"));
        }
    }

    private static String goSyntax(ValidationRule rule) {
        String reason = rule.reason().isEmpty()
                ? "(*apiextensions.FieldValueErrorReason)(nil)"
                : "(*apiextensions.FieldValueErrorReason)(0xc000000000)";
        String optional = rule.optionalOldSelf() == null ? "(*bool)(nil)" : "(*bool)(0xc000000000)";
        return "apiextensions.ValidationRule{Rule:" + Values.quote(rule.rule()) + ", Message:"
                + Values.quote(rule.message()) + ", MessageExpression:" + Values.quote(rule.messageExpression())
                + ", Reason:" + reason + ", FieldPath:" + Values.quote(rule.fieldPath()) + ", OptionalOldSelf:"
                + optional + "}";
    }
}
