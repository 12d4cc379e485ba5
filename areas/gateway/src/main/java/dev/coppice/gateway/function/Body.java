package dev.coppice.gateway.function;

import dev.coppice.gateway.function.FunctionException.Reason;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;

/** A body that a guest reads from its beginning, and may put another in place of. Not safe for use by many threads. */
final class Body {
    private final byte[] seen;
    private final boolean whole;
    private final int most;
    private int read;
    private @Nullable ByteArrayOutputStream written;

    /**
     * Nothing of it was read.
     *
     * @param seen its beginning
     * @param whole whether that is all
     * @param most bytes that may be written
     */
    Body(byte[] seen, boolean whole, int most) {
        this.seen = seen;
        this.whole = whole;
        this.most = most;
    }

    /** How many bytes a guest that has room for so many gets now. */
    int next(int room) {
        int left = seen.length - read;
        if (left < room && !whole) {
            throw tooLong();
        }
        return Math.min(left, room);
    }

    private static GuestFault tooLong() {
        return new GuestFault(Reason.BODY_TOO_LONG, "it wants more of a body than maxBodyBytes lets it see");
    }

    byte[] bytes() {
        return seen;
    }

    /** From where in {@link #bytes} they are; they count as read from now on. */
    int take(int bytes) {
        int from = read;
        read += bytes;
        return from;
    }

    /** How many bytes may still be written in place of what there is. */
    int room() {
        if (!whole) {
            // The rest would have to be read and thrown away, however long it is.
            throw tooLong();
        }
        return most - (written == null ? 0 : written.size());
    }

    /** Why more than there is {@link #room} for cannot be written. */
    String full() {
        return "it writes a body of more than " + most + " bytes (maxBodyBytes)";
    }

    /** Writes as many bytes as there is {@link #room} for, at most. */
    void write(byte[] bytes) {
        ByteArrayOutputStream to = written;
        if (to == null) {
            to = new ByteArrayOutputStream(bytes.length);
            written = to;
        }
        to.writeBytes(bytes);
    }

    /** What was written; null when nothing was, not even that there is nothing. */
    byte @Nullable [] written() {
        return written == null ? null : written.toByteArray();
    }
}
