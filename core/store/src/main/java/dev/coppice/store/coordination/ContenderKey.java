package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import java.util.Optional;

/**
 * The key of one contender for a lock or an election: the name, a slash, and the lease in hexadecimal, as etcd's clients
 * make it.
 *
 * @param name what is contended for
 * @param lease the contender's lease
 */
public record ContenderKey(ByteString name, long lease) {
    private static final int MOST_DIGITS = 16;
    private static final byte SLASH = '/';

    /** The key itself. */
    public ByteString bytes() {
        return of(name, lease);
    }

    public static ByteString of(ByteString name, long lease) {
        return below(name).concat(ByteString.copyFromUtf8(Long.toHexString(lease)));
    }

    /** What all contenders for a name begin with. */
    public static ByteString below(ByteString name) {
        return name.concat(ByteString.copyFromUtf8("/"));
    }

    /** Whether a key ends as that of a contender; cheap, to be asked of every key that changes. */
    public static boolean looksLike(ByteString key) {
        return slash(key) > 0;
    }

    /** Where the last slash is, if what follows it can be a lease; else -1. */
    private static int slash(ByteString key) {
        int slash = key.size() - 1;
        while (slash >= 0 && key.size() - slash <= MOST_DIGITS && hex(key.byteAt(slash))) {
            slash--;
        }
        boolean lease =
                slash > 0 && slash < key.size() - 1 && key.byteAt(slash) == SLASH && key.byteAt(slash + 1) != '0';
        return lease ? slash : -1;
    }

    /** Reads a key; empty when it has not this form. That its lease has this number is for the caller to see. */
    public static Optional<ContenderKey> parse(ByteString key) {
        int slash = slash(key);
        if (slash < 0) {
            return Optional.empty();
        }
        long lease = Long.parseUnsignedLong(key.substring(slash + 1).toStringUtf8(), 16);
        return Optional.of(new ContenderKey(key.substring(0, slash), lease));
    }

    private static boolean hex(byte digit) {
        return digit >= '0' && digit <= '9' || digit >= 'a' && digit <= 'f';
    }
}
