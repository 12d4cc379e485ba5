package dev.coppice.control.runtime;

/** A reconcile that fails and that trying again cannot help: the key waits for the next change of its object. */
public final class TerminalException extends Exception {
    public TerminalException(String message) {
        super(message);
    }

    public TerminalException(String message, Throwable cause) {
        super(message, cause);
    }
}
