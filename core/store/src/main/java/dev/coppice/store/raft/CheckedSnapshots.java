package dev.coppice.store.raft;

import com.alipay.sofa.jraft.entity.LocalFileMetaOutter.LocalFileMeta;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import com.alipay.sofa.jraft.storage.snapshot.local.LocalSnapshotStorage;
import com.alipay.sofa.jraft.storage.snapshot.local.LocalSnapshotWriter;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The library's snapshots, with the length of each file in their table of contents, and a checksum of those that are small.
 * A copy that differs is not taken: the library does not notice when the end of a file could not be written, such as on a
 * full disk, and a member whose state is exchanged for such a copy would be lost. Tables without lengths are taken as they are.
 */
final class CheckedSnapshots extends LocalSnapshotStorage {

    private static final System.Logger LOG = System.getLogger(CheckedSnapshots.class.getName());

    /** Larger ones have checksums in their blocks, and lie there by a link: they are not read for a snapshot. */
    private static final long READ_WHOLE = 256 << 10;

    private final RaftOptions options;

    CheckedSnapshots(String uri, String temporary, RaftOptions options) {
        super(uri, temporary, options);
        this.options = options;
    }

    /** Adds a file that lies in the snapshot's directory. */
    static void add(SnapshotWriter writer, String name) throws IOException {
        Path file = Path.of(writer.getPath(), name);
        LocalFileMeta meta = LocalFileMeta.newBuilder()
                .setUserMeta(ByteString.copyFromUtf8(describe(file)))
                .build();
        if (!writer.addFile(name, meta)) {
            throw new IOException("the snapshot does not take " + file);
        }
    }

    /** Such as {@code 1190 crc32c=5a3f0b11}. */
    private static String describe(Path file) throws IOException {
        long size = Files.size(file);
        if (size > READ_WHOLE) {
            return Long.toString(size);
        }
        CRC32C checksum = new CRC32C();
        checksum.update(Files.readAllBytes(file));
        return size + " crc32c=" + Long.toHexString(checksum.getValue());
    }

    @Override
    public @Nullable SnapshotWriter create(boolean fromEmpty) {
        SnapshotWriter made = super.create(fromEmpty);
        if (made == null) {
            return null;
        }
        Writer checked = new Writer(made.getPath());
        return checked.init(null) ? checked : null;
    }

    private final class Writer extends LocalSnapshotWriter {
        private final Path directory;

        Writer(String path) {
            super(path, CheckedSnapshots.this, options);
            this.directory = Path.of(path);
        }

        @Override
        public boolean addFile(String name, @Nullable Message meta) {
            if (meta instanceof LocalFileMeta told && told.hasUserMeta()) {
                String expected = told.getUserMeta().toStringUtf8();
                String found;
                try {
                    found = describe(directory.resolve(name));
                } catch (IOException e) {
                    found = String.valueOf(e.getMessage());
                }
                if (!found.equals(expected)) {
                    LOG.log(
                            System.Logger.Level.ERROR,
                            "{0} of a snapshot is not what it should be ({1}, not {2}): the snapshot is not taken",
                            name,
                            found,
                            expected);
                    return false;
                }
            }
            return super.addFile(name, meta);
        }
    }
}
