package dev.coppice.acceptance.gateway;

import java.util.ArrayList;
import java.util.List;

/** Splits texts of the data where their words are not quoted. */
final class Texts {
    private static final String STEP = " — step: ";

    private Texts() {}

    /** Parts between separators that stand outside of backquotes, braces, brackets and parentheses; stripped. */
    static List<String> split(String text, String separator) {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        boolean quoted = false;
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '`') {
                quoted = !quoted;
            } else if (!quoted && "{[(".indexOf(c) >= 0) {
                depth++;
            } else if (!quoted && "}])".indexOf(c) >= 0) {
                depth--;
            } else if (!quoted && depth == 0 && text.startsWith(separator, i)) {
                parts.add(text.substring(start, i).strip());
                start = i + separator.length();
                i = start - 1;
            }
        }
        parts.add(text.substring(start).strip());
        return parts;
    }

    /** What a text says before it names its step. */
    static String withoutStep(String text) {
        int step = text.indexOf(STEP);
        return (step < 0 ? text : text.substring(0, step)).strip();
    }

    /** The step that a text names; empty for none. */
    static String step(String text) {
        int step = text.indexOf(STEP);
        return step < 0 ? "" : text.substring(step + STEP.length()).strip();
    }
}
