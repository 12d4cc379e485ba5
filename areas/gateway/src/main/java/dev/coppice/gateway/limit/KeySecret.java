package dev.coppice.gateway.limit;

import java.nio.ByteBuffer;

/**
 * What keys of limits are hashed with: 128 bits that no client may know. Whoever shares limits has to have the same ones. Immutable; it is
 * never shown.
 */
public final class KeySecret {
    /** Bytes that one is made of. */
    public static final int BYTES = 16;

    private final long first;
    private final long second;

    public KeySecret(long first, long second) {
        this.first = first;
        this.second = second;
    }

    /** @param bytes of which the first {@value #BYTES} count */
    public static KeySecret of(byte[] bytes) {
        if (bytes.length < BYTES) {
            throw new IllegalArgumentException("bytes: " + bytes.length + "; expected at least " + BYTES);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new KeySecret(buffer.getLong(), buffer.getLong());
    }

    /** Makes keys with it, for one thread. */
    public KeyHash hash() {
        return new KeyHash(first, second);
    }

    @Override
    public String toString() {
        return "KeySecret";
    }
}
