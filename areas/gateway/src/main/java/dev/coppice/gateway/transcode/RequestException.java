package dev.coppice.gateway.transcode;

/** A request cannot be made into a message; the sender is told why. */
public final class RequestException extends Exception {
    private static final long serialVersionUID = 1;

    RequestException(String message) {
        super(message, null, false, false);
    }
}
