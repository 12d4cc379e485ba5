package dev.coppice.gateway.filter;

/**
 * A header with its value, which cannot be more than one. Immutable.
 *
 * @param name a token (RFC 9110, 5.6.2)
 * @param value printable ASCII, blanks and tabs
 */
public record HeaderField(String name, String value) {
    /** Characters of a name. */
    public static final int MOST_NAME = 256;
    /** Characters of a value. */
    public static final int MOST_VALUE = 16 << 10;

    private static final String MARKS = "!#$%&'*+-.^_`|~";

    /** @throws IllegalArgumentException when it is none */
    public HeaderField {
        if (!token(name)) {
            throw new IllegalArgumentException("\"" + name + "\" is not the name of a header");
        }
        if (value.length() > MOST_VALUE || !value.chars().allMatch(c -> c >= ' ' && c < 0x7F || c == '\t')) {
            throw new IllegalArgumentException("the value of the header " + name + ": expected " + MOST_VALUE
                    + " characters of printable ASCII at most");
        }
    }

    /** Whether a text is the name of a header. */
    static boolean token(String name) {
        return !name.isEmpty()
                && name.length() <= MOST_NAME
                && name.chars().allMatch(c -> c < 0x80 && Character.isLetterOrDigit(c) || MARKS.indexOf(c) >= 0);
    }
}
