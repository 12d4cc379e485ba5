package dev.coppice.expression;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.ast.CelReference;
import dev.cel.common.types.CelKind;
import dev.cel.common.types.CelType;
import dev.cel.common.types.SimpleType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Estimates what an evaluation can cost, from the checked syntax tree and the sizes that values can have: as Kubernetes 1.32 does, that is
 * cel-go 0.22 (checker/cost.go) where presence tests are free. A constant costs nothing, a name or a selected field one unit, a list 10,
 * a map 30, an object 40, a call one unless more is known of it; what a macro does for each element costs as often as there can
 * be elements.
 *
 * <p>A value is known by its path from a variable, so that its size can be looked up in a schema. A value that was computed
 * has none but that of the function that made it. Where cel-go's rules are odd (the path of what is
 * selected from a computed value has no variable and so is looked up in the schema itself) they are kept: what
 * Kubernetes takes has to be taken.
 */
final class CostEstimator {

    private static final Estimate LIST = Estimate.exactly(10);
    private static final Estimate MAP = Estimate.exactly(30);
    private static final Estimate OBJECT = Estimate.exactly(40);
    private static final String ACCUMULATOR = "@result";
    private static final String INDEX = "_[_]";

    /** What the macros of optionals bind their target to; cel-go 0.22 repeats the target instead. */
    private static final String TARGET = "@target";

    /** What is known of the sizes of values. */
    @FunctionalInterface
    interface Sizes {
        /**
         * The size of a value, null if not known.
         *
         * @param path from a variable; empty of what was computed
         */
        @Nullable
        Estimate of(List<String> path, CelType type);

        /** Those of a schema, of which all variables are. */
        static Sizes of(SchemaSize schema) {
            return (path, _) -> {
                SchemaSize size = path.isEmpty() ? null : schema.at(path.subList(1, path.size()));
                return size == null ? null : Estimate.upTo(size.most());
            };
        }
    }

    /**
     * A part of an expression.
     *
     * @param computed the size that follows from the expression alone
     */
    record Value(
            List<String> path,
            CelType type,
            @Nullable CelExpr expression,
            @Nullable Estimate computed) {}

    /**
     * What a call costs and how big its result is, null where no more is known than what its type says.
     */
    record Call(Estimate cost, @Nullable Estimate size) {}

    /** A target and its cost, which is reckoned once: targets of targets would double it each time. */
    private record Target(CelExpr expression, Estimate cost) {}

    private final CelAbstractSyntaxTree tree;
    private final Sizes sizes;
    private final FunctionCosts functions;
    private final Map<Long, List<String>> paths = new HashMap<>();
    private final Map<Long, Estimate> computed = new HashMap<>();
    private final Map<String, List<String>> names = new HashMap<>();
    private final Deque<Target> targets = new ArrayDeque<>();

    private CostEstimator(CelAbstractSyntaxTree tree, Sizes sizes) {
        this.tree = tree;
        this.sizes = sizes;
        this.functions = new FunctionCosts(sizes);
    }

    /**
     * The cost of an expression.
     *
     * @param bound names that its outermost macros bind; what is estimated is what stands within these
     */
    static Estimate of(CelAbstractSyntaxTree tree, Sizes sizes, Set<String> bound) {
        return new CostEstimator(tree, sizes).cost(body(tree.getExpr(), bound));
    }

    private static CelExpr body(CelExpr whole, Set<String> bound) {
        Set<String> left = new HashSet<>(bound);
        CelExpr body = whole;
        while (!left.isEmpty() && isCall(body, INDEX)) {
            body = body.call().args().getFirst();
        }
        while (body.getKind() == CelExpr.ExprKind.Kind.COMPREHENSION
                && left.remove(body.comprehension().iterVar())) {
            // `accumulator && body` of all(), `accumulator + [body]` of map()
            CelExpr added = body.comprehension().loopStep().call().args().getLast();
            body = added.getKind() == CelExpr.ExprKind.Kind.LIST
                    ? added.list().elements().getFirst()
                    : added;
        }
        return body;
    }

    private static boolean isCall(CelExpr expression, String function) {
        return expression.getKind() == CelExpr.ExprKind.Kind.CALL
                && expression.call().function().equals(function);
    }

    private Estimate cost(CelExpr expression) {
        return switch (expression.getKind()) {
            case CONSTANT, NOT_SET -> Estimate.ZERO;
            case IDENT -> identifier(expression);
            case SELECT -> select(expression);
            case CALL -> call(expression);
            case LIST -> costs(expression.list().elements()).plus(LIST);
            case MAP -> {
                Estimate sum = MAP;
                for (CelExpr.CelMap.Entry entry : expression.map().entries()) {
                    sum = sum.plus(cost(entry.key())).plus(cost(entry.value()));
                }
                yield sum;
            }
            case STRUCT -> {
                Estimate sum = OBJECT;
                for (CelExpr.CelStruct.Entry entry : expression.struct().entries()) {
                    sum = sum.plus(cost(entry.value()));
                }
                yield sum;
            }
            case COMPREHENSION -> comprehension(expression);
        };
    }

