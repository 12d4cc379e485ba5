package dev.coppice.store.engine;

import dev.coppice.store.api.KeyValue;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * How changes lie in etcd's bucket {@code key}: by 8 bytes revision, an underscore, 8 bytes place in it, and {@code t} for a
 * deletion; as a KeyValue message, which of a deletion has the key only.
 */
final class EtcdKeys {
    private EtcdKeys() {}

    private static final int REVISION_BYTES = 17;

    static byte[] revision(long revision, int sub, boolean deletion) {
        ByteBuffer out = ByteBuffer.allocate(REVISION_BYTES + (deletion ? 1 : 0));
        out.putLong(revision).put((byte) '_').putLong(sub);
        if (deletion) {
            out.put((byte) 't');
        }
        return out.array();
    }

    /** A change as it lies on our disk, as etcd's value. */
    static byte[] value(byte[] change) {
        if (change[0] == 0) {
            return Arrays.copyOfRange(change, 1, change.length);
        }
        return KeyValue.newBuilder()
                .setKey(Change.decode(change).pair().getKey())
                .build()
                .toByteArray();
    }

    static boolean wellFormed(byte[] key) {
        return (key.length == REVISION_BYTES || deletion(key)) && key[8] == '_';
    }

    static boolean deletion(byte[] key) {
        return key.length == REVISION_BYTES + 1 && key[REVISION_BYTES] == 't';
    }

    static long revisionOf(byte[] key) {
        return ByteBuffer.wrap(key).getLong(0);
    }

    static long subOf(byte[] key) {
        return ByteBuffer.wrap(key).getLong(9);
    }
}
