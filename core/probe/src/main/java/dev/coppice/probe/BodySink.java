package dev.coppice.probe;

import java.util.Arrays;

/**
 * Takes what a peer sends and keeps a bounded beginning of it. Not safe for use by many threads.
 */
final class BodySink {
    private final int keepBytes;
    private final long limitBytes;
    private byte[] kept;
    private int length;
    private long total;
    private boolean truncated;

    /**
     * @param keepBytes how much is kept
     * @param limitBytes how much is counted before the sink is full
     */
    BodySink(int keepBytes, long limitBytes) {
        this.keepBytes = keepBytes;
        this.limitBytes = limitBytes;
        this.kept = new byte[Math.min(keepBytes, 512)];
    }

    /** False when the sink is full: nobody needs to read on. */
    boolean accept(byte[] bytes, int offset, int count) {
        if (total + count > limitBytes) {
            truncated = true;
            count = (int) (limitBytes - total);
        }
        total += count;
        int room = Math.min(count, keepBytes - length);
        if (room > 0) {
            if (length + room > kept.length) {
                kept = Arrays.copyOf(kept, Math.min(keepBytes, Math.max(length + room, kept.length * 2)));
            }
            System.arraycopy(bytes, offset, kept, length, room);
            length += room;
        }
        return !truncated;
    }

    byte[] kept() {
        return kept;
    }

    /** How much of {@link #kept} is filled. */
    int length() {
        return length;
    }

    long total() {
        return total;
    }

    /** Whether more came than the limit. */
    boolean truncated() {
        return truncated;
    }

    String text() {
        return new String(kept, 0, length, java.nio.charset.StandardCharsets.UTF_8);
    }
}
