package dev.coppice.kernel.stage;

import java.util.Map;
import java.util.TreeMap;

/** Says which messages of a batch failed, by their place in the list, and why; the others are done. */
public final class PartialFailureException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Map<Integer, Throwable> failures;

    /** At least one failure; places count from 0. */
    public PartialFailureException(Map<Integer, ? extends Throwable> failures) {
        super(failures.size() + " messages of a batch failed");
        if (failures.isEmpty()) {
            throw new IllegalArgumentException("failures must name at least one message of the batch");
        }
        this.failures = new TreeMap<>(failures);
        initCause(this.failures.values().iterator().next());
    }

    Map<Integer, Throwable> failures() {
        return failures;
    }
}
