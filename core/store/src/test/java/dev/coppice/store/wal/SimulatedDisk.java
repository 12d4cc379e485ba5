package dev.coppice.store.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * A directory in memory as a system shows it, and what of it is on disk. Without a sync any sectors of what was written may get
 * there, in any order, and names may or may not. After a sync that failed the written pages count as clean although they are not on
 * disk, as Linux has it.
 */
final class SimulatedDisk implements WalDirectory {

    private static final int SECTOR = 64;

    private final Random random;
    private final Map<String, Content> names = new TreeMap<>();
    private final Map<String, Content> namesOnDisk = new HashMap<>();

    /** The count of writes, syncs and the like after which one fails; negative for none. */
    private int failsAfter = -1;

    /** Counts crashes: a file that was open before one is of no use after it. */
    private int life;

    SimulatedDisk(Random random) {
        this.random = random;
    }

    private static final class Content {
        private byte[] seen = new byte[0];
        private byte[] onDisk = new byte[0];
        private final BitSet dirty = new BitSet();
        private boolean sizeChanged;

        void resize(int size) {
            for (int i = Math.min(size, seen.length) / SECTOR; i * SECTOR < Math.max(size, seen.length); i++) {
                dirty.set(i);
            }
            seen = Arrays.copyOf(seen, size);
            sizeChanged = true;
        }

        void flush(int sector) {
            int begin = sector * SECTOR;
            int length = Math.min(SECTOR, Math.min(seen.length, onDisk.length) - begin);
            if (length > 0) {
                System.arraycopy(seen, begin, onDisk, begin, length);
            }
        }
    }

    void failAfter(int operations) {
        failsAfter = operations;
    }

    private boolean fails() {
        return failsAfter >= 0 && failsAfter-- == 0;
    }

    /** Takes away the power: some of what was not synced is lost. */
    void crash() {
        life++;
        failsAfter = -1;
        for (String name : List.copyOf(names.keySet())) {
            if (!namesOnDisk.containsKey(name) && random.nextBoolean()) {
                names.remove(name);
            }
        }
        namesOnDisk.forEach((name, content) -> {
            if (!names.containsKey(name) && random.nextBoolean()) {
                names.put(name, content);
            }
        });
        for (Content each : names.values()) {
            if (each.sizeChanged && random.nextBoolean()) {
                each.onDisk = Arrays.copyOf(each.onDisk, each.seen.length);
            }
            each.dirty.stream().filter(sector -> random.nextBoolean()).forEach(each::flush);
            each.seen = each.onDisk.clone();
            each.dirty.clear();
            each.sizeChanged = false;
        }
        namesOnDisk.clear();
        namesOnDisk.putAll(names);
    }

    /** Changes a byte for good. */
    void damage(String name, int position) {
        Content content = names.get(name);
        content.seen[position] ^= 0x10;
        content.onDisk[position] ^= 0x10;
    }

    int size(String name) {
        return names.get(name).seen.length;
    }

    @Override
    public List<String> names() {
        return List.copyOf(names.keySet());
    }

    @Override
    public WalFile open(String name) {
        return new OpenFile(names.computeIfAbsent(name, made -> new Content()), life);
    }

    @Override
    public void delete(String name) throws IOException {
        if (fails()) {
            throw new IOException("delete failed");
        }
        names.remove(name);
    }

    @Override
    public void sync() throws IOException {
        if (fails()) {
            throw new IOException("sync of the directory failed");
        }
        namesOnDisk.clear();
        namesOnDisk.putAll(names);
    }

    private final class OpenFile implements WalFile {
        private final Content content;
        private final int opened;
        private boolean closed;

        OpenFile(Content content, int opened) {
            this.content = content;
            this.opened = opened;
        }

        private void check() throws IOException {
            if (closed || opened != life) {
                throw new IOException("it was closed");
            }
        }

        @Override
        public long size() throws IOException {
            check();
            return content.seen.length;
        }

        @Override
        public void read(ByteBuffer into, long position) throws IOException {
            check();
            int length = Math.min(into.remaining(), content.seen.length - (int) position);
            if (length > 0) {
                into.put(content.seen, (int) position, length);
            }
        }

        @Override
        public void write(ByteBuffer from, long position) throws IOException {
            check();
            boolean fails = fails();
            int length = fails ? random.nextInt(from.remaining() + 1) : from.remaining();
            int begin = (int) position;
            if (begin + length > content.seen.length) {
                content.resize(begin + length);
            }
            from.get(content.seen, begin, length);
            content.dirty.set(begin / SECTOR, (begin + length + SECTOR - 1) / SECTOR);
            if (fails) {
                throw new IOException("no space left");
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            check();
            if (fails()) {
                throw new IOException("truncate failed");
            }
            content.resize((int) size);
        }

        @Override
        public void sync() throws IOException {
            check();
            boolean fails = fails();
            if (!fails || random.nextBoolean()) {
                content.onDisk = Arrays.copyOf(content.onDisk, content.seen.length);
                content.sizeChanged = false;
            }
            if (!fails) {
                content.dirty.stream().forEach(content::flush);
            }
            content.dirty.clear();
            if (fails) {
                throw new IOException("sync failed");
            }
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
