package dev.coppice.expression;

import dev.cel.common.ast.CelExpr;
import dev.cel.common.values.CelValue;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.ConcatenatedListView;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A planned program with the types of its variables; runs it within a budget. */
final class Compiled {

    private static final Pattern POSITION = Pattern.compile("^evaluation error(?: at [^:]*:\\d+)?: ");

    private final String source;
    private final CelRuntime.Program program;
    private final Map<String, SchemaType> types;
    private final Set<String> variables;
    private final @Nullable Estimate estimate;

    Compiled(
            String source,
            CelRuntime.Program program,
            Map<String, SchemaType> types,
            Set<String> variables,
            @Nullable Estimate estimate) {
        this.source = source;
        this.program = program;
        this.types = types;
        this.variables = variables;
        this.estimate = estimate;
    }

    @Nullable
    Estimate estimate() {
        return estimate;
    }

    Set<String> variables() {
        return variables;
    }

    Object run(Variables values, Budget budget) throws EvaluationException {
        Meter meter = new Meter(budget);
        budget.begin();
        try {
            return ScopedValue.where(Budget.CURRENT, budget)
                    .call(() -> program.trace(name -> Optional.of(variable(name, values)), meter::visited));
        } catch (CelEvaluationException e) {
            throw new EvaluationException(EvaluationException.Cause.ERROR, message(e), e);
        } catch (Budget.Exhausted e) {
            throw new EvaluationException(
                    e.reason(), "the expression `" + shown() + "` was stopped: " + e.getMessage(), e);
        } catch (StackOverflowError e) {
            throw new EvaluationException(
                    EvaluationException.Cause.COST, "the expression `" + shown() + "` nests too deeply", e);
        }
    }

    private Object variable(String name, Variables values) {
        return Values.adapt(values.get(name), types.getOrDefault(name, SchemaType.ANY));
    }

    EvaluationException wrongResult(String wanted) {
        return new EvaluationException(
                EvaluationException.Cause.ERROR, "the expression `" + shown() + "` did not result in " + wanted, null);
    }

    private String shown() {
        return InvalidExpressionException.abbreviate(source);
    }

    private static String message(CelEvaluationException e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        String plain = POSITION.matcher(message).replaceFirst("");
        return plain.equals("/ by zero") ? "division by zero" : plain;
    }

    /** Charges for every node that was visited and for what it made. */
    private static final class Meter {
        private final Budget budget;
        private @Nullable Map<Object, Long> sizes;

        Meter(Budget budget) {
            this.budget = budget;
        }

        void visited(CelExpr expression, Object value) {
            long units = 1;
            if (value instanceof String text) {
                units += text.length() / 64;
                Budget.checkLength(text.length());
            } else if (value instanceof CelValue || value instanceof ConcatenatedListView<?>) {
                units = 1;
            } else if (value instanceof Collection<?> || value instanceof Map<?, ?>) {
                units += made(expression, value);
            }
            budget.charge(units);
        }

        private long made(CelExpr expression, Object value) {
            long shallow = value instanceof Map<?, ?> map ? map.size() : ((Collection<?>) value).size();
            Budget.checkSize(shallow);
            switch (expression.getKind()) {
                case LIST, MAP, COMPREHENSION -> Budget.checkSize(size(value));
                default -> {}
            }
            return shallow / 8;
        }

        /** Elements counted deeply, each list once for each place where it occurs: what a walk over it would visit. */
        private long size(Object value) {
            Map<Object, Long> known = sizes;
            if (known == null) {
                known = new IdentityHashMap<>();
                sizes = known;
            }
            Long before = known.get(value);
            if (before != null) {
                return before;
            }
            long size = 1;
            Collection<?> elements = value instanceof Map<?, ?> map ? map.values() : (Collection<?>) value;
            for (Object element : elements) {
                boolean nested = !(element instanceof CelValue)
                        && (element instanceof Collection<?> || element instanceof Map<?, ?>);
                size += nested ? size(element) : 1;
                Budget.checkSize(size);
            }
            known.put(value, size);
            return size;
        }
    }
}
