package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.DYN;
import static dev.cel.common.types.SimpleType.INT;
import static dev.cel.common.types.SimpleType.STRING;

import dev.cel.common.types.ListType;
import java.util.ArrayList;
import java.util.List;

/**
 * CEL's strings extension, version 2, as Kubernetes takes it. Positions count code points. Own code, because results have
 * to be measured before they are made: replacing one letter of a megabyte by a megabyte would make a terabyte.
 */
final class StringFunctions {
    private StringFunctions() {}

    private static final ListType STRINGS = ListType.create(STRING);

    static void addTo(Library library) {
        library.member("charAt", "string_char_at_int", a -> charAt(text(a, 0), number(a, 1)), STRING, STRING, INT);
        library.member(
                "indexOf", "string_index_of_string", a -> indexOf(text(a, 0), text(a, 1), 0), INT, STRING, STRING);
        library.member(
                "indexOf",
                "string_index_of_string_int",
                a -> indexOf(text(a, 0), text(a, 1), number(a, 2)),
                INT,
                STRING,
                STRING,
                INT);
        library.member(
                "lastIndexOf",
                "string_last_index_of_string",
                a -> lastIndexOf(text(a, 0), text(a, 1), Long.MAX_VALUE),
                INT,
                STRING,
                STRING);
        library.member(
                "lastIndexOf",
                "string_last_index_of_string_int",
                a -> lastIndexOf(text(a, 0), text(a, 1), checkOffset(text(a, 0), number(a, 2))),
                INT,
                STRING,
                STRING,
                INT);
        library.member("lowerAscii", "string_lower_ascii", a -> ascii(text(a, 0), 'A', 'Z', 32), STRING, STRING);
        library.member("upperAscii", "string_upper_ascii", a -> ascii(text(a, 0), 'a', 'z', -32), STRING, STRING);
        library.member(
                "replace",
                "string_replace_string_string",
                a -> replace(text(a, 0), text(a, 1), text(a, 2), -1),
                STRING,
                STRING,
                STRING,
                STRING);
        library.member(
                "replace",
                "string_replace_string_string_int",
                a -> replace(text(a, 0), text(a, 1), text(a, 2), number(a, 3)),
                STRING,
                STRING,
                STRING,
                STRING,
                INT);
        library.member("split", "string_split_string", a -> split(text(a, 0), text(a, 1), -1), STRINGS, STRING, STRING);
        library.member(
                "split",
                "string_split_string_int",
                a -> split(text(a, 0), text(a, 1), number(a, 2)),
                STRINGS,
                STRING,
                STRING,
                INT);
        library.member(
                "substring",
                "string_substring_int",
                a -> substring(text(a, 0), number(a, 1), size(text(a, 0))),
                STRING,
                STRING,
                INT);
        library.member(
                "substring",
                "string_substring_int_int",
                a -> substring(text(a, 0), number(a, 1), number(a, 2)),
                STRING,
                STRING,
                INT,
                INT);
        library.member("trim", "string_trim", a -> text(a, 0).strip(), STRING, STRING);
        library.member(
                "reverse",
                "string_reverse",
                a -> new StringBuilder(text(a, 0)).reverse().toString(),
                STRING,
                STRING);
        library.member("join", "list_join", a -> join((List<?>) a[0], ""), STRING, STRINGS);
        library.member("join", "list_join_string", a -> join((List<?>) a[0], text(a, 1)), STRING, STRINGS, STRING);
        library.member(
                "format",
                "string_format_list",
                a -> FormatString.format(text(a, 0), (List<?>) a[1]),
                STRING,
                STRING,
                ListType.create(DYN));
        library.global("strings.quote", "strings_quote", a -> FormatString.quote(text(a, 0)), STRING, STRING);
    }

    /** An argument that is a string; what it costs to read it is charged. */
    static String text(Object[] arguments, int index) {
        String text = (String) arguments[index];
        Budget.chargeCurrent(text.length());
        return text;
    }

