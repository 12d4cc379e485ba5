package dev.coppice.gateway.function;

import dev.coppice.gateway.filter.RequestOutcome;
import org.jspecify.annotations.Nullable;

/** What a function makes of a request. */
public sealed interface FunctionOutcome {

    /** It wants to read the body: once that is there, it is to be called again. Nothing of this call is left. */
    record BodyNeeded() implements FunctionOutcome {}

    /**
     * The request goes on, perhaps changed.
     *
     * @param body in place of the request's; null: that stays
     * @param visit to be told of the answer; null: nobody has to be
     */
    record Passed(
            RequestOutcome.Passed changes,
            byte @Nullable [] body,
            @Nullable FunctionVisit visit) implements FunctionOutcome {}

    /** This is the answer. */
    record Answered(RequestOutcome.Answered answer) implements FunctionOutcome {}
}
