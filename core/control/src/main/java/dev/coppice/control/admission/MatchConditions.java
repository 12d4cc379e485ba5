package dev.coppice.control.admission;

import dev.coppice.control.resource.PolicyExpressions;
import dev.coppice.expression.Budget;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.Variables;
import java.util.List;

/** Conditions that all have to hold for a policy or a webhook to be asked. */
final class MatchConditions {
    private MatchConditions() {}

    /** Conditions that could not be evaluated. */
    static final class ConditionException extends Exception {
        private static final long serialVersionUID = 1L;

        ConditionException(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * Whether all hold; one that is false outweighs one that fails.
     *
     * @throws ConditionException when none is false, but one could not be evaluated
     */
    static boolean hold(List<Expression> conditions, Variables variables, Budget budget) throws ConditionException {
        String failure = null;
        for (Expression condition : conditions) {
            try {
                if (!condition.test(variables, budget)) {
                    return false;
                }
            } catch (EvaluationException e) {
                failure = failure == null ? PolicyExpressions.failure(condition, e) : failure;
            }
        }
        if (failure != null) {
            throw new ConditionException(failure);
        }
        return true;
    }
}
