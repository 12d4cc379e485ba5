package dev.coppice.store.bolt;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the buckets of a bbolt file, trusting nothing in it: every page is visited at most once, lies within the file, is what
 * its parent takes it for, and has its keys in order. Memory is bounded by the largest page, which is bounded, too. Buckets
 * within buckets are passed over: etcd has none. Used by one thread.
 */
public final class BoltReader implements AutoCloseable {

    /** The most bytes of a page with all that it continues over; etcd's are little longer than its largest request. */
    private static final int MAX_PAGE_BYTES = 64 << 20;

    private static final int MAX_DEPTH = 32;
    private static final int MAX_BUCKETS = 4096;
    private static final int MAX_FILE_PAGES = Integer.MAX_VALUE;

    /** The bytes of a bucket's description: its first page, or, with page 0, a page that follows. */
    private record Root(byte[] description) {}

    private final Path path;
    private final FileChannel file;
    private final BoltFormat.Meta meta;
    private final BitSet visited = new BitSet();
    private final Map<String, Root> buckets = new LinkedHashMap<>();

    private BoltReader(Path path, FileChannel file) throws IOException {
        this.path = path;
        this.file = file;
        this.meta = newest();
        if (meta.pages() <= BoltFormat.META_PAGES
                || meta.pages() > MAX_FILE_PAGES
                || meta.pages() * meta.pageBytes() > file.size()) {
            throw damaged("says that it has " + Long.toUnsignedString(meta.pages()) + " pages of " + meta.pageBytes()
                    + " bytes, but has " + file.size() + " bytes: it was cut off");
        }
        walk(meta.root(), new Bounds(), 0, this::bucket);
    }

    /** Opens a file and reads which buckets it has. */
    public static BoltReader open(Path path) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return new BoltReader(path, file);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    public Collection<String> buckets() {
        return buckets.keySet();
    }

    /** The bytes of its pages; a checksum may follow them. */
    public long bytes() {
        return meta.pages() * meta.pageBytes();
    }

    /** Hands over the pairs of a bucket, in order; none when there is no such bucket. To be called once for each. */
    public void forEach(String bucket, Bucket.Taker taker) throws IOException {
        Root root = buckets.get(bucket);
        if (root == null) {
            return;
        }
        Bounds bounds = new Bounds();
        Visitor visitor = (flags, key, value) -> {
            if (flags == 0) {
                taker.entry(key, value);
            }
        };
        long first =
                ByteBuffer.wrap(root.description).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (first != 0) {
            walk(first, bounds, 0, visitor);
        } else if (root.description.length > BoltFormat.BUCKET_BYTES) {
            ByteBuffer inline = ByteBuffer.wrap(root.description)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .position(BoltFormat.BUCKET_BYTES)
                    .slice()
                    .order(ByteOrder.LITTLE_ENDIAN);
            if (inline.remaining() < BoltFormat.HEADER_BYTES || (inline.getShort(8) & BoltFormat.LEAF) == 0) {
                throw damaged("has a bucket \"" + bucket + "\" that cannot be read");
            }
            leaf(inline, "of bucket \"" + bucket + "\"", bounds, visitor);
        }
    }

    // ---- the start of the file

    private BoltFormat.Meta newest() throws IOException {
        BoltFormat.Meta first = null;
        String reason = "";
        try {
            first = BoltFormat.Meta.decode(read(0, 4096));
        } catch (BoltFormat.BadMetaException e) {
            reason = String.valueOf(e.getMessage());
        }
        BoltFormat.Meta second = null;
        // When the first page is bad, its size is not known; the second one is at a multiple of 512, as bbolt looks for
        // it.
        for (int size = first == null ? 512 : first.pageBytes();
                second == null && size <= (first == null ? 1 << 16 : first.pageBytes());
                size <<= 1) {
            second = metaAt(size);
        }
        if (first != null && (second == null || first.transaction() > second.transaction())) {
            return first;
        }
        if (second != null) {
            return second;
        }
        throw new DamagedFileException(path + " is no snapshot of etcd or Coppice: of its first page, " + reason
                + ": give a file that `etcdctl snapshot save` or `coppice backup` wrote");
    }

    private BoltFormat.@Nullable Meta metaAt(int offset) throws IOException {
        try {
            BoltFormat.Meta found = BoltFormat.Meta.decode(read(offset, 4096));
            return found.pageBytes() == offset ? found : null;
        } catch (BoltFormat.BadMetaException e) {
            return null;
        }
    }

