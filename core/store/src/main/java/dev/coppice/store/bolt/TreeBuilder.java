package dev.coppice.store.bolt;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Builds one tree of pages from pairs in order, from the leaves up; holds one page of each level. Used by one thread. */
final class TreeBuilder {

    /** Where finished pages go. */
    interface Pages {
        /** Takes a page, without its header, and gives it an id. */
        long add(int flags, int elements, int bytes, Filler filler) throws IOException;
    }

    /** Writes the elements of a page. */
    interface Filler {
        void fill(ByteBuffer page);
    }

    /** The page being filled on one level. */
    private static final class Level {
        final List<byte[]> keys = new ArrayList<>();
        final List<byte[]> values = new ArrayList<>();
        final List<Long> children = new ArrayList<>();
        int bytes;
        boolean flushed;

        /** @param least pairs that it takes whatever their length */
        boolean takes(int more, int least) {
            return keys.size() < least
                    || BoltFormat.HEADER_BYTES + bytes + BoltFormat.ELEMENT_BYTES + more <= BoltFormat.PAGE_BYTES;
        }

        void clear() {
            keys.clear();
            values.clear();
            children.clear();
            bytes = 0;
            flushed = true;
        }
    }

    private final Pages pages;
    private final int leafFlags;
    private final Level leaf = new Level();
    private final List<Level> branches = new ArrayList<>();
    private byte[] last = {};
    private boolean any;

    /** @param leafFlags what every element of a leaf is marked with */
    TreeBuilder(Pages pages, int leafFlags) {
        this.pages = pages;
        this.leafFlags = leafFlags;
    }

    void add(byte[] key, byte[] value) throws IOException {
        if (key.length == 0 || any && Arrays.compareUnsigned(last, key) >= 0) {
            throw new IllegalStateException("keys of a bucket have to be in order, and none empty");
        }
        any = true;
        last = key;
        if (!leaf.takes(key.length + value.length, 1)) {
            flushLeaf();
        }
        leaf.keys.add(key);
        leaf.values.add(value);
        leaf.bytes += BoltFormat.ELEMENT_BYTES + key.length + value.length;
    }

    /** Finishes the tree and says where its root is. */
    long finish() throws IOException {
        if (!any) {
            return pages.add(BoltFormat.LEAF, 0, 0, page -> {});
        }
        flushLeaf();
        for (int at = 0; ; at++) {
            Level level = branches.get(at);
            if (!level.flushed && level.children.size() == 1) {
                return level.children.getFirst();
            }
            flushBranch(at);
        }
    }

    private void flushLeaf() throws IOException {
        long id = pages.add(BoltFormat.LEAF, leaf.keys.size(), leaf.bytes, this::fillLeaf);
        byte[] first = leaf.keys.getFirst();
        leaf.clear();
        addChild(0, first, id);
    }

    private void fillLeaf(ByteBuffer page) {
        int data = leaf.keys.size() * BoltFormat.ELEMENT_BYTES;
        for (int i = 0; i < leaf.keys.size(); i++) {
            int keyBytes = leaf.keys.get(i).length;
            int valueBytes = leaf.values.get(i).length;
            page.putInt(leafFlags)
                    .putInt(data - i * BoltFormat.ELEMENT_BYTES)
                    .putInt(keyBytes)
                    .putInt(valueBytes);
            data += keyBytes + valueBytes;
        }
        for (int i = 0; i < leaf.keys.size(); i++) {
            page.put(leaf.keys.get(i)).put(leaf.values.get(i));
        }
    }

    private void addChild(int at, byte[] firstKey, long id) throws IOException {
        if (branches.size() == at) {
            branches.add(new Level());
        }
        Level level = branches.get(at);
        // With one child only, long keys would make a level as long as the one below it, and the tree endless.
        if (!level.takes(firstKey.length, 2)) {
            flushBranch(at);
        }
        level.keys.add(firstKey);
        level.children.add(id);
        level.bytes += BoltFormat.ELEMENT_BYTES + firstKey.length;
    }

    private void flushBranch(int at) throws IOException {
        Level level = branches.get(at);
        long id = pages.add(BoltFormat.BRANCH, level.keys.size(), level.bytes, page -> fillBranch(level, page));
        byte[] first = level.keys.getFirst();
        level.clear();
        addChild(at + 1, first, id);
    }

    private static void fillBranch(Level level, ByteBuffer page) {
        int data = level.keys.size() * BoltFormat.ELEMENT_BYTES;
        for (int i = 0; i < level.keys.size(); i++) {
            int keyBytes = level.keys.get(i).length;
            page.putInt(data - i * BoltFormat.ELEMENT_BYTES).putInt(keyBytes).putLong(level.children.get(i));
            data += keyBytes;
        }
        level.keys.forEach(page::put);
    }

    static ByteBuffer page(int pages) {
        return ByteBuffer.allocate(pages * BoltFormat.PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }
}
