package dev.coppice.gateway.control;

/** A policy says something that cannot be done; the message names the field, from the section on that is being read, and the value. */
final class InvalidPolicyException extends Exception {
    private static final long serialVersionUID = 1;

    InvalidPolicyException(String message) {
        super(message, null, false, false);
    }

    /** The same, a field further out. */
    InvalidPolicyException in(String field) {
        return new InvalidPolicyException(field + "." + getMessage());
    }
}
