package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.BOOL;
import static dev.cel.common.types.SimpleType.DOUBLE;
import static dev.cel.common.types.SimpleType.INT;
import static dev.cel.common.types.SimpleType.STRING;

import dev.cel.common.types.OpaqueType;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Kubernetes' quantity library: {@code quantity("1Gi").isGreaterThan(quantity("500M"))}. */
final class Quantities {
    private Quantities() {}

    static final String TYPE_NAME = "kubernetes.Quantity";
    private static final OpaqueType QUANTITY = OpaqueType.create(TYPE_NAME);

    private static final Pattern SYNTAX = Pattern.compile(
            "([+-]?(?:\\d{1,40}(?:\\.\\d{0,40})?|\\.\\d{1,40}))(?:([eE][+-]?\\d{1,2})|([KMGTPE]i|[numkMGTPE]))?");

    static void addTo(Library library) {
        library.global("quantity", "string_to_quantity", a -> quantity((String) a[0]), QUANTITY, STRING);
        library.global(
                "isQuantity", "is_quantity_string", a -> parse((String) a[0]).isPresent(), BOOL, STRING);
        library.member("sign", "quantity_sign", a -> (long) amount(a, 0).signum(), INT, QUANTITY);
        library.member("isInteger", "quantity_is_integer", a -> isInteger(amount(a, 0)), BOOL, QUANTITY);
        library.member("asInteger", "quantity_get_int", a -> asInteger(amount(a, 0)), INT, QUANTITY);
        library.member(
                "asApproximateFloat", "quantity_get_float", a -> amount(a, 0).doubleValue(), DOUBLE, QUANTITY);
        library.member("isGreaterThan", "quantity_is_greater_than", a -> compare(a) > 0, BOOL, QUANTITY, QUANTITY);
        library.member("isLessThan", "quantity_is_less_than", a -> compare(a) < 0, BOOL, QUANTITY, QUANTITY);
        library.member("compareTo", "quantity_compare_to", a -> (long) compare(a), INT, QUANTITY, QUANTITY);
        library.member(
                "add", "quantity_add", a -> new Quantity(amount(a, 0).add(amount(a, 1))), QUANTITY, QUANTITY, QUANTITY);
        library.member(
                "add",
                "quantity_add_int",
                a -> new Quantity(amount(a, 0).add(BigDecimal.valueOf((Long) a[1]))),
                QUANTITY,
                QUANTITY,
                INT);
        library.member(
                "sub",
                "quantity_sub",
                a -> new Quantity(amount(a, 0).subtract(amount(a, 1))),
                QUANTITY,
                QUANTITY,
                QUANTITY);
        library.member(
                "sub",
                "quantity_sub_int",
                a -> new Quantity(amount(a, 0).subtract(BigDecimal.valueOf((Long) a[1]))),
                QUANTITY,
                QUANTITY,
                INT);
    }

    /** A quantity. */
    static final class Quantity extends Opaque {
        private final BigDecimal amount;

        Quantity(BigDecimal amount) {
            super(QUANTITY);
            this.amount = amount.signum() == 0 ? BigDecimal.ZERO : amount.stripTrailingZeros();
        }

        @Override
        Object content() {
            return amount;
        }

        @Override
        public String toString() {
            return amount.toPlainString();
        }
    }

    private static BigDecimal amount(Object[] arguments, int index) {
        return ((Quantity) arguments[index]).amount;
    }

    private static int compare(Object[] arguments) {
        return amount(arguments, 0).compareTo(amount(arguments, 1));
    }

    private static boolean isInteger(BigDecimal amount) {
        return amount.scale() <= 0 && amount.abs().compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) <= 0;
    }

    private static Long asInteger(BigDecimal amount) {
        if (!isInteger(amount)) {
            throw new FunctionException("cannot convert value to integer");
        }
        return amount.longValueExact();
    }

    private static Quantity quantity(String text) {
        return new Quantity(parse(text)
                .orElseThrow(() -> new FunctionException("`" + text
                        + "` is no quantity; write a number with an optional suffix, such as 100m, 1.5, 2k or 1Gi")));
    }

    private static Optional<BigDecimal> parse(String text) {
        Matcher parts = SYNTAX.matcher(text);
        if (!parts.matches()) {
            return Optional.empty();
        }
        BigDecimal number = new BigDecimal(parts.group(1));
        if (parts.group(2) != null) {
            number = number.scaleByPowerOfTen(Integer.parseInt(parts.group(2).substring(1)));
        } else if (parts.group(3) != null) {
            number = number.multiply(factor(parts.group(3)));
        }
        return Optional.of(number.setScale(Math.min(Math.max(number.scale(), 0), 9), RoundingMode.CEILING));
    }

    private static BigDecimal factor(String suffix) {
        if (suffix.endsWith("i")) {
            return BigDecimal.valueOf(1024).pow("KMGTPE".indexOf(suffix.charAt(0)) + 1);
        }
        return switch (suffix) {
            case "n" -> BigDecimal.valueOf(1, 9);
            case "u" -> BigDecimal.valueOf(1, 6);
            case "m" -> BigDecimal.valueOf(1, 3);
            default -> BigDecimal.ONE.scaleByPowerOfTen(3 * ("kMGTPE".indexOf(suffix) + 1));
        };
    }
}
