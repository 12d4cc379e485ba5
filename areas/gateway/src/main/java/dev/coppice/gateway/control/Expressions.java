package dev.coppice.gateway.control;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;

/** Regular expressions in RE2's syntax, whose size is bounded before they are compiled. */
final class Expressions {
    private static final long MOST_REPEATS = 1000;
    private static final java.util.regex.Pattern REPEAT = java.util.regex.Pattern.compile("\\{(\\d*)(?:,(\\d*))?\\}");

    private Expressions() {}

    /** What is wrong with an expression; null when nothing is. */
    static @Nullable String problem(String text) {
        // Repeats multiply when they are nested: (a{1000}){1000} would be a million states.
        long repeats = 1;
        Matcher found = REPEAT.matcher(text);
        while (found.find()) {
            repeats *= Math.max(1, Math.max(number(found.group(1)), number(found.group(2))));
            if (repeats > MOST_REPEATS) {
                return "the regular expression " + text + " repeats too much; all counts in braces together may be "
                        + MOST_REPEATS + " at most";
            }
        }
        try {
            Pattern _ = Pattern.compile(text);
            return null;
        } catch (PatternSyntaxException e) {
            return "the regular expression " + text + " is not one of RE2's syntax: " + e.getMessage();
        }
    }

    private static long number(@Nullable String digits) {
        if (digits == null || digits.isEmpty()) {
            return 1;
        }
        return digits.length() > 6 ? Integer.MAX_VALUE : Long.parseLong(digits);
    }
}
