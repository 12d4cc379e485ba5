package dev.coppice.store;

import io.grpc.Status;

/**
 * A request that the store refused or could not carry out, with the status code and the exact message text that etcd
 * gives for it, so that the clients that recognise errors by their text do so.
 */
public final class StoreException extends RuntimeException {

    private final Status.Code code;

    public StoreException(Status.Code code, String message) {
        super(message);
        this.code = code;
    }

    public StoreException(Status.Code code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** What went wrong, as gRPC classes it. */
    public Status.Code code() {
        return code;
    }

    /** Whether the revision that was asked for has been compacted away. */
    public boolean compacted() {
        return code == Status.Code.OUT_OF_RANGE && String.valueOf(getMessage()).endsWith("has been compacted");
    }

    /** As gRPC tells it. */
    public Status status() {
        return Status.fromCode(code).withDescription(getMessage());
    }
}
