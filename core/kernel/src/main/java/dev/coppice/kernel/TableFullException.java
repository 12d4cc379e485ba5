package dev.coppice.kernel;

/** A bounded {@link Table} that refuses new keys holds as many as it may. */
public final class TableFullException extends RuntimeException {
    public TableFullException(String message) {
        super(message);
    }
}
