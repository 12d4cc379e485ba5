package dev.coppice.store;

/**
 * How large one request may be; what is larger is refused with etcd's errors.
 *
 * @param bytes of a write
 * @param operations of a transaction: of its compares, of each branch, and of all levels of a nested one together
 */
public record RequestLimits(int bytes, int operations) {

    /** The most that members can send each other. */
    public static final int MOST_BYTES = 10 << 20;

    /** etcd's defaults. */
    public static final RequestLimits DEFAULT = new RequestLimits(3 << 19, 128);

    public RequestLimits {
        if (bytes < 1 || bytes > MOST_BYTES || operations < 1) {
            throw new IllegalArgumentException("not limits of requests: " + bytes + " bytes, " + operations
                    + " operations: expected 1 to " + MOST_BYTES + " bytes, and at least one operation");
        }
    }
}
