package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Target;
import org.jspecify.annotations.Nullable;

/** Checks a request that is authorized and well-formed. Safe for use by many threads. */
@FunctionalInterface
public interface Admission {

    /** What is done to the object. */
    enum Operation {
        CREATE,
        UPDATE,
        DELETE
    }

    /**
     * A request.
     *
     * @param object as it would be stored; null for a deletion
     * @param old as it is stored; null for a creation
     * @param options the Options tree of the verb
     */
    record Request(
            Operation operation,
            Target target,
            @Nullable ObjectNode object,
            @Nullable ObjectNode old,
            ObjectNode options,
            boolean dryRun,
            Caller caller) {}

    /** Lets it pass, or throws an {@link dev.coppice.control.ApiException}. */
    void admit(Request request);
}
