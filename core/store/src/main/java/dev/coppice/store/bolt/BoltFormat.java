package dev.coppice.store.bolt;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The layout of a bbolt file, version 2. Everything is little-endian. A page starts with its id (8 bytes), flags (2), number of
 * elements (2) and the number of pages that it continues over (4). Pages 0 and 1 describe the file; the valid one with the
 * higher transaction counts.
 *
 * @see <a href="https://pkg.go.dev/go.etcd.io/bbolt">bbolt</a>
 */
final class BoltFormat {
    private BoltFormat() {}

    static final int PAGE_BYTES = 4096;
    static final int HEADER_BYTES = 16;
    static final int ELEMENT_BYTES = 16;
    static final int BUCKET_BYTES = 16;
    static final int MAX_ELEMENTS = 0xffff;
    static final int META_PAGES = 2;

    static final int BRANCH = 0x01;
    static final int LEAF = 0x02;
    static final int META = 0x04;
    static final int FREELIST = 0x10;

    /** Marks an element of a leaf whose value is a bucket. */
    static final int IS_BUCKET = 0x01;

    private static final int MAGIC = 0xED0CDAED;
    private static final int VERSION = 2;
    private static final int META_BYTES = 64;
    private static final int CHECKED_BYTES = 56;

    /**
     * What a meta page says.
     *
     * @param root where the tree of buckets starts
     * @param pages the number of pages of the file
     */
    record Meta(int pageBytes, long root, long freelist, long pages, long transaction) {

        byte[] encode() {
            ByteBuffer out = ByteBuffer.allocate(META_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            out.putInt(MAGIC).putInt(VERSION).putInt(pageBytes).putInt(0);
            out.putLong(root)
                    .putLong(0)
                    .putLong(freelist)
                    .putLong(pages)
                    .putLong(transaction)
                    .putLong(checksum(out.array()));
            return out.array();
        }

        /** Reads the meta page in a buffer; says what is wrong when it is not one. */
        static Meta decode(ByteBuffer page) throws BadMetaException {
            if (page.remaining() < HEADER_BYTES + META_BYTES) {
                throw new BadMetaException("the file ends within it");
            }
            byte[] bytes = new byte[META_BYTES];
            page.get(page.position() + HEADER_BYTES, bytes);
            ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            if (in.getInt() != MAGIC) {
                throw new BadMetaException("it has not the mark of a bbolt file");
            }
            int version = in.getInt();
            if (version != VERSION) {
                throw new BadMetaException("it has version " + version + ", expected " + VERSION);
            }
            int pageBytes = in.getInt();
            if (pageBytes < 512 || pageBytes > 1 << 16 || Integer.bitCount(pageBytes) != 1) {
                throw new BadMetaException("it names pages of " + Integer.toUnsignedString(pageBytes) + " bytes");
            }
            in.getInt();
            long root = in.getLong();
            in.getLong();
            Meta meta = new Meta(pageBytes, root, in.getLong(), in.getLong(), in.getLong());
            if (in.getLong() != checksum(bytes)) {
                throw new BadMetaException("its checksum is wrong");
            }
            return meta;
        }
    }

    /** Why a page is no meta page. */
    static final class BadMetaException extends Exception {
        BadMetaException(String message) {
            super(message);
        }
    }

    /** FNV-1a of 64 bits. */
    private static long checksum(byte[] meta) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < CHECKED_BYTES; i++) {
            hash ^= meta[i] & 0xff;
            hash *= 0x100000001b3L;
        }
        return hash;
    }
}
