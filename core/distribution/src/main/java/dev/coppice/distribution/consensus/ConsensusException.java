package dev.coppice.distribution.consensus;

/** There was no answer of a group in time; the message tells why. A command may be applied or not. */
public final class ConsensusException extends RuntimeException {
    public ConsensusException(String message) {
        super(message);
    }
}