    private Estimate costs(List<CelExpr> expressions) {
        Estimate sum = Estimate.ZERO;
        for (CelExpr each : expressions) {
            sum = sum.plus(cost(each));
        }
        return sum;
    }

    private Estimate identifier(CelExpr expression) {
        String name = expression.ident().name();
        if (name.equals(TARGET) && !targets.isEmpty()) {
            same(expression, targets.getFirst().expression());
            return targets.getFirst().cost();
        }
        paths.put(expression.id(), names.getOrDefault(name, List.of(name)));
        return Estimate.ONE;
    }

    private void same(CelExpr expression, CelExpr other) {
        paths.put(expression.id(), path(other));
        Estimate size = computed(other);
        if (size != null) {
            computed.put(expression.id(), size);
        }
    }

    private Estimate select(CelExpr expression) {
        CelExpr.CelSelect select = expression.select();
        Estimate operand = cost(select.operand());
        if (select.testOnly()) {
            return operand;
        }
        paths.put(expression.id(), step(path(select.operand()), select.field()));
        return switch (type(select.operand()).kind()) {
            case MAP, STRUCT, TYPE_PARAM -> operand.plus(Estimate.ONE);
            default -> operand;
        };
    }

    private Estimate comprehension(CelExpr expression) {
        CelExpr.CelComprehension macro = expression.comprehension();
        if (macro.accuVar().equals(TARGET)) {
            targets.push(new Target(macro.accuInit(), cost(macro.accuInit())));
            Estimate cost = cost(macro.result());
            targets.pop();
            same(expression, macro.result());
            return cost;
        }
        Estimate once = cost(macro.iterRange()).plus(cost(macro.accuInit()));
        List<String> range = path(macro.iterRange());
        CelKind kind = type(macro.iterRange()).kind();
        boolean pairs = !macro.iterVar2().isEmpty();
        Map<String, List<String>> outside = new HashMap<>(names);
        if (kind == CelKind.MAP) {
            names.put(macro.iterVar(), step(range, "@keys"));
            names.put(macro.iterVar2(), step(range, "@values"));
        } else if (kind == CelKind.LIST) {
            names.put(macro.iterVar(), step(range, pairs ? "@indices" : "@items"));
            names.put(macro.iterVar2(), step(range, "@items"));
        } else {
            names.put(macro.iterVar(), List.of());
            names.put(macro.iterVar2(), List.of());
        }
        Estimate each = cost(macro.loopCondition()).plus(cost(macro.loopStep()));
        names.clear();
        names.putAll(outside);
        once = once.plus(cost(macro.result()));
        Estimate elements = size(value(macro.iterRange()));
        computed.put(expression.id(), elements);
        return once.plus(elements.times(each));
    }

    private Estimate call(CelExpr expression) {
        CelExpr.CelCall call = expression.call();
        List<Estimate> costs = new ArrayList<>();
        List<Value> arguments = new ArrayList<>();
        for (CelExpr argument : call.args()) {
            costs.add(cost(argument));
            arguments.add(value(argument));
        }
        Estimate before = Estimate.ZERO;
        Value target = null;
        if (call.target().isPresent()) {
            before = cost(call.target().get());
            target = value(call.target().get());
        }
        List<String> overloads = tree.getReference(expression.id())
                .<List<String>>map(CelReference::overloadIds)
                .orElse(List.of());
        // Which of the overloads is meant may only be known when it runs: the range has all of them.
        Estimate cost = null;
        Estimate size = null;
        for (String overload : overloads) {
            Call made = made(call.function(), overload, target, arguments, costs);
            cost = cost == null ? made.cost() : cost.or(made.cost());
            if (made.size() != null) {
                size = size == null ? made.size() : size.or(made.size());
            }
            remember(expression, call, overload);
        }
        if (size != null) {
            computed.put(expression.id(), size);
        }
        return cost == null ? Estimate.ZERO : before.plus(cost);
    }

    private void remember(CelExpr expression, CelExpr.CelCall call, String overload) {
        switch (overload) {
            case "index_list" ->
                paths.put(expression.id(), step(path(call.args().getFirst()), "@items"));
            case "index_map" -> paths.put(expression.id(), step(path(call.args().getFirst()), "@values"));
            default -> {}
        }
    }

    /** One overload, with its arguments. */
    private Call made(
            String function, String overload, @Nullable Value target, List<Value> arguments, List<Estimate> costs) {
        Call special = functions.of(function, overload, target, arguments);
        if (special == null) {
            special = standard(overload, target, arguments);
        }
        if (special != null) {
            Estimate cost = special.cost();
            for (Estimate argument : costs) {
                cost = cost.plus(argument);
            }
            return new Call(cost, special.size());
        }
        return switch (overload) {
            case "logical_and", "logical_or" ->
                new Call(
                        new Estimate(
                                costs.get(0).min(),
                                costs.get(0).plus(costs.get(1)).max()),
                        null);
            case "conditional" ->
                new Call(
                        costs.get(0).plus(costs.get(1).or(costs.get(2))),
                        size(arguments.get(1)).or(size(arguments.get(2))));
            default -> throw new IllegalStateException("no cost is known of " + overload);
        };
    }

