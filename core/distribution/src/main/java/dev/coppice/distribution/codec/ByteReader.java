package dev.coppice.distribution.codec;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads what a {@link ByteWriter} wrote. Nothing is allocated by a length that the bytes do not have. For one thread; what
 * cannot be read is a {@link MessageException}.
 */
public final class ByteReader {
    private final byte[] bytes;
    private final int end;
    private int at;

    public ByteReader(byte[] bytes) {
        this(bytes, 0, bytes.length);
    }

    public ByteReader(byte[] bytes, int start, int end) {
        this.bytes = bytes;
        this.at = start;
        this.end = end;
    }

    public int left() {
        return end - at;
    }

    public int octet() {
        if (at >= end) {
            throw new MessageException("the message ends too early");
        }
        return bytes[at++] & 0xFF;
    }

    public long fixed() {
        long value = 0;
        for (int i = 0; i < 8; i++) {
            value = value << 8 | octet();
        }
        return value;
    }

    public long unsigned() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int next = octet();
            value |= (long) (next & 0x7F) << shift;
            if (next < 0x80) {
                return value;
            }
        }
        throw new MessageException("a number of the message is too long");
    }

    public long signed() {
        long value = unsigned();
        return value >>> 1 ^ -(value & 1);
    }

    /** A number of elements, each of which takes a byte at least. */
    public int count() {
        long value = unsigned();
        if (value < 0 || value > left()) {
            throw new MessageException("the message names " + value + " elements and has " + left() + " bytes left");
        }
        return (int) value;
    }

    public byte[] bytes() {
        int length = count();
        byte[] value = Arrays.copyOfRange(bytes, at, at + length);
        at += length;
        return value;
    }

    public String text() {
        int length = count();
        try {
            String value = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes, at, length))
                    .toString();
            at += length;
            return value;
        } catch (CharacterCodingException e) {
            throw new MessageException("a text of the message is not UTF-8");
        }
    }
}
