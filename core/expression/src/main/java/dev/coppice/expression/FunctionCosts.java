package dev.coppice.expression;

import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.types.CelKind;
import dev.cel.common.types.CelType;
import dev.coppice.expression.CostEstimator.Call;
import dev.coppice.expression.CostEstimator.Value;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What calls of the functions cost that Kubernetes adds to CEL, without their arguments, by the sizes of these: as Kubernetes 1.32
 * says it (apiserver/pkg/cel/library/cost.go, and ext/sets.go of cel-go 0.22).
 */
final class FunctionCosts {

    /** To look at a character once. */
    static final double TRAVERSAL = 0.1;
    /** For each character of a pattern: four are taken for one instruction. */
    static final double PATTERN = 0.25;

    private static final long AUTHORIZATION_CHECK = 350_000;
    private static final long LONGEST_FORMAT_NAME = 64;
    private static final long LONGEST_FORMAT_PATTERN = 128;
    private static final long LIST = 10;
    private static final long REQUIREMENT = 50;
    /** Bytes of an address, IPv4 or IPv6. */
    private static final Estimate ADDRESS = new Estimate(4, 16);

    private static final Call NOMINAL = new Call(Estimate.ONE, null);

    private final CostEstimator.Sizes sizes;

    FunctionCosts(CostEstimator.Sizes sizes) {
        this.sizes = sizes;
    }

    /** Null when Kubernetes says nothing special of the function. */
    @Nullable
    Call of(String function, String overload, @Nullable Value target, List<Value> arguments) {
        Call call = target == null ? global(function, arguments) : member(function, overload, target, arguments);
        if (call != null) {
            return call;
        }
        return switch (function) {
            case "serviceAccount",
                    "path",
                    "group",
                    "resource",
                    "subresource",
                    "namespace",
                    "name",
                    "allowed",
                    "reason",
                    "error",
                    "errored",
                    "masked",
                    "prefixLength",
                    "family",
                    "isUnspecified",
                    "isLoopback",
                    "isLinkLocalMulticast",
                    "isLinkLocalUnicast",
                    "isGlobalUnicast",
                    "format.named",
                    "sign",
                    "asInteger",
                    "isInteger",
                    "asApproximateFloat",
                    "isGreaterThan",
                    "isLessThan",
                    "compareTo",
                    "add",
                    "sub",
                    "getScheme",
                    "getHostname",
                    "getHost",
                    "getPort",
                    "getEscapedPath",
                    "getQuery" -> NOMINAL;
            default -> null;
        };
    }

    private @Nullable Call global(String function, List<Value> arguments) {
        return switch (function) {
            case "url", "jsonpatch.escapeKey" -> {
                Estimate size = size(arguments.getFirst());
                yield new Call(size.times(TRAVERSAL), size);
            }
            case "ip", "cidr", "isIP", "isCIDR", "quantity", "isQuantity" ->
                new Call(size(arguments.getFirst()).times(TRAVERSAL), null);
            case "ip.isCanonical" -> new Call(size(arguments.getFirst()).times(2 * TRAVERSAL), null);
            case "sets.contains", "sets.intersects" -> sets(arguments, 1);
            case "sets.equivalent" -> sets(arguments, 2);
            case "_==_" -> equality(arguments.getFirst(), arguments.getLast());
            default -> null;
        };
    }

    private Call sets(List<Value> lists, double passes) {
        Estimate pairs = size(lists.getFirst()).times(size(lists.getLast()));
        return new Call(pairs.times(passes).plus(Estimate.ONE), null);
    }

    private static @Nullable Call equality(Value left, Value right) {
        if (left.type().kind() != CelKind.OPAQUE || !left.type().equals(right.type())) {
            return null;
        }
        String type = left.type().name();
        return switch (type) {
            case Formats.TYPE_NAME -> new Call(new Estimate(1, LONGEST_FORMAT_NAME).times(TRAVERSAL), null);
            case Urls.TYPE_NAME -> {
                Estimate size = right.computed();
                yield new Call(new Estimate(1, size == null ? 1 : size.max()).times(TRAVERSAL), null);
            }
            case Networks.IP_TYPE_NAME, Networks.CIDR_TYPE_NAME, Quantities.TYPE_NAME -> NOMINAL;
            default -> type.startsWith("kubernetes.authorization.") ? NOMINAL : null;
        };
    }

