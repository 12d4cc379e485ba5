package dev.coppice.serving;

import java.io.IOException;

/** A request's body is larger than its listener takes. */
public final class BodyTooLargeException extends IOException {
    private final long limitBytes;

    public BodyTooLargeException(long limitBytes) {
        super("the request body is larger than the limit of " + limitBytes + " bytes");
        this.limitBytes = limitBytes;
    }

    public long limitBytes() {
        return limitBytes;
    }
}
