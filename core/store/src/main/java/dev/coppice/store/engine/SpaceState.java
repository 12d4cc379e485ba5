package dev.coppice.store.engine;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a keyspace notes of itself beside its keys, as it lies on the disk.
 *
 * @param compacted the revision before which history is gone; {@link #NEVER} when it never was compacted
 * @param addedBytes everything that was ever added; what compaction freed is counted apart
 * @param keys that are there now; {@link #UNCOUNTED} in what an older version wrote
 */
record SpaceState(long revision, long compacted, long addedBytes, long keys) {

    /** What stands for the compacted revision of a keyspace that never was compacted: as in etcd, 0 may be compacted once. */
    static final long NEVER = -1;

    static final long UNCOUNTED = -1;

    private static final SpaceState NEW = new SpaceState(1, NEVER, 0, 0);

    private static final int BYTES = 32;
    private static final int UNCOUNTED_BYTES = 24;

    /** The things that are noted, by the letter that ends their key. */
    static final char STATE = 'S';

    static final char FREED = 'F';
    static final char ALARMS = 'L';
    static final char PHYSICAL = 'P';

    /** Where one of those lies. */
    static byte[] key(int space, char sort) {
        return ByteBuffer.allocate(4)
                .put((byte) 's')
                .putShort((short) space)
                .put((byte) sort)
                .array();
    }

    /** @param bytes null for a keyspace that nothing was written to */
    static SpaceState decode(byte @Nullable [] bytes) {
        if (bytes == null) {
            return NEW;
        }
        ByteBuffer state = ByteBuffer.wrap(bytes);
        return new SpaceState(
                state.getLong(0),
                state.getLong(8),
                state.getLong(16),
                bytes.length >= BYTES ? state.getLong(UNCOUNTED_BYTES) : UNCOUNTED);
    }

    byte[] encode() {
        return ByteBuffer.allocate(BYTES)
                .putLong(revision)
                .putLong(compacted)
                .putLong(addedBytes)
                .putLong(keys)
                .array();
    }
}
