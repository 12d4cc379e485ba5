package dev.coppice.gateway.function;

import dev.coppice.gateway.function.FunctionException.Reason;

/** Ends a guest's call from within a function of the host; it goes through the guest's frames, which cannot catch it. */
final class GuestFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Reason reason;

    GuestFault(Reason reason, String message) {
        super(message, null, false, false);
        this.reason = reason;
    }

    GuestFault(String message) {
        this(Reason.FAILED, message);
    }

    /** Ends a call that was interrupted. */
    static void ifInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new GuestFault(Reason.INTERRUPTED, "it was interrupted");
        }
    }

    FunctionException exception() {
        return new FunctionException(reason, String.valueOf(getMessage()));
    }
}
