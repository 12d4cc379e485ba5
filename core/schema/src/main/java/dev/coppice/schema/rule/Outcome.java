package dev.coppice.schema.rule;

import dev.coppice.schema.Schema;
import dev.coppice.schema.ValidationRule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A rule that compiled, or why it did not: then the definition should have been refused, and values are. Both, when it is the expression of its
 * message that did not.
 */
record Outcome(
        ValidationRule rule, @Nullable CompiledRule compiled, CompiledRule.@Nullable InvalidRuleException problem) {

    /** All rules of one schema. */
    static List<Outcome> all(Schema schema, CompiledRule.Scope scope) {
        List<Outcome> outcomes = new ArrayList<>();
        for (ValidationRule rule : schema.rules()) {
            outcomes.add(of(rule, scope));
        }
        return List.copyOf(outcomes);
    }

    private static Outcome of(ValidationRule rule, CompiledRule.Scope scope) {
        try {
            return new Outcome(rule, CompiledRule.compile(rule, scope), null);
        } catch (CompiledRule.InvalidRuleException e) {
            CompiledRule condition =
                    e.inMessage() ? of(withoutMessage(rule), scope).compiled() : null;
            return new Outcome(rule, condition, e);
        }
    }

    private static ValidationRule withoutMessage(ValidationRule rule) {
        return new ValidationRule(
                rule.rule(), rule.message(), "", rule.reason(), rule.fieldPath(), rule.optionalOldSelf());
    }
}
