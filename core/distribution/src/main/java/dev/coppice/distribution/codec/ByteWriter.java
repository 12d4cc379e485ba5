package dev.coppice.distribution.codec;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that grow up to a bound; numbers are variable-length (protobuf's varint, zigzag). For one thread. */
public final class ByteWriter {
    private final int max;
    private byte[] bytes = new byte[64];
    private int length;

    /** @param max one byte more is a {@link MessageException} */
    public ByteWriter(int max) {
        this.max = max;
    }

    private void room(int more) {
        if (more > max - length) {
            throw new MessageException(
                    "the message is larger than " + max + " bytes: send less at once, or a reference");
        }
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.min(max, Math.max(length + more, bytes.length * 2)));
        }
    }

    public ByteWriter octet(int value) {
        room(1);
        bytes[length++] = (byte) value;
        return this;
    }

    /** Eight bytes, the highest first. */
    public ByteWriter fixed(long value) {
        room(8);
        for (int shift = 56; shift >= 0; shift -= 8) {
            bytes[length++] = (byte) (value >>> shift);
        }
        return this;
    }

    public ByteWriter unsigned(long value) {
        long left = value;
        while ((left & ~0x7FL) != 0) {
            octet((int) (left & 0x7F | 0x80));
            left >>>= 7;
        }
        return octet((int) left);
    }

    public ByteWriter signed(long value) {
        return unsigned(value << 1 ^ value >> 63);
    }

    public ByteWriter bytes(byte[] value) {
        unsigned(value.length);
        return raw(value);
    }

    public ByteWriter raw(byte[] value) {
        room(value.length);
        System.arraycopy(value, 0, bytes, length, value.length);
        length += value.length;
        return this;
    }

    public ByteWriter text(String value) {
        return bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    public byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }
}
