package dev.coppice.gateway.function;

/** A call of a function has failed. */
public final class FunctionException extends Exception {
    private static final long serialVersionUID = 1;

    /** Why. */
    public enum Reason {
        /** It did what it may not do, or gave up. */
        FAILED,
        /** It was interrupted. */
        INTERRUPTED,
        /** There is no room for one more instance. */
        BUSY,
        /** It wants more of a body than is kept. */
        BODY_TOO_LONG
    }

    private final Reason reason;

    FunctionException(Reason reason, String message) {
        // What somebody else's code does is no fault of this program, whose stack says nothing about it.
        super(message, null, false, false);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
