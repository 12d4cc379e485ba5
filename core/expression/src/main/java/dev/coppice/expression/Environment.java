package dev.coppice.expression;

import dev.coppice.kernel.Clock;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an expression may use and what it has to result in. Immutable; the with-methods copy. Safe for use by many
 * threads. Keep one and compile many expressions with it: what it costs to build the compiler is paid once, at the first.
 */
public final class Environment {

    private static final Environment EMPTY =
            new Environment(Map.of(), ValueType.ANY, Limits.DEFAULT, Clock.system(), false, null);

    private final Map<String, ValueType> variables;
    private final ValueType result;
    private final Limits limits;
    private final Clock clock;
    private final boolean constructs;
    private final CostEstimator.@Nullable Sizes sizes;
    private volatile @Nullable Compiler compiler;

    private Environment(
            Map<String, ValueType> variables,
            ValueType result,
            Limits limits,
            Clock clock,
            boolean constructs,
            CostEstimator.@Nullable Sizes sizes) {
        this.variables = Collections.unmodifiableMap(variables);
        this.result = result;
        this.limits = limits;
        this.clock = clock;
        this.constructs = constructs;
        this.sizes = sizes;
    }

    /** No variables, any result, default limits, the machine's clock. */
    public static Environment empty() {
        return EMPTY;
    }

    /** Booleans over the named variables, of any type: what assertions, filters and conditions need. */
    public static Environment assertion(String... variables) {
        Environment environment = EMPTY.withResult(ValueType.BOOL);
        for (String variable : variables) {
            environment = environment.withVariable(variable);
        }
        return environment;
    }

    /** Declares a variable of any type. */
    public Environment withVariable(String name) {
        return withVariable(name, ValueType.ANY);
    }

    /** Declares a variable; a name may have dots, as in {@code response.status}. */
    public Environment withVariable(String name, ValueType type) {
        Map<String, ValueType> more = new LinkedHashMap<>(variables);
        more.put(name, type);
        return new Environment(more, result, limits, clock, constructs, sizes);
    }

    /** What expressions have to result in; one of another type does not compile. */
    public Environment withResult(ValueType result) {
        return new Environment(variables, result, limits, clock, constructs, sizes);
    }

    public Environment withLimits(Limits limits) {
        return new Environment(variables, result, limits, clock, constructs, sizes);
    }

    /** The clock by which the time limit is measured. */
    public Environment withClock(Clock clock) {
        return new Environment(variables, result, limits, clock, constructs, sizes);
    }

    /**
     * Lets expressions construct {@code Object{…}}, its parts such as {@code Object.spec{…}}, and {@code JSONPatch{op: …, path: …,
     * from: …, value: …}}, as in Kubernetes' mutating policies, and use {@code jsonpatch.escapeKey}.
     */
    public Environment constructing() {
        return new Environment(variables, result, limits, clock, true, sizes);
    }

    /**
     * Lets {@link Expression#estimate} say what expressions can cost at most.
     *
     * @param values the schema whose values all variables have
     */
    public Environment estimating(SchemaSize values) {
        return estimating(CostEstimator.Sizes.of(values));
    }

    Environment estimating(CostEstimator.Sizes values) {
        return new Environment(variables, result, limits, clock, constructs, values);
    }

    CostEstimator.@Nullable Sizes sizes() {
        return sizes;
    }

    boolean constructs() {
        return constructs;
    }

    public Map<String, ValueType> variables() {
        return variables;
    }

    public ValueType result() {
        return result;
    }

    public Limits limits() {
        return limits;
    }

    Clock clock() {
        return clock;
    }

    /** The compiler, built at the first use: the CEL library is big and is not loaded before. */
    Compiler compiler() {
        Compiler known = compiler;
        if (known == null) {
            synchronized (this) {
                known = compiler;
                if (known == null) {
                    known = new Compiler(this);
                    compiler = known;
                }
            }
        }
        return known;
    }
}
