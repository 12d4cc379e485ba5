package dev.coppice.expression;

import com.google.common.primitives.UnsignedLong;
import dev.cel.common.types.TypeType;
import dev.cel.common.values.CelByteString;
import dev.cel.common.values.NullValue;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** {@code "…".format([…])} of CEL's strings extension: verbs s, d, f, e, b, o, x, X. */
final class FormatString {
    private FormatString() {}

    private static final int MOST_DIGITS = 100;

    static String format(String format, List<?> arguments) {
        StringBuilder text = new StringBuilder();
        int next = 0;
        int at = 0;
        while (at < format.length()) {
            char c = format.charAt(at++);
            if (c != '%') {
                text.append(c);
                continue;
            }
            if (at < format.length() && format.charAt(at) == '%') {
                text.append('%');
                at++;
                continue;
            }
            int precision = -1;
            if (at < format.length() && format.charAt(at) == '.') {
                int start = ++at;
                while (at < format.length() && Character.isDigit(format.charAt(at)) && at - start < 4) {
                    at++;
                }
                precision = at == start ? 0 : Integer.parseInt(format, start, at, 10);
            }
            if (at >= format.length()) {
                throw new FunctionException("unexpected end of format string");
            }
            if (next >= arguments.size()) {
                throw new FunctionException("index " + next + " out of range");
            }
            text.append(verb(format.charAt(at++), precision, arguments.get(next++)));
            Budget.checkLength(text.length());
        }
        return text.toString();
    }

    private static String verb(char verb, int precision, Object value) {
        if (precision > MOST_DIGITS) {
            throw new FunctionException("a precision of " + precision + " is too great; the most is " + MOST_DIGITS);
        }
        return switch (verb) {
            case 's' -> string(value);
            case 'd' -> integer(value);
            case 'f' -> real(value, "%." + (precision < 0 ? 6 : precision) + "f");
            case 'e' -> real(value, "%." + (precision < 0 ? 6 : precision) + "e");
            case 'b' ->
                value instanceof Boolean bool
                        ? (bool ? "1" : "0")
                        : whole(value).toString(2);
            case 'o' -> whole(value).toString(8);
            case 'x' -> hex(value);
            case 'X' -> hex(value).toUpperCase(Locale.ROOT);
            default -> throw new FunctionException("unrecognized formatting clause \"" + verb + "\"");
        };
    }

    private static String integer(Object value) {
        return value instanceof Double number && (number.isNaN() || number.isInfinite())
                ? string(number)
                : whole(value).toString();
    }

    private static BigInteger whole(Object value) {
        return switch (value) {
            case Long number -> BigInteger.valueOf(number);
            case UnsignedLong number -> number.bigIntegerValue();
            default -> throw new FunctionException("this formatting clause can only be used on integers");
        };
    }

    private static String real(Object value, String format) {
        return switch (value) {
            case Double number when number.isNaN() || number.isInfinite() -> string(number);
            case Double number -> String.format(Locale.ROOT, format, number);
            case Long number -> String.format(Locale.ROOT, format, (double) number);
            case UnsignedLong number -> String.format(Locale.ROOT, format, number.doubleValue());
            default -> throw new FunctionException("this formatting clause can only be used on numbers");
        };
    }

    private static String hex(Object value) {
        return switch (value) {
            case String text -> HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
            case CelByteString bytes -> HexFormat.of().formatHex(bytes.toByteArray());
            default -> whole(value).toString(16);
        };
    }

    private static String string(Object value) {
        return switch (value) {
            case String text -> text;
            case NullValue _ -> "null";
            case Double number -> number(number);
            case Duration duration -> Durations.seconds(duration);
            case CelByteString bytes -> new String(bytes.toByteArray(), StandardCharsets.UTF_8);
            case TypeType type -> type.containingTypeName();
            case List<?> list -> list.stream().map(FormatString::string).collect(Collectors.joining(", ", "[", "]"));
            case Map<?, ?> map -> {
                Map<String, String> sorted = new TreeMap<>();
                map.forEach((key, element) -> sorted.put(string(key), string(element)));
                yield sorted.entrySet().stream()
                        .map(entry -> entry.getKey() + ": " + entry.getValue())
                        .collect(Collectors.joining(", ", "{", "}"));
            }
            default -> String.valueOf(value);
        };
    }

    private static String number(Double number) {
        if (number.isNaN()) {
            return "NaN";
        }
        if (number.isInfinite()) {
            return number > 0 ? "Infinity" : "-Infinity";
        }
        return number == Math.rint(number) && Math.abs(number) < 1e15
                ? Long.toString(number.longValue())
                : number.toString();
    }

    static String quote(String text) {
        StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                case '\u0007' -> quoted.append("\\a");
                case '\b' -> quoted.append("\\b");
                case '\f' -> quoted.append("\\f");
                case '\u000b' -> quoted.append("\\v");
                default -> quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
