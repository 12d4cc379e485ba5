package dev.coppice.gateway.limit;

import java.util.Arrays;

/**
 * Makes 64 bits of the parts of a key, by SipHash-1-3 with a secret: whoever does not know the secret cannot look for keys that share a
 * counter, or that crowd one part of a table. With ten million keys the odds that any two share one are below one in 300,000. A limit has
 * to put the same number of parts into each of its keys; then no two different lists of parts are the same to it. For one thread;
 * allocates nothing but room for a key that is longer than all before.
 *
 * <p>Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). Texts are taken in words of four UTF-16 units, with their
 * length in the last one.
 */
public final class KeyHash {
    private static final int UNITS = 4;
    private static final int UNIT_BITS = 16;
    private static final int ROUNDS_AT_END = 3;

    private final long secret0;
    private final long secret1;
    private long[] words = new long[64];
    private int count;

    /** @param secret0 half of the secret; the same in all threads that ask one limit */
    public KeyHash(long secret0, long secret1) {
        this.secret0 = secret0;
        this.secret1 = secret1;
    }

    /** Begins a key. */
    public void begin() {
        count = 0;
    }

    /** Adds a text as a part. */
    public void add(String text) {
        int length = text.length();
        long[] to = room(length / UNITS + 1);
        int next = count;
        int at = 0;
        for (; at + UNITS <= length; at += UNITS) {
            to[next++] = text.charAt(at)
                    | (long) text.charAt(at + 1) << UNIT_BITS
                    | (long) text.charAt(at + 2) << 2 * UNIT_BITS
                    | (long) text.charAt(at + 3) << 3 * UNIT_BITS;
        }
        long last = (long) length << 3 * UNIT_BITS;
        for (int bits = 0; at < length; at++, bits += UNIT_BITS) {
            last |= (long) text.charAt(at) << bits;
        }
        to[next++] = last;
        count = next;
    }

    /** Adds a number as a part. */
    public void add(long number) {
        room(1)[count++] = number;
    }

    private long[] room(int more) {
        // The rounds at the end have words too.
        int needed = count + more + ROUNDS_AT_END;
        if (needed > words.length) {
            words = Arrays.copyOf(words, Math.max(needed, 2 * words.length));
        }
        return words;
    }

    /** The key's 64 bits. */
    public long end() {
        long[] all = room(0);
        int end = count;
        Arrays.fill(all, end, end + ROUNDS_AT_END, 0);
        long v0 = secret0 ^ 0x736F6D6570736575L;
        long v1 = secret1 ^ 0x646F72616E646F6DL;
        long v2 = secret0 ^ 0x6C7967656E657261L;
        long v3 = secret1 ^ 0x7465646279746573L;
        for (int i = 0; i < end + ROUNDS_AT_END; i++) {
            long word = all[i];
            v2 ^= i == end ? 0xFF : 0;
            v3 ^= word;
            v0 += v1;
            v2 += v3;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 = Long.rotateLeft(v2, 32);
            v0 ^= word;
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }
}
