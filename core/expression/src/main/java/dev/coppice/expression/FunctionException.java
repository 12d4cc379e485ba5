package dev.coppice.expression;

import dev.cel.common.CelErrorCode;
import dev.cel.common.exceptions.CelRuntimeException;

/** A function refused its arguments; part of CEL's values, so that {@code ||} and {@code &&} may absorb it. */
final class FunctionException extends CelRuntimeException {
    private final String message;

    FunctionException(String message) {
        super(new IllegalArgumentException(message), CelErrorCode.INVALID_ARGUMENT);
        this.message = message;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
