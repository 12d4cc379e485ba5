package dev.coppice.gateway.function;

/** Ends a call that wants to read the request's body, which was not waited for yet. */
final class BodyNeededFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    BodyNeededFault() {
        super("the body is needed", null, false, false);
    }
}
