package dev.coppice.distribution.consensus;

/** A state machine refused a command: it threw this, in words, on every node. */
public final class CommandException extends RuntimeException {
    public CommandException(String message) {
        super(message);
    }
}
