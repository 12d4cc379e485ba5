package dev.coppice.expression;

/**
 * How deep a source nests its brackets, told without parsing it: the parser's time grows fast with depth, for sources with
 * mistakes above all. Brackets in strings and comments do not count.
 */
final class Nesting {

    private final String source;
    private int at;

    private Nesting(String source) {
        this.source = source;
    }

    static int of(String source) {
        return new Nesting(source).deepest();
    }

    private int deepest() {
        int depth = 0;
        int deepest = 0;
        while (at < source.length()) {
            switch (source.charAt(at)) {
                case '(', '[', '{' -> deepest = Math.max(deepest, ++depth);
                case ')', ']', '}' -> depth = Math.max(0, depth - 1);
                case '"', '\'' -> skipString();
                case '/' -> skipComment();
                default -> {}
            }
            at++;
        }
        return deepest;
    }

    /** Leaves {@link #at} on the last character of the string. One that is not closed ends with its line. */
    private void skipString() {
        char quote = source.charAt(at);
        boolean raw = at > 0 && (source.charAt(at - 1) == 'r' || source.charAt(at - 1) == 'R');
        String triple = String.valueOf(quote).repeat(3);
        boolean isTriple = source.startsWith(triple, at);
        at += isTriple ? 3 : 1;
        while (at < source.length()) {
            char c = source.charAt(at);
            if (c == '\\' && !raw) {
                at += 2;
            } else if (isTriple ? source.startsWith(triple, at) : c == quote || c == '\n') {
                at += isTriple ? 2 : 0;
                return;
            } else {
                at++;
            }
        }
    }

    private void skipComment() {
        if (source.startsWith("//", at)) {
            int end = source.indexOf('\n', at);
            at = end < 0 ? source.length() : end;
        }
    }
}
