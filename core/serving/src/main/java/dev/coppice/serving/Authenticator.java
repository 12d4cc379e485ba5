package dev.coppice.serving;

/** Finds out who asks. Safe for use by many threads. */
@FunctionalInterface
public interface Authenticator {

    /**
     * The identity of the sender; {@link Identity#ANONYMOUS} when it shows no credentials.
     *
     * @throws UnauthenticatedException when it shows credentials that are not valid
     */
    Identity authenticate(Exchange exchange) throws UnauthenticatedException;

    /** The credentials of a request are not valid (expired, unknown, malformed). */
    final class UnauthenticatedException extends Exception {
        public UnauthenticatedException(String message) {
            super(message);
        }
    }
}
