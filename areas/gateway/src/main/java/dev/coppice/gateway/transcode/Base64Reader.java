package dev.coppice.gateway.transcode;

import java.util.Arrays;

/**
 * Reads base64 (RFC 4648, 4) that comes in parts, cut anywhere. Each group of four characters may be padded, as those who write a stream pad what they
 * flush. Not safe for use by many threads.
 */
public final class Base64Reader {
    private static final byte[] VALUES = new byte[128];
    private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    static {
        Arrays.fill(VALUES, (byte) -1);
        for (int i = 0; i < ALPHABET.length(); i++) {
            VALUES[ALPHABET.charAt(i)] = (byte) i;
        }
    }

    private int group;
    private int count;
    private int padding;

    /**
     * Reads a part.
     *
     * @return what is known of the bytes so far, beyond what was returned before
     * @throws IllegalArgumentException when it is no base64; nothing more can be read then
     */
    public byte[] read(byte[] part) {
        byte[] out = new byte[(part.length + count) / 4 * 3];
        int length = 0;
        for (byte each : part) {
            if (each == '=') {
                padding++;
            } else if (padding > 0) {
                throw new IllegalArgumentException("padding in the middle of four characters");
            }
            int value = each < 0 ? -1 : each == '=' ? 0 : VALUES[each];
            if (value < 0 || padding > 2) {
                throw new IllegalArgumentException("a character that base64 does not have");
            }
            group = group << 6 | value;
            if (++count == 4) {
                for (int i = 0; i < 3 - padding; i++) {
                    out[length++] = (byte) (group >> (16 - 8 * i));
                }
                group = 0;
                count = 0;
                padding = 0;
            }
        }
        return Arrays.copyOf(out, length);
    }

    /** Whether what was read may be all: no group of four is begun. */
    public boolean complete() {
        return count == 0;
    }
}
