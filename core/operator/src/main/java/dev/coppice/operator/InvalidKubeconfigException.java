package dev.coppice.operator;

import java.util.List;

/** Says that a kubeconfig cannot be used, with all that is wrong in it. */
public final class InvalidKubeconfigException extends Exception {
    private static final long serialVersionUID = 1;

    private final List<String> problems;

    InvalidKubeconfigException(List<String> problems) {
        super(String.join("; ", problems));
        this.problems = List.copyOf(problems);
    }

    public List<String> problems() {
        return problems;
    }
}
