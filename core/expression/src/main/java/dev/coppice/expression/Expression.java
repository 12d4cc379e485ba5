package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A compiled CEL expression (Common Expression Language, https://cel.dev) with the function libraries of Kubernetes.
 * Immutable and safe for use by many threads: compile once, evaluate often. Evaluation has no side effects, and always
 * ends: it is bounded in cost and time by the {@link Limits} of its environment.
 */
public final class Expression {

    private final String source;
    private final Environment environment;
    private final Compiled compiled;

    private Expression(String source, Environment environment, Compiled compiled) {
        this.source = source;
        this.environment = environment;
        this.compiled = compiled;
    }

    /**
     * Compiles.
     *
     * @throws InvalidExpressionException with all that is wrong
     */
    public static Expression compile(String source, Environment environment) throws InvalidExpressionException {
        return compile(source, environment, Set.of());
    }

    /**
     * Compiles an expression that is wrapped into macros.
     *
     * @param bound names that its outermost macros bind, of all() over a list or of map(); what these cost is no part of the
     *     {@link #estimate}
     * @throws InvalidExpressionException with all that is wrong
     */
    public static Expression compile(String source, Environment environment, Set<String> bound)
            throws InvalidExpressionException {
        return new Expression(source, environment, environment.compiler().compile(source, bound));
    }

    public String source() {
        return source;
    }

    public Environment environment() {
        return environment;
    }

    /** Whether the expression reads this variable, so that callers need not make the others. */
    public boolean uses(String variable) {
        return compiled.variables().contains(variable);
    }

    /**
     * What one evaluation can cost, in cost units as Kubernetes counts them when it refuses expressions: not quite those of a
     * {@link Budget}, which counts as it goes.
     *
     * @throws IllegalStateException when the environment does not let it be {@linkplain Environment#estimating estimated}
     */
    public Estimate estimate() {
        Estimate estimate = compiled.estimate();
        if (estimate == null) {
            throw new IllegalStateException("the environment knows no sizes to estimate with");
        }
        return estimate;
    }

    /** A budget as the environment's limits say, starting now. */
    public Budget budget() {
        return Budget.start(environment.limits().cost(), environment.limits().time(), environment.clock());
    }

    /** The same, in which one evaluation may cost {@code call} at most. */
    public Budget budget(long call) {
        return Budget.start(
                environment.limits().cost(), call, environment.limits().time(), environment.clock());
    }

    /** Evaluates; see {@link #evaluate(Variables, Budget)}. A variable without a value is null. */
    public @Nullable Object evaluate(Map<String, ?> variables) throws EvaluationException {
        return evaluate(Variables.of(variables), budget());
    }

    /**
     * Evaluates to Java: Boolean, Long, Double, String, byte[], Instant, Duration, BigInteger (for unsigned integers),
     * List, Map (unmodifiable), a JsonNode for a part of a JSON tree that was given, or null.
     *
     * @throws EvaluationException when it fails on this input or hits a limit
     */
    public @Nullable Object evaluate(Variables variables, Budget budget) throws EvaluationException {
        return Values.toJava(compiled.run(variables, budget));
    }

    /** Evaluates to JSON; timestamps and durations become strings as CEL's JSON mapping writes them. */
    public JsonNode evaluateToJson(Variables variables, Budget budget) throws EvaluationException {
        return Values.toJson(compiled.run(variables, budget));
    }

    /**
     * Evaluates to JSON that the expression constructs (see {@link Environment#constructing}).
     *
     * @throws MismatchedTypeException when a part has the type of another place
     */
    public JsonNode construct(Variables variables, Budget budget) throws EvaluationException, MismatchedTypeException {
        Object value = compiled.run(variables, budget);
        List<String> mismatches = Constructions.mismatches(value);
        if (!mismatches.isEmpty()) {
            throw new MismatchedTypeException("type mismatch: " + String.join("\n", mismatches));
        }
        return Values.toJson(value);
    }

    /** Evaluates a condition. Throws when the result is no boolean. */
    public boolean test(Map<String, ?> variables) throws EvaluationException {
        return test(Variables.of(variables), budget());
    }

    public boolean test(Variables variables, Budget budget) throws EvaluationException {
        if (compiled.run(variables, budget) instanceof Boolean answer) {
            return answer;
        }
        throw compiled.wrongResult("a boolean");
    }

    /** Evaluates a text, such as a message. Throws when the result is no string. */
    public String text(Variables variables, Budget budget) throws EvaluationException {
        if (compiled.run(variables, budget) instanceof String text) {
            return text;
        }
        throw compiled.wrongResult("a string");
    }

    @Override
    public String toString() {
        return source;
    }
}
