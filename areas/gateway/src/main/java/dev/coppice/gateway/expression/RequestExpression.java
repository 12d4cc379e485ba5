package dev.coppice.gateway.expression;

import dev.coppice.expression.Environment;
import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.Expression;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Limits;
import dev.coppice.expression.ValueType;
import dev.coppice.expression.Variables;
import java.time.Duration;
import java.util.Map;

/**
 * A CEL expression over a request: {@code request.method}, {@code request.scheme}, {@code request.host} (lower case, no port), {@code
 * request.path} (in normal form), {@code request.query} (as it was sent), {@code request.headers} (a map; names in lower case, several
 * of a name joined by commas) and {@code source.address}; and of who sends it {@code auth.method} ({@code APIKey}, {@code Basic}, {@code JWT};
 * empty for nobody), {@code auth.name} (of the method in its policy), {@code auth.subject} and {@code auth.claims} (a map). It runs on an event loop, so it may cost little: {@value #MOST_CHARACTERS}
 * characters, {@value #MOST_COST} cost units, 5 ms. One over an {@link #outcome} also has {@code response.code}, {@code response.millis} (from the
 * request's head to the answer's end), {@code response.bytes} (of the body), {@code request.bytes} (of that of the request), {@code response.reason} (the word that access logs have for why it was refused or broke off; empty for none) and
 * {@code route.name} ({@code NAMESPACE/NAME}; empty for none). Immutable, safe for use by many threads.
 */
public final class RequestExpression {
    private static final int MOST_CHARACTERS = 1024;
    private static final int MOST_NODES = 300;
    private static final int MOST_COST = 2000;

    /** The CEL library loads with the first expression. */
    private static final class Loaded {
        private static final Environment REQUEST = Environment.empty()
                .withVariable("request.method", ValueType.STRING)
                .withVariable("request.scheme", ValueType.STRING)
                .withVariable("request.host", ValueType.STRING)
                .withVariable("request.path", ValueType.STRING)
                .withVariable("request.query", ValueType.STRING)
                .withVariable("request.headers", ValueType.mapOf(ValueType.STRING))
                .withVariable("source.address", ValueType.STRING)
                .withVariable("auth.method", ValueType.STRING)
                .withVariable("auth.name", ValueType.STRING)
                .withVariable("auth.subject", ValueType.STRING)
                .withVariable("auth.claims", ValueType.mapOf(ValueType.ANY))
                .withLimits(new Limits(MOST_CHARACTERS, MOST_NODES, MOST_COST, Duration.ofMillis(5)));
        static final Environment CONDITION = REQUEST.withResult(ValueType.BOOL);
        static final Environment OUTCOME = CONDITION
                .withVariable("response.code", ValueType.INT)
                .withVariable("response.millis", ValueType.INT)
                .withVariable("response.bytes", ValueType.INT)
                .withVariable("response.reason", ValueType.STRING)
                .withVariable("request.bytes", ValueType.INT)
                .withVariable("route.name", ValueType.STRING);
        static final Environment TEXT = REQUEST.withResult(ValueType.STRING);
    }

    private final Expression expression;

    private RequestExpression(Expression expression) {
        this.expression = expression;
        try {
            // What the first evaluation loads is not loaded on an event loop.
            Object _ = expression.evaluate(RequestExpression::ofNoRequest, expression.budget());
        } catch (EvaluationException e) {
            // It fails without a request, as it well may.
        }
    }

    private static Object ofNoRequest(String variable) {
        return switch (variable) {
            case "request.headers", "auth.claims" -> Map.of();
            case "response.code", "response.millis", "response.bytes", "request.bytes" -> 0L;
            default -> "";
        };
    }

    /**
     * Compiles a condition.
     *
     * @throws InvalidExpressionException with all that is wrong
     */
    public static RequestExpression condition(String cel) throws InvalidExpressionException {
        return new RequestExpression(Expression.compile(cel, Loaded.CONDITION));
    }

    /**
     * Compiles a condition over a request that is over.
     *
     * @throws InvalidExpressionException with all that is wrong
     */
    public static RequestExpression outcome(String cel) throws InvalidExpressionException {
        return new RequestExpression(Expression.compile(cel, Loaded.OUTCOME));
    }

    /**
     * Compiles an expression that makes a text.
     *
     * @throws InvalidExpressionException with all that is wrong
     */
    public static RequestExpression text(String cel) throws InvalidExpressionException {
        return new RequestExpression(Expression.compile(cel, Loaded.TEXT));
    }

    /** Evaluates a condition. */
    public boolean test(Variables request) throws EvaluationException {
        return expression.test(request, expression.budget());
    }

    /** Evaluates to a text. */
    public String text(Variables request) throws EvaluationException {
        return expression.text(request, expression.budget());
    }
}