    static long number(Object[] arguments, int index) {
        return (Long) arguments[index];
    }

    private static int size(String text) {
        return text.codePointCount(0, text.length());
    }

    private static long checkOffset(String text, long offset) {
        if (offset < 0 || offset > size(text)) {
            throw new FunctionException("index out of range: " + offset);
        }
        return offset;
    }

    private static String charAt(String text, long index) {
        if (index == checkOffset(text, index) && index == size(text)) {
            return "";
        }
        int at = text.offsetByCodePoints(0, (int) index);
        return Character.toString(text.codePointAt(at));
    }

    private static Long indexOf(String text, String part, long offset) {
        if (part.isEmpty()) {
            return offset;
        }
        int from = text.offsetByCodePoints(0, (int) checkOffset(text, offset));
        int found = text.indexOf(part, from);
        return found < 0 ? -1L : text.codePointCount(0, found);
    }

    private static Long lastIndexOf(String text, String part, long offset) {
        int from = offset >= size(text) ? text.length() : text.offsetByCodePoints(0, (int) offset);
        int found = text.lastIndexOf(part, from);
        return found < 0 ? -1L : text.codePointCount(0, found);
    }

    private static String ascii(String text, char first, char last, int shift) {
        StringBuilder changed = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            changed.append(c >= first && c <= last ? (char) (c + shift) : c);
        }
        return changed.toString();
    }

    private static String replace(String text, String part, String by, long limit) {
        long count = 0;
        StringBuilder changed = new StringBuilder(Math.min(text.length() + 16, Budget.LONGEST_STRING));
        int at = 0;
        while (limit < 0 || count < limit) {
            int found = text.indexOf(part, part.isEmpty() && count > 0 ? at + 1 : at);
            if (found < 0 || part.isEmpty() && found == at && count > 0) {
                break;
            }
            changed.append(text, at, found).append(by);
            Budget.checkLength(changed.length());
            Budget.chargeCurrent(by.length());
            at = found + part.length();
            count++;
        }
        return changed.append(text, Math.min(at, text.length()), text.length()).toString();
    }

    private static List<String> split(String text, String separator, long limit) {
        List<String> parts = new ArrayList<>();
        if (limit == 0) {
            return parts;
        }
        if (separator.isEmpty()) {
            return characters(text, limit);
        }
        int at = 0;
        while (limit < 0 || parts.size() < limit - 1) {
            int found = text.indexOf(separator, at);
            if (found < 0) {
                break;
            }
            parts.add(text.substring(at, found));
            Budget.checkSize(parts.size());
            at = found + separator.length();
        }
        parts.add(text.substring(at));
        return parts;
    }

    private static List<String> characters(String text, long limit) {
        List<String> parts = new ArrayList<>();
        int at = 0;
        while (at < text.length() && (limit < 0 || parts.size() < limit - 1)) {
            int end = text.offsetByCodePoints(at, 1);
            parts.add(text.substring(at, end));
            Budget.checkSize(parts.size());
            at = end;
        }
        if (at < text.length()) {
            parts.add(text.substring(at));
        }
        return parts;
    }

    private static String substring(String text, long from, long to) {
        checkOffset(text, from);
        checkOffset(text, to);
        if (from > to) {
            throw new FunctionException("invalid substring range. start: " + from + ", end: " + to);
        }
        int begin = text.offsetByCodePoints(0, (int) from);
        return text.substring(begin, text.offsetByCodePoints(begin, (int) (to - from)));
    }

    private static String join(List<?> parts, String separator) {
        StringBuilder joined = new StringBuilder();
        boolean first = true;
        for (Object part : parts) {
            if (!(part instanceof String text)) {
                throw new FunctionException("join: the list holds a value that is no string; convert with string()");
            }
            if (!first) {
                joined.append(separator);
            }
            first = false;
            Budget.checkLength(joined.length() + (long) text.length());
            Budget.chargeCurrent(text.length() + (long) separator.length());
            joined.append(text);
        }
        return joined.toString();
    }
}
