package dev.coppice.distribution.codec;

/** A message cannot be written, or read; tells why, and what was expected. */
public final class MessageException extends RuntimeException {
    public MessageException(String message) {
        super(message);
    }
}
