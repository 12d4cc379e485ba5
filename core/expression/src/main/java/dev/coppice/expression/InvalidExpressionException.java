package dev.coppice.expression;

import java.util.List;
import java.util.stream.Collectors;

/** An expression does not compile. All that is wrong with it is told at once. */
public final class InvalidExpressionException extends Exception {

    private final String source;
    private final transient List<Problem> problems;
    private final String display;

    InvalidExpressionException(String source, List<Problem> problems, String display) {
        super("the expression `" + abbreviate(source) + "` is not valid: "
                + problems.stream().map(Problem::toString).collect(Collectors.joining("; ")));
        this.source = source;
        this.problems = List.copyOf(problems);
        this.display = display;
    }

    public String source() {
        return source;
    }

    public List<Problem> problems() {
        return problems;
    }

    /** The problems as CEL compilers print them, with the source lines and carets; the text that Kubernetes quotes. */
    public String display() {
        return display;
    }

    static String abbreviate(String source) {
        return source.length() <= 120 ? source : source.substring(0, 120) + "…";
    }
}