    /** Some bytes of the file, fewer where it ends. */
    private ByteBuffer read(long offset, int bytes) throws IOException {
        int length = (int) Math.clamp(file.size() - offset, 0, bytes);
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (file.read(buffer, offset + buffer.position()) < 0) {
                throw new EOFException(path + " became shorter while it was read");
            }
        }
        return buffer.flip();
    }

    private DamagedFileException damaged(String what) {
        return new DamagedFileException(
                path + " is damaged: it " + what + ": copy it again from where it was made, or use another backup");
    }

    // ---- trees

    private interface Visitor {
        void pair(int flags, byte[] key, byte[] value) throws IOException;
    }

    /** The last key of a tree that was seen; the next has to be after it. */
    private static final class Bounds {
        private byte @Nullable [] last;

        boolean follows(byte[] key) {
            boolean follows = last == null || Arrays.compareUnsigned(last, key) < 0;
            last = key;
            return follows;
        }
    }

    private void bucket(int flags, byte[] key, byte[] value) throws IOException {
        if ((flags & BoltFormat.IS_BUCKET) == 0 || value.length < BoltFormat.BUCKET_BYTES) {
            throw damaged("has something else than a bucket among its buckets");
        }
        if (buckets.size() >= MAX_BUCKETS) {
            throw damaged("has more than " + MAX_BUCKETS + " buckets");
        }
        buckets.put(new String(key, StandardCharsets.UTF_8), new Root(value));
    }

    private void walk(long id, Bounds bounds, int depth, Visitor visitor) throws IOException {
        if (depth > MAX_DEPTH) {
            throw damaged("has a tree deeper than " + MAX_DEPTH + " pages");
        }
        for (long child : visit(id, bounds, visitor)) {
            walk(child, bounds, depth + 1, visitor);
        }
    }

    /** Hands over the pairs of a leaf, or says what is below a branch. */
    private long[] visit(long id, Bounds bounds, Visitor visitor) throws IOException {
        ByteBuffer page = page(id);
        int flags = page.getShort(8) & 0xffff;
        if (flags == BoltFormat.LEAF) {
            leaf(page, String.valueOf(id), bounds, visitor);
            return new long[0];
        }
        if (flags != BoltFormat.BRANCH) {
            throw damaged("has a page " + id + " of kind " + flags + " where a tree goes on");
        }
        return children(page, id);
    }

    private long[] children(ByteBuffer page, long id) throws IOException {
        int elements = page.getShort(10) & 0xffff;
        if (elements == 0 || BoltFormat.HEADER_BYTES + elements * BoltFormat.ELEMENT_BYTES > page.limit()) {
            throw damaged("has a page " + id + " with " + elements + " children, which it cannot have");
        }
        long[] children = new long[elements];
        for (int i = 0; i < elements; i++) {
            children[i] = page.getLong(BoltFormat.HEADER_BYTES + i * BoltFormat.ELEMENT_BYTES + 8);
        }
        return children;
    }

    private ByteBuffer page(long id) throws IOException {
        if (id < BoltFormat.META_PAGES || id >= meta.pages()) {
            throw damaged("names a page " + Long.toUnsignedString(id) + ", but has " + meta.pages());
        }
        if (visited.get((int) id)) {
            throw damaged("names page " + id + " twice");
        }
        ByteBuffer header = read(id * meta.pageBytes(), BoltFormat.HEADER_BYTES);
        long more = Integer.toUnsignedLong(header.getInt(12));
        if (header.getLong(0) != id) {
            throw damaged("has page " + Long.toUnsignedString(header.getLong(0)) + " where page " + id + " belongs");
        }
        long bytes = (more + 1) * meta.pageBytes();
        if (more >= meta.pages() - id || bytes > MAX_PAGE_BYTES) {
            throw damaged("has a page " + id + " of " + bytes + " bytes; expected at most " + MAX_PAGE_BYTES
                    + ", and all of them within the file");
        }
        visited.set((int) id, (int) (id + more + 1));
        return read(id * meta.pageBytes(), (int) bytes);
    }

    private void leaf(ByteBuffer page, String name, Bounds bounds, Visitor visitor) throws IOException {
        int elements = page.getShort(10) & 0xffff;
        if (BoltFormat.HEADER_BYTES + elements * BoltFormat.ELEMENT_BYTES > page.limit()) {
            throw damaged("has a page " + name + " with " + elements + " pairs, which it cannot have");
        }
        long total = 0;
        for (int i = 0; i < elements; i++) {
            int at = BoltFormat.HEADER_BYTES + i * BoltFormat.ELEMENT_BYTES;
            int flags = page.getInt(at);
            long start = at + Integer.toUnsignedLong(page.getInt(at + 4));
            long keyBytes = Integer.toUnsignedLong(page.getInt(at + 8));
            long valueBytes = Integer.toUnsignedLong(page.getInt(at + 12));
            // Pairs that lay over each other would let a small file stand for a huge one.
            total += keyBytes + valueBytes;
            if (start + keyBytes + valueBytes > page.limit() || total > page.limit()) {
                throw damaged("has a page " + name + " whose pair " + i + " does not fit into it");
            }
            byte[] key = new byte[(int) keyBytes];
            byte[] value = new byte[(int) valueBytes];
            page.get((int) start, key).get((int) (start + keyBytes), value);
            if (!bounds.follows(key)) {
                throw damaged("has a page " + name + " whose keys are not in order");
            }
            visitor.pair(flags, key, value);
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
