package dev.coppice.store.coordination;

/**
 * What was held or waited for is gone: the lease has ended, or the key was deleted, by hand or to resolve a deadlock. Its
 * message names the key.
 */
public final class SessionExpiredException extends RuntimeException {
    public SessionExpiredException(String message) {
        super(message);
    }
}
