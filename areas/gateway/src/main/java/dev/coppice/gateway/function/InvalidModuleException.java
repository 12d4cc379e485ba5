package dev.coppice.gateway.function;

import java.util.List;

/** Some bytes are no module that can be run. */
public final class InvalidModuleException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<String> problems;

    InvalidModuleException(List<String> problems) {
        super(String.join("; ", problems));
        this.problems = List.copyOf(problems);
    }

    InvalidModuleException(String problem) {
        this(List.of(problem));
    }

    /** All that is wrong. */
    public List<String> problems() {
        return problems;
    }
}
