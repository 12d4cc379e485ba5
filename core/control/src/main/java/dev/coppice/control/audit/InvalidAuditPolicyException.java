package dev.coppice.control.audit;

import java.util.List;

/** A policy file that cannot be used. */
public final class InvalidAuditPolicyException extends Exception {
    private final transient List<String> problems;

    InvalidAuditPolicyException(List<String> problems) {
        super(String.join("; ", problems));
        this.problems = List.copyOf(problems);
    }

    /** Everything that is wrong: field, value, what was expected. */
    public List<String> problems() {
        return problems;
    }
}
