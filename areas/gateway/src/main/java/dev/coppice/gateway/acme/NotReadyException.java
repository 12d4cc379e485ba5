package dev.coppice.gateway.acme;

/** Something is missing that somebody has to bring, or that will come. */
final class NotReadyException extends Exception {
    /** @param message for people */
    NotReadyException(String message) {
        super(message);
    }
}
