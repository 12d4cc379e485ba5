package dev.coppice.gateway.trace;

import java.util.regex.Pattern;

/**
 * What vendors pass on beside {@code traceparent}: the header {@code tracestate}. It is passed on as it came, or, when it is not valid, not
 * at all. Pure functions.
 *
 * <p>W3C Trace Context, 3.3.
 */
public final class TraceState {
    private static final int MOST_MEMBERS = 32;
    private static final int MOST_CHARACTERS = 8192;
    private static final Pattern MEMBER =
            Pattern.compile("([a-z][a-z0-9_\\-*/]{0,255}|[a-z0-9][a-z0-9_\\-*/]{0,240}@[a-z][a-z0-9_\\-*/]{0,13})"
                    + "=[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]");

    private TraceState() {}

    /** Whether all values of the header, joined by commas, are a list of members. */
    public static boolean valid(String joined) {
        if (joined.length() > MOST_CHARACTERS) {
            return false;
        }
        int members = 0;
        for (String each : joined.split(",", -1)) {
            String member = each.strip();
            if (!member.isEmpty()
                    && (++members > MOST_MEMBERS || !MEMBER.matcher(member).matches())) {
                return false;
            }
        }
        return members > 0;
    }
}
