package dev.coppice.expression;

/** An expression constructed something whose type is not the one of the place where it stands. */
public final class MismatchedTypeException extends Exception {
    private static final long serialVersionUID = 1L;

    MismatchedTypeException(String message) {
        super(message, null, false, false);
    }
}
