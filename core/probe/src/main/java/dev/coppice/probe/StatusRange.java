package dev.coppice.probe;

import java.util.List;

/** A range of HTTP status codes, both ends included, 100 to 599. */
public record StatusRange(int first, int last) {

    /** What a check expects when it says nothing: 200 to 299. */
    public static final List<StatusRange> SUCCESSFUL = List.of(new StatusRange(200, 299));

    public StatusRange {
        if (first < 100 || last > 599 || first > last) {
            throw new IllegalArgumentException(
                    "a status range lies within 100-599 and does not go down, such as \"200-299\", not \"" + first + "-"
                            + last + "\"");
        }
    }

    /**
     * Reads {@code 200}, {@code 200-299} or {@code 2xx}.
     *
     * @throws IllegalArgumentException in words for the user
     */
    public static StatusRange parse(String text) {
        var trimmed = text.trim();
        try {
            if (trimmed.length() == 3
                    && trimmed.toLowerCase(java.util.Locale.ROOT).endsWith("xx")) {
                int hundred = (trimmed.charAt(0) - '0') * 100;
                return new StatusRange(hundred, hundred + 99);
            }
            int dash = trimmed.indexOf('-');
            if (dash < 0) {
                int code = Integer.parseInt(trimmed);
                return new StatusRange(code, code);
            }
            return new StatusRange(
                    Integer.parseInt(trimmed.substring(0, dash).trim()),
                    Integer.parseInt(trimmed.substring(dash + 1).trim()));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "expected a status such as \"200\", \"200-299\" or \"2xx\", not \"" + text + "\"", e);
        }
    }

    public boolean contains(int status) {
        return status >= first && status <= last;
    }

    @Override
    public String toString() {
        return first == last ? Integer.toString(first) : first + "-" + last;
    }
}
