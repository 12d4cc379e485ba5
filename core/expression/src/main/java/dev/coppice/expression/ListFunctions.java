package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.BOOL;
import static dev.cel.common.types.SimpleType.INT;

import com.google.common.primitives.UnsignedLong;
import dev.cel.common.types.ListType;
import dev.cel.common.types.TypeParamType;
import dev.cel.common.values.CelByteString;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Kubernetes' list library (isSorted, sum, min, max, indexOf, lastIndexOf) and CEL's sets extension. */
final class ListFunctions {
    private ListFunctions() {}

    private static final TypeParamType T = TypeParamType.create("T");
    private static final ListType LIST = ListType.create(T);

    static void addTo(Library library) {
        library.member("isSorted", "list_is_sorted", a -> isSorted(list(a, 0)), BOOL, LIST);
        library.member("sum", "list_sum", a -> sum(list(a, 0)), T, LIST);
        library.member("min", "list_min", a -> extreme(list(a, 0), "min", -1), T, LIST);
        library.member("max", "list_max", a -> extreme(list(a, 0), "max", 1), T, LIST);
        library.member("indexOf", "list_index_of", a -> indexOf(list(a, 0), a[1]), INT, LIST, T);
        library.member("lastIndexOf", "list_last_index_of", a -> lastIndexOf(list(a, 0), a[1]), INT, LIST, T);
        library.global(
                "sets.contains", "list_sets_contains_list", a -> containsAll(list(a, 0), list(a, 1)), BOOL, LIST, LIST);
        library.global(
                "sets.equivalent",
                "list_sets_equivalent_list",
                a -> containsAll(list(a, 0), list(a, 1)) && containsAll(list(a, 1), list(a, 0)),
                BOOL,
                LIST,
                LIST);
        library.global(
                "sets.intersects",
                "list_sets_intersects_list",
                a -> intersects(list(a, 0), list(a, 1)),
                BOOL,
                LIST,
                LIST);
    }

    private static List<?> list(Object[] arguments, int index) {
        List<?> list = (List<?>) arguments[index];
        Budget.chargeCurrent(list.size());
        return list;
    }

    private static boolean isSorted(List<?> list) {
        Object before = null;
        for (Object element : list) {
            if (before != null && compare(before, element) > 0) {
                return false;
            }
            before = element;
        }
        return true;
    }

    private static Object sum(List<?> list) {
        Object sum = null;
        for (Object element : list) {
            sum = sum == null ? plus(zero(element), element) : plus(sum, element);
        }
        return sum == null ? 0L : sum;
    }

    private static Object zero(Object like) {
        return switch (like) {
            case Double _ -> 0.0;
            case Duration _ -> Duration.ZERO;
            case UnsignedLong _ -> UnsignedLong.ZERO;
            default -> 0L;
        };
    }

    private static Object plus(Object x, Object y) {
        try {
            if (x instanceof Long a && y instanceof Long b) {
                return Math.addExact(a, b);
            }
            if (x instanceof Double a && y instanceof Double b) {
                return a + b;
            }
            if (x instanceof Duration a && y instanceof Duration b) {
                return a.plus(b);
            }
            if (x instanceof UnsignedLong a && y instanceof UnsignedLong b) {
                return a.plus(b);
            }
        } catch (ArithmeticException e) {
            throw new FunctionException("integer overflow");
        }
        throw new FunctionException(
                "sum: the list holds values that cannot be added; all have to be numbers of one type, or durations");
    }

    private static Object extreme(List<?> list, String function, int sign) {
        Object best = null;
        for (Object element : list) {
            if (best == null || compare(element, best) * sign > 0) {
                best = element;
            }
        }
        if (best == null) {
            throw new FunctionException(function + " called on empty list");
        }
        return best;
    }

    private static int compare(Object x, Object y) {
        if (x instanceof Number a && y instanceof Number b) {
            return a instanceof Double || b instanceof Double
                    ? Double.compare(a.doubleValue(), b.doubleValue())
                    : (a instanceof UnsignedLong u && b instanceof UnsignedLong v
                            ? u.compareTo(v)
                            : Long.compare(a.longValue(), b.longValue()));
        }
        if (x instanceof String a && y instanceof String b) {
            return a.compareTo(b);
        }
        if (x instanceof Boolean a && y instanceof Boolean b) {
            return a.compareTo(b);
        }
        if (x instanceof Duration a && y instanceof Duration b) {
            return a.compareTo(b);
        }
        if (x instanceof Instant a && y instanceof Instant b) {
            return a.compareTo(b);
        }
        if (x instanceof CelByteString a && y instanceof CelByteString b) {
            return java.util.Arrays.compareUnsigned(a.toByteArray(), b.toByteArray());
        }
        throw new FunctionException("the list holds values that cannot be compared with each other");
    }

    private static Long indexOf(List<?> list, Object wanted) {
        long at = 0;
        for (Object element : list) {
            if (same(element, wanted)) {
                return at;
            }
            at++;
        }
        return -1L;
    }

    private static Long lastIndexOf(List<?> list, Object wanted) {
        for (int at = list.size() - 1; at >= 0; at--) {
            if (same(list.get(at), wanted)) {
                return (long) at;
            }
        }
        return -1L;
    }

    private static boolean containsAll(List<?> list, List<?> wanted) {
        for (Object element : wanted) {
            Budget.chargeCurrent(list.size());
            if (indexOf(list, element) < 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean intersects(List<?> list, List<?> other) {
        for (Object element : other) {
            Budget.chargeCurrent(list.size());
            if (indexOf(list, element) >= 0) {
                return true;
            }
        }
        return false;
    }

    /** CEL's equality: numbers by value whatever their types, lists and maps by their elements. */
    static boolean same(@Nullable Object x, @Nullable Object y) {
        if (x instanceof Number a && y instanceof Number b) {
            return compare(a, b) == 0;
        }
        if (x instanceof List<?> a && y instanceof List<?> b) {
            return a.size() == b.size() && sameElements(a, b);
        }
        if (x instanceof Map<?, ?> a && y instanceof Map<?, ?> b) {
            return a.size() == b.size() && sameEntries(a, b);
        }
        return x == y || x != null && x.equals(y);
    }

    private static boolean sameElements(List<?> x, List<?> y) {
        Budget.chargeCurrent(x.size());
        for (int i = 0; i < x.size(); i++) {
            if (!same(x.get(i), y.get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean sameEntries(Map<?, ?> x, Map<?, ?> y) {
        Budget.chargeCurrent(x.size());
        for (Map.Entry<?, ?> entry : x.entrySet()) {
            if (!y.containsKey(entry.getKey()) || !same(entry.getValue(), y.get(entry.getKey()))) {
                return false;
            }
        }
        return true;
    }
}