    private @Nullable Call member(String function, String overload, Value target, List<Value> arguments) {
        return switch (function) {
            case "check" -> new Call(Estimate.exactly(AUTHORIZATION_CHECK), null);
            case "fieldSelector", "labelSelector" -> selector(size(arguments.getFirst()));
            case "isSorted", "sum", "max", "min", "indexOf", "lastIndexOf" -> search(target);
            case "lowerAscii", "upperAscii", "substring", "trim" -> {
                Estimate size = size(target);
                yield new Call(size.times(TRAVERSAL), size);
            }
            case "replace" -> {
                Estimate text = size(target);
                Estimate result = replaced(text, size(arguments.get(0)), size(arguments.get(1)));
                yield new Call(text.times(2 * TRAVERSAL), result);
            }
            case "split" -> split(size(target), arguments);
            case "join" -> join(target, arguments);
            case "find", "findAll" -> find(size(target), size(arguments.getFirst()));
            case "ip" -> NOMINAL;
            case "containsIP" -> new Call(compared(overload.equals("cidr_contains_ip_string"), arguments), null);
            case "containsCIDR" -> {
                // The range asked for is masked and its length compared besides.
                Estimate both = compared(overload.equals("cidr_contains_cidr_string"), arguments);
                yield new Call(both.plus(ADDRESS.times(TRAVERSAL)).plus(Estimate.ONE), null);
            }
            case "validate" ->
                new Call(size(arguments.getFirst()).times(TRAVERSAL).times(LONGEST_FORMAT_PATTERN * PATTERN), null);
            default -> null;
        };
    }

    private static Call selector(Estimate size) {
        // The shortest requirement has two characters.
        Estimate requirements = size.times(0.5).times((double) REQUIREMENT);
        return new Call(Estimate.exactly(LIST).plus(size.times(TRAVERSAL)).plus(requirements), null);
    }

    /** A pass over a list, or a string. */
    private Call search(Value target) {
        Value element = element(target);
        if (element == null) {
            return new Call(size(target).times(TRAVERSAL), null);
        }
        Estimate each = Estimate.ONE;
        if (element.type().kind() == CelKind.STRING || element.type().kind() == CelKind.BYTES) {
            each = each.plus(size(element).times(TRAVERSAL));
        }
        return new Call(size(target).times(each), null);
    }

    /** The size of a text in which strings are replaced. */
    static Estimate replaced(Estimate text, Estimate from, Estimate to) {
        // Of an empty string there is one before each character and one at the end, and all characters stay.
        return new Estimate(
                from.max() == 0
                        ? Estimate.sum(Estimate.product(Estimate.sum(text.min(), 1), to.min()), text.min())
                        : least(text.min(), from.max(), to.min()),
                from.min() == 0
                        ? Estimate.sum(Estimate.product(Estimate.sum(text.max(), 1), to.max()), text.max())
                        : most(text.max(), from.min(), to.max()));
    }

    private static long least(long text, long from, long to) {
        return Long.compareUnsigned(from, to) <= 0 ? text : Estimate.product(parts(text, from), to);
    }

    private static long most(long text, long from, long to) {
        return Long.compareUnsigned(to, from) <= 0 ? text : Estimate.product(parts(text, from), to);
    }

    private static long parts(long text, long part) {
        double parts = Math.ceil(Estimate.toDouble(text) / Estimate.toDouble(part));
        return parts >= 0x1p63 ? Estimate.UNLIMITED : (long) parts;
    }

    private static Call split(Estimate text, List<Value> arguments) {
        long most = text.max();
        if (arguments.size() > 1) {
            CelExpr limit = arguments.get(1).expression();
            if (limit != null
                    && limit.getKind() == CelExpr.ExprKind.Kind.CONSTANT
                    && limit.constant().getKind() == CelConstant.Kind.INT64_VALUE) {
                most = limit.constant().int64Value();
            }
        }
        return new Call(text.times(2 * TRAVERSAL), Estimate.upTo(most));
    }

    private Call join(Value target, List<Value> arguments) {
        Estimate elements = size(target);
        Value element = element(target);
        Estimate size = element == null ? Estimate.ZERO : elements.times(size(element));
        if (!arguments.isEmpty()) {
            Estimate gaps = new Estimate(lessOne(elements.min()), lessOne(elements.max()));
            size = size.plus(size(arguments.getFirst()).times(gaps));
        }
        return new Call(size.times(TRAVERSAL), size);
    }

    private static long lessOne(long number) {
        return number == 0 ? 0 : number - 1;
    }

    private static Call find(Estimate text, Estimate pattern) {
        Estimate pass = text.plus(Estimate.ONE).times(TRAVERSAL);
        return new Call(pass.times(pattern.times(PATTERN)), Estimate.upTo(text.max()));
    }

    private Estimate compared(boolean parse, List<Value> arguments) {
        Estimate compared = ADDRESS.plus(ADDRESS).times(TRAVERSAL);
        return parse ? compared.plus(size(arguments.getFirst()).times(TRAVERSAL)) : compared;
    }

    private Estimate size(Value value) {
        if (value.computed() != null) {
            return value.computed();
        }
        Estimate known = sizes.of(value.path(), value.type());
        return known == null ? Estimate.UNKNOWN : known;
    }

    /** What a list has; null of what has no elements. */
    private static @Nullable Value element(Value list) {
        List<CelType> parameters = list.type().parameters();
        return parameters.isEmpty()
                ? null
                : new Value(
                        list.path().isEmpty() ? List.of() : CostEstimator.step(list.path(), "@items"),
                        parameters.getFirst(),
                        null,
                        null);
    }
}
