package dev.coppice.expression;

import org.jspecify.annotations.Nullable;

/** An evaluation gave no value: the expression failed on this input, or it hit a limit. */
public final class EvaluationException extends Exception {

    /** What stopped it. */
    public enum Cause {
        /** The expression failed: a missing key, a wrong type, a division by zero. */
        ERROR,
        /** It visited more nodes, or made bigger values, than its cost limit allows. */
        COST,
        /** It alone cost more than the budget that it shares with others lets one of them cost. */
        CALL_COST,
        /** It ran out of time. */
        TIME
    }

    private final Cause reason;

    EvaluationException(Cause reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** The same with words before its message. */
    public EvaluationException within(String before) {
        return new EvaluationException(reason, before + getMessage(), this);
    }

    public Cause reason() {
        return reason;
    }
}
