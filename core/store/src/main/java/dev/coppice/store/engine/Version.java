package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.KeyValue;
import java.nio.ByteBuffer;

/**
 * One version of a key, without key and value.
 *
 * @param mod the revision that made it
 * @param sub its place within that revision; with {@code mod} it finds the value
 * @param create the revision that created the key; 0 for a deletion
 * @param version changes since the creation; 0 for a deletion
 * @param lease the lease that the key is attached to, or 0
 */
record Version(long mod, int sub, long create, long version, long lease) {

    private static final int BYTES = 36;

    boolean deleted() {
        return version == 0;
    }

    byte[] encode() {
        return ByteBuffer.allocate(BYTES)
                .putLong(mod)
                .putInt(sub)
                .putLong(create)
                .putLong(version)
                .putLong(lease)
                .array();
    }

    static Version decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        return new Version(in.getLong(), in.getInt(), in.getLong(), in.getLong(), in.getLong());
    }

    /** The pair without its value. */
    KeyValue keyOnly(ByteString key) {
        return KeyValue.newBuilder()
                .setKey(key)
                .setCreateRevision(create)
                .setModRevision(mod)
                .setVersion(version)
                .setLease(lease)
                .build();
    }
}
