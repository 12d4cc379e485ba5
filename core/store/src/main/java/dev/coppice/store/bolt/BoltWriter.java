package dev.coppice.store.bolt;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Writes buckets as a bbolt file, from front to back, in little memory: one page of each level of one tree. The first pages
 * of the file say where the trees start and how long it is, so the pairs are read twice: {@link #measure} goes through them
 * without writing, {@link #write} writes. Page size 4096; the list of free pages is there and empty. Used by one thread.
 */
public final class BoltWriter {

    private static final long FREELIST_PAGE = BoltFormat.META_PAGES;

    private final List<Bucket> buckets;
    private BoltFormat.Meta meta;

    private BoltWriter(List<Bucket> buckets) {
        this.buckets = buckets.stream()
                .sorted(Comparator.comparing(BoltWriter::nameBytes, Arrays::compareUnsigned))
                .toList();
        this.meta = new BoltFormat.Meta(BoltFormat.PAGE_BYTES, 0, FREELIST_PAGE, 0, 0);
    }

    private static byte[] nameBytes(Bucket bucket) {
        return bucket.name().getBytes(StandardCharsets.UTF_8);
    }

    /** Goes through the pairs, and knows afterwards what the file will look like. */
    public static BoltWriter measure(List<Bucket> buckets) throws IOException {
        BoltWriter writer = new BoltWriter(buckets);
        Layout layout = new Layout();
        long root = writer.trees(layout);
        writer.meta = new BoltFormat.Meta(BoltFormat.PAGE_BYTES, root, FREELIST_PAGE, layout.next, 0);
        return writer;
    }

    /** How long the file will be. */
    public long bytes() {
        return meta.pages() * BoltFormat.PAGE_BYTES;
    }

    /** Writes the file. */
    public void write(OutputStream out) throws IOException {
        for (int i = 0; i < BoltFormat.META_PAGES; i++) {
            ByteBuffer page = header(i, BoltFormat.META, 0, 1);
            page.put(new BoltFormat.Meta(meta.pageBytes(), meta.root(), meta.freelist(), meta.pages(), i).encode());
            out.write(page.array());
        }
        out.write(header(FREELIST_PAGE, BoltFormat.FREELIST, 0, 1).array());
        Layout layout = new WrittenLayout(out);
        long root = trees(layout);
        if (root != meta.root() || layout.next != meta.pages()) {
            throw new IllegalStateException("the pairs were others than when they were measured");
        }
    }

    private long trees(Layout layout) throws IOException {
        TreeBuilder root = new TreeBuilder(layout, BoltFormat.IS_BUCKET);
        for (Bucket bucket : buckets) {
            TreeBuilder tree = new TreeBuilder(layout, 0);
            bucket.entries().forEach(tree::add);
            byte[] value = ByteBuffer.allocate(BoltFormat.BUCKET_BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(tree.finish())
                    .putLong(0)
                    .array();
            root.add(nameBytes(bucket), value);
        }
        return root.finish();
    }

    private static ByteBuffer header(long id, int flags, int elements, int pages) {
        return TreeBuilder.page(pages)
                .putLong(id)
                .putShort((short) flags)
                .putShort((short) elements)
                .putInt(pages - 1);
    }

    /** Gives pages their ids. */
    private static class Layout implements TreeBuilder.Pages {
        long next = FREELIST_PAGE + 1;

        @Override
        public long add(int flags, int elements, int bytes, TreeBuilder.Filler filler) throws IOException {
            long id = next;
            next += pages(bytes);
            return id;
        }

        static int pages(int bytes) {
            return Math.max(1, (BoltFormat.HEADER_BYTES + bytes + BoltFormat.PAGE_BYTES - 1) / BoltFormat.PAGE_BYTES);
        }
    }

    /** Also writes them. */
    private static final class WrittenLayout extends Layout {
        private final OutputStream out;

        WrittenLayout(OutputStream out) {
            this.out = out;
        }

        @Override
        public long add(int flags, int elements, int bytes, TreeBuilder.Filler filler) throws IOException {
            long id = super.add(flags, elements, bytes, filler);
            ByteBuffer page = header(id, flags, elements, pages(bytes));
            filler.fill(page);
            out.write(page.array());
            return id;
        }
    }
}
