package dev.coppice.gateway.template;

import java.util.List;

/**
 * The grammar of templates: <code>{name}</code> is a place, <code>{{</code> and <code>}}</code> are the braces themselves, and all else is
 * literal. Pure functions.
 */
public final class TemplateText {

    /** Takes what a template consists of, in its order. */
    public interface Parts {
        /** Text that stays as it is; never empty, and never twice in a row. */
        void literal(String text);

        /** A place, by what is between its braces. */
        void place(String name);
    }

    private TemplateText() {}

    /**
     * Takes a template apart.
     *
     * @param oneLine whether control characters are refused
     * @param problems gets all that is wrong
     * @param field begins what is said of that
     */
    public static void read(String template, boolean oneLine, List<String> problems, String field, Parts to) {
        StringBuilder literal = new StringBuilder();
        int at = 0;
        while (at < template.length()) {
            char c = template.charAt(at);
            boolean twice = at + 1 < template.length() && template.charAt(at + 1) == c;
            int end = c == '{' && !twice ? template.indexOf('}', at) : -1;
            if (end > 0) {
                flush(literal, to);
                to.place(template.substring(at + 1, end));
                at = end + 1;
                continue;
            }
            if ((c == '{' || c == '}') && !twice) {
                problems.add(field + "\"" + c + "\" at character " + (at + 1) + ": expected {name}, or " + c + c
                        + " for the brace itself");
            } else if (oneLine && (c < ' ' || c == 0x7F)) {
                problems.add(field + "there is a control character at " + (at + 1) + "; a line has none");
            }
            literal.append(c);
            at += (c == '{' || c == '}') && twice ? 2 : 1;
        }
        flush(literal, to);
    }

    private static void flush(StringBuilder literal, Parts to) {
        if (!literal.isEmpty()) {
            to.literal(literal.toString());
            literal.setLength(0);
        }
    }
}
