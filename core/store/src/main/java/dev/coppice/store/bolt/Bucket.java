package dev.coppice.store.bolt;

import java.io.IOException;

/**
 * A named set of pairs, as it is to be written.
 *
 * @param entries its pairs; asked for twice, and the same both times
 */
public record Bucket(String name, Entries entries) {

    /** Takes pairs, in the order of their keys' unsigned bytes. */
    @FunctionalInterface
    public interface Taker {
        void entry(byte[] key, byte[] value) throws IOException;
    }

    /** Hands over pairs. */
    @FunctionalInterface
    public interface Entries {
        void forEach(Taker taker) throws IOException;
    }
}