    /** Functions of CEL itself, without their arguments; null of those that do not evaluate all of them. */
    private @Nullable Call standard(String overload, @Nullable Value target, List<Value> arguments) {
        return switch (overload) {
            case "logical_and", "logical_or", "conditional" -> null;
            case "string_format_list" -> target == null ? one() : new Call(traversal(target), null);
            case "string_to_bytes" -> {
                Estimate size = size(arguments.getFirst());
                yield new Call(size.times(FunctionCosts.TRAVERSAL), new Estimate(size.min(), size.max() * 4));
            }
            case "bytes_to_string" -> {
                Estimate size = size(arguments.getFirst());
                yield new Call(
                        size.times(FunctionCosts.TRAVERSAL),
                        new Estimate(Long.divideUnsigned(size.min(), 4), size.max()));
            }
            case "strings_quote" -> {
                Estimate size = size(arguments.getFirst());
                yield new Call(size.times(FunctionCosts.TRAVERSAL), new Estimate(size.min() + 2, size.max() * 2 + 2));
            }
            case "starts_with_string", "ends_with_string" -> new Call(traversal(arguments.getFirst()), null);
            case "in_list" -> new Call(size(arguments.getLast()).times(1.0), null);
            case "matches_string" -> target == null ? one() : new Call(matching(target, arguments.getFirst()), null);
            case "contains_string" ->
                target == null ? one() : new Call(traversal(target).times(traversal(arguments.getFirst())), null);
            case "add_string", "add_bytes", "add_list" -> {
                Estimate size = size(arguments.getFirst()).plus(size(arguments.getLast()));
                yield new Call(overload.equals("add_list") ? Estimate.ONE : size.times(FunctionCosts.TRAVERSAL), size);
            }
            case "less_string",
                    "greater_string",
                    "less_equals_string",
                    "greater_equals_string",
                    "less_bytes",
                    "greater_bytes",
                    "less_equals_bytes",
                    "greater_equals_bytes",
                    "equals",
                    "not_equals" -> new Call(comparison(arguments.getFirst(), arguments.getLast()), null);
            default -> one();
        };
    }

    private static Call one() {
        return new Call(Estimate.ONE, null);
    }

    private Estimate traversal(Value value) {
        return size(value).times(FunctionCosts.TRAVERSAL);
    }

    private Estimate matching(Value text, Value pattern) {
        Estimate pass = size(text).plus(Estimate.ONE).times(FunctionCosts.TRAVERSAL);
        return pass.times(size(pattern).times(FunctionCosts.PATTERN));
    }

    /** Values are compared up to the end of the smaller one. */
    private Estimate comparison(Value left, Value right) {
        long a = size(left).max();
        long b = size(right).max();
        long smaller = Long.compareUnsigned(a, b) <= 0 ? a : b;
        return new Estimate(smaller == 0 ? 0 : 1, smaller).times(FunctionCosts.TRAVERSAL);
    }

    private Value value(CelExpr expression) {
        List<String> path = path(expression);
        boolean accumulated = !path.isEmpty() && path.getFirst().equals(ACCUMULATOR);
        return new Value(accumulated ? List.of() : path, type(expression), expression, computed(expression));
    }

    private Estimate size(Value value) {
        if (value.computed() != null) {
            return value.computed();
        }
        Estimate known = sizes.of(value.path(), value.type());
        if (known != null) {
            return known;
        }
        return switch (value.type().kind()) {
            case BOOL, DOUBLE, DURATION, INT, TIMESTAMP, UINT -> Estimate.ONE;
            default -> Estimate.UNKNOWN;
        };
    }

    private @Nullable Estimate computed(CelExpr expression) {
        Estimate known = computed.get(expression.id());
        if (known != null) {
            return known;
        }
        return switch (expression.getKind()) {
            case CONSTANT -> Estimate.exactly(length(expression.constant()));
            case LIST -> Estimate.exactly(expression.list().elements().size());
            case MAP -> Estimate.exactly(expression.map().entries().size());
            default -> null;
        };
    }

    private static long length(CelConstant constant) {
        return switch (constant.getKind()) {
            case STRING_VALUE ->
                constant.stringValue().codePointCount(0, constant.stringValue().length());
            case BYTES_VALUE -> constant.bytesValue().size();
            default -> 1;
        };
    }

    private CelType type(CelExpr expression) {
        return tree.getType(expression.id()).orElse(SimpleType.DYN);
    }

    private List<String> path(CelExpr expression) {
        return paths.getOrDefault(expression.id(), List.of());
    }

    static List<String> step(List<String> path, String step) {
        List<String> longer = new ArrayList<>(path);
        longer.add(step);
        return List.copyOf(longer);
    }
}
