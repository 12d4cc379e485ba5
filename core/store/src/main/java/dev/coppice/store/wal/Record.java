package dev.coppice.store.wal;

import java.nio.ByteBuffer;

/**
 * An entry of the log.
 *
 * @param index its place; entries follow each other without gaps
 * @param kind what its user makes of it, up to 255
 * @param data read from its position to its limit, which stay where they are
 */
public record Record(long index, long term, int kind, ByteBuffer data) {}
