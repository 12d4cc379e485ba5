package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.api.SnapshotResponse;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Streams a keyspace as one file: the line {@code coppice keyspace 1}, then for each change kept its length-prefixed revision and
 * bytes, then a length of 0 and zero bytes up to a multiple of 512, then the SHA-256 of all before. It is written to a temporary file first, so that a slow client does not hold the
 * database open. (etcd's own snapshots are bbolt files; {@code etcdctl snapshot status} cannot read this one.)
 */
final class SnapshotWriter {

    private static final int CHUNK_BYTES = 32 << 10;

    /** etcdctl takes a file for complete when it is so many times this long, plus the checksum. */
    private static final int SECTOR_BYTES = 512;

    /** Takes the parts. */
    interface Sink {
        void send(SnapshotResponse response) throws Exception;
    }

    private final MemberKeyspace keyspace;

    SnapshotWriter(MemberKeyspace keyspace) {
        this.keyspace = keyspace;
    }

    void write(Sink sink) throws Exception {
        Path file = Files.createTempFile(keyspace.store().options().directory(), "snapshot", ".tmp");
        try {
            fill(file);
            long left = Files.size(file);
            try (InputStream in = Files.newInputStream(file)) {
                byte[] chunk = in.readNBytes(CHUNK_BYTES);
                while (chunk.length > 0) {
                    left -= chunk.length;
                    sink.send(SnapshotResponse.newBuilder()
                            .setHeader(keyspace.space().header(keyspace.revision()))
                            .setRemainingBytes(left)
                            .setBlob(ByteString.copyFrom(chunk))
                            .build());
                    chunk = in.readNBytes(CHUNK_BYTES);
                }
            }
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private void fill(Path file) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (OutputStream raw = Files.newOutputStream(file)) {
            DataOutputStream out = new DataOutputStream(
                    new java.io.BufferedOutputStream(new DigestOutputStream(raw, digest), CHUNK_BYTES));
            out.write("coppice keyspace 1\n".getBytes(StandardCharsets.UTF_8));
            keyspace.space().reads().export((revision, change) -> {
                try {
                    out.writeInt(revision.length);
                    out.write(revision);
                    out.writeInt(change.length);
                    out.write(change);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            out.writeInt(0);
            while (out.size() % SECTOR_BYTES != 0) {
                out.write(0);
            }
            out.flush();
            raw.write(digest.digest());
        }
    }
}
