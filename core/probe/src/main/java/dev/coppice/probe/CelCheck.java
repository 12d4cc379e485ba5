package dev.coppice.probe;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.expression.Environment;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import org.jspecify.annotations.Nullable;

/** CEL over an answer. The library loads with the first expression. */
final class CelCheck {
    private CelCheck() {}

    private static final class Loaded {
        static final Environment ENVIRONMENT = Environment.assertion(
                "response.status",
                "response.headers",
                "response.body",
                "response.json",
                "response.durationSeconds",
                "response.httpVersion");
    }

    /**
     * Compiles.
     *
     * @throws IllegalArgumentException in words for the user
     */
    static AssertionSet.Check compile(String cel) {
        Expression expression;
        try {
            expression = Expression.compile(cel, Loaded.ENVIRONMENT);
        } catch (InvalidExpressionException e) {
            throw new IllegalArgumentException("\"" + cel + "\" is no CEL expression here: " + e.getMessage(), e);
        }
        boolean json = expression.uses("response.json");
        return answer -> {
            var tree = json ? answer.json() : null;
            try {
                if (!expression.test(name -> variable(name, answer, tree), expression.budget())) {
                    throw new AssertionSet.Unmet("not true: " + cel);
                }
            } catch (EvaluationException e) {
                throw new AssertionSet.Unmet("cannot evaluate " + cel + ": " + e.getMessage());
            }
        };
    }

    private static @Nullable Object variable(String name, AssertionSet.Answer answer, @Nullable JsonNode tree) {
        return switch (name) {
            case "response.status" -> (long) answer.status();
            case "response.headers" -> answer.headers();
            case "response.body" -> answer.text();
            case "response.json" -> tree;
            case "response.durationSeconds" -> answer.durationSeconds();
            case "response.httpVersion" -> answer.version();
            default -> null;
        };
    }
}
