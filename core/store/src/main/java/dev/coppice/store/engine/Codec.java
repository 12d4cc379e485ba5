package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * How keys of the state lie on disk. Every key starts with the two-byte number of its keyspace; numbers are big-endian, so
 * that the order of the bytes is the order of the numbers.
 *
 * <ul>
 *   <li>live: {@code space key} to the {@link Version} that is current; a deleted key is not there
 *   <li>history: {@code space escaped-key 00 00 ~revision} to a {@link Version}; newest first
 *   <li>revisions: {@code space revision sub} to one byte (0 put, 1 deletion) and a KeyValue message
 *   <li>leases: {@code space 00 id} to its TTL and what was left of it at its last checkpoint; {@code space 01 id key} to nothing
 * </ul>
 */
final class Codec {
    private Codec() {}

    static final int SPACE_BYTES = 2;

    static byte[] live(int space, ByteString key) {
        byte[] out = new byte[SPACE_BYTES + key.size()];
        out[0] = (byte) (space >> 8);
        out[1] = (byte) space;
        key.copyTo(out, SPACE_BYTES);
        return out;
    }

    static ByteString keyOfLive(byte[] live) {
        return ByteString.copyFrom(live, SPACE_BYTES, live.length - SPACE_BYTES);
    }

    /** The first key after everything of a keyspace. */
    static byte[] spaceEnd(int space) {
        return new byte[] {(byte) ((space + 1) >> 8), (byte) (space + 1)};
    }

    /** Where the live keys of a range end, exclusive. */
    static byte[] liveEnd(int space, ByteString rangeEnd) {
        return toInfinity(rangeEnd) ? spaceEnd(space) : live(space, rangeEnd);
    }

    /** Whether a range end means every key from the start on: one zero byte. */
    static boolean toInfinity(ByteString rangeEnd) {
        return rangeEnd.size() == 1 && rangeEnd.byteAt(0) == 0;
    }

    /** The start of the history of a key, without the revision: zero bytes of the key become {@code 00 FF}. */
    static byte[] historyPrefix(int space, ByteString key) {
        int zeros = 0;
        for (int i = 0; i < key.size(); i++) {
            if (key.byteAt(i) == 0) {
                zeros++;
            }
        }
        byte[] out = new byte[SPACE_BYTES + key.size() + zeros + 2];
        out[0] = (byte) (space >> 8);
        out[1] = (byte) space;
        int at = SPACE_BYTES;
        for (int i = 0; i < key.size(); i++) {
            byte b = key.byteAt(i);
            out[at++] = b;
            if (b == 0) {
                out[at++] = (byte) 0xff;
            }
        }
        return out;
    }

    static byte[] history(int space, ByteString key, long revision) {
        byte[] prefix = historyPrefix(space, key);
        byte[] out = Arrays.copyOf(prefix, prefix.length + 8);
        ByteBuffer.wrap(out, prefix.length, 8).putLong(~revision);
        return out;
    }

    static byte[] historyEnd(int space, ByteString rangeEnd) {
        return toInfinity(rangeEnd) ? spaceEnd(space) : historyPrefix(space, rangeEnd);
    }

    static long revisionOfHistory(byte[] history) {
        return ~ByteBuffer.wrap(history).getLong(history.length - 8);
    }

    static ByteString keyOfHistory(byte[] history) {
        int end = history.length - 10;
        byte[] key = new byte[end - SPACE_BYTES];
        int length = 0;
        for (int i = SPACE_BYTES; i < end; i++) {
            key[length++] = history[i];
            if (history[i] == 0) {
                i++;
            }
        }
        return ByteString.copyFrom(key, 0, length);
    }

    /** Where the history of the next key starts at the earliest. */
    static byte[] afterHistoryOf(byte[] history) {
        byte[] out = Arrays.copyOf(history, history.length - 8);
        out[out.length - 1] = 1;
        return out;
    }

    static byte[] revision(int space, long revision, int sub) {
        return ByteBuffer.allocate(SPACE_BYTES + 12)
                .putShort((short) space)
                .putLong(revision)
                .putInt(sub)
                .array();
    }

    static long revisionOf(byte[] revisionKey) {
        return ByteBuffer.wrap(revisionKey).getLong(SPACE_BYTES);
    }

    static int subOf(byte[] revisionKey) {
        return ByteBuffer.wrap(revisionKey).getInt(SPACE_BYTES + 8);
    }

    static byte[] lease(int space, long id) {
        return ByteBuffer.allocate(SPACE_BYTES + 9)
                .putShort((short) space)
                .put((byte) 0)
                .putLong(id)
                .array();
    }

    static byte[] leaseKeyPrefix(int space, long id) {
        return ByteBuffer.allocate(SPACE_BYTES + 9)
                .putShort((short) space)
                .put((byte) 1)
                .putLong(id)
                .array();
    }

    static byte[] leaseKey(int space, long id, ByteString key) {
        byte[] prefix = leaseKeyPrefix(space, id);
        byte[] out = Arrays.copyOf(prefix, prefix.length + key.size());
        key.copyTo(out, prefix.length);
        return out;
    }

    static byte[] number(long value) {
        return ByteBuffer.allocate(8).putLong(value).array();
    }

    static long number(byte[] value) {
        return ByteBuffer.wrap(value).getLong();
    }

    /** What is kept of a lease: the seconds granted, and those left at its last checkpoint, 0 where there was none. */
    static byte[] leaseTimes(long ttlSeconds, long remainingSeconds) {
        return ByteBuffer.allocate(16)
                .putLong(ttlSeconds)
                .putLong(remainingSeconds)
                .array();
    }

    /** The seconds left of a lease; those that were kept first have none. */
    static long remaining(byte[] leaseTimes) {
        return leaseTimes.length < 16 ? 0 : ByteBuffer.wrap(leaseTimes).getLong(8);
    }

    static boolean startsWith(byte[] bytes, byte[] prefix) {
        return bytes.length >= prefix.length && Arrays.equals(bytes, 0, prefix.length, prefix, 0, prefix.length);
    }

    static int compare(byte[] left, byte[] right) {
        return Arrays.compareUnsigned(left, right);
    }
}
