package dev.coppice.gateway.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A body that is kept, in pieces of {@value #PIECE_BYTES} bytes of which the last may be shorter. Immutable. */
public final class Body {
    public static final int PIECE_BYTES = 32 << 10;

    /** Of an answer without one. */
    public static final Body EMPTY = new Body(new byte[0][], 0);

    private final byte[][] pieces;
    private final long length;

    private Body(byte[][] pieces, long length) {
        this.pieces = pieces;
        this.length = length;
    }

    /** Takes a body down. Used by one thread. */
    public static final class Recorder {
        private final List<byte[]> pieces = new ArrayList<>(1);
        private byte[] last = new byte[0];
        /** Of the last piece. */
        private int filled;

        private long length;

        /** Copies bytes out of where they are. */
        @FunctionalInterface
        public interface Source {
            /** Gives bytes from a position on. */
            void read(int from, byte[] into, int offset, int count);
        }

        /** Takes so many bytes from a source. */
        public void take(Source source, int count) {
            int left = count;
            while (left > 0) {
                if (filled == last.length) {
                    room(left);
                }
                int now = Math.min(left, last.length - filled);
                source.read(count - left, last, filled, now);
                filled += now;
                left -= now;
            }
            length += count;
        }

        /** A short body has one piece, that grows with it. */
        private void room(int wanted) {
            if (pieces.isEmpty() && last.length < PIECE_BYTES) {
                last = Arrays.copyOf(last, Math.min(PIECE_BYTES, Math.max(2 * last.length, filled + wanted)));
                return;
            }
            pieces.add(last);
            last = new byte[PIECE_BYTES];
            filled = 0;
        }

        public long length() {
            return length;
        }

        /** Nothing may be taken afterwards. */
        public Body made() {
            if (length == 0) {
                return EMPTY;
            }
            pieces.add(filled == last.length ? last : Arrays.copyOf(last, filled));
            return new Body(pieces.toArray(byte[][]::new), length);
        }
    }

    /** In bytes. */
    public long length() {
        return length;
    }

    /** The array that a byte is in, at its position modulo {@link #PIECE_BYTES}. Not to be written to. */
    public byte[] piece(long position) {
        return pieces[(int) (position / PIECE_BYTES)];
    }
}
