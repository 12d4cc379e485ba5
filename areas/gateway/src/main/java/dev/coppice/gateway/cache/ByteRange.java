package dev.coppice.gateway.cache;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Which bytes of a body a client wants (RFC 9110, 14.1.2 and 14.2). */
public sealed interface ByteRange {

    /** All of them: it asks for nothing else, or for what is not served in parts, such as several ranges. */
    record Whole() implements ByteRange {}

    /** From one to another, both included. */
    record Part(long first, long last) implements ByteRange {}

    /** None that there are: 416. */
    record Unsatisfiable() implements ByteRange {}

    Whole WHOLE = new Whole();

    /** Of a number longer ones than any body. */
    int MOST_DIGITS = 18;

    /**
     * Reads a {@code Range}.
     *
     * @param field null when there is none
     * @param length of the body
     */
    static ByteRange read(@Nullable String field, long length) {
        if (field == null || !field.toLowerCase(Locale.ROOT).startsWith("bytes=")) {
            return WHOLE;
        }
        String range = field.substring("bytes=".length()).strip();
        int dash = range.indexOf('-');
        if (dash < 0 || range.indexOf(',') >= 0) {
            return WHOLE;
        }
        String from = range.substring(0, dash);
        String to = range.substring(dash + 1);
        long first = Syntax.number(from, MOST_DIGITS);
        long last = Syntax.number(to, MOST_DIGITS);
        if (from.isEmpty()) {
            if (last < 0) {
                return WHOLE;
            }
            return last == 0 || length == 0 ? new Unsatisfiable() : new Part(Math.max(0, length - last), length - 1);
        }
        if (first < 0 || !to.isEmpty() && last < first) {
            return WHOLE;
        }
        return first >= length
                ? new Unsatisfiable()
                : new Part(first, to.isEmpty() ? length - 1 : Math.min(last, length - 1));
    }
}
