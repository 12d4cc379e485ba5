package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.Snapshot;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.SnapshotResponse;
import dev.coppice.store.engine.KeyspaceImage;
import java.io.IOException;
import java.io.OutputStream;

/** Sends a snapshot of a keyspace in parts, as fast as they are taken (etcd: Maintenance.Snapshot). */
final class SnapshotStream {

    private static final int PART_BYTES = 32 << 10;

    /** Takes the parts; blocks while there is no room. */
    interface Sink {
        void send(SnapshotResponse response) throws Exception;
    }

    private final MemberKeyspace keyspace;
    private final EtcdPolicy policy;

    SnapshotStream(MemberKeyspace keyspace, EtcdPolicy policy) {
        this.keyspace = keyspace;
        this.policy = policy;
    }

    void write(Sink sink) throws Exception {
        ResponseHeader header = keyspace.space().header(keyspace.revision());
        KeyspaceImage.Server server = new KeyspaceImage.Server(
                keyspace.store().options().name(),
                policy.peerUrls(),
                policy.clientUrls(),
                MemberMethods.CLUSTER_VERSION);
        try (Snapshot snapshot = Snapshot.of(keyspace, server);
                Parts parts = new Parts(sink, header, snapshot.bytes())) {
            snapshot.write(parts);
        }
    }

    /** Cuts what is written into messages. */
    private static final class Parts extends OutputStream {
        private final Sink sink;
        private final ResponseHeader header;
        private final byte[] part = new byte[PART_BYTES];
        private int filled;
        private long left;

        Parts(Sink sink, ResponseHeader header, long bytes) {
            this.sink = sink;
            this.header = header;
            this.left = bytes;
        }

        @Override
        public void write(int one) throws IOException {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            int done = 0;
            while (done < length) {
                int taken = Math.min(length - done, part.length - filled);
                System.arraycopy(bytes, offset + done, part, filled, taken);
                filled += taken;
                done += taken;
                if (filled == part.length) {
                    send();
                }
            }
        }

        private void send() throws IOException {
            left -= filled;
            SnapshotResponse response = SnapshotResponse.newBuilder()
                    .setHeader(header)
                    .setRemainingBytes(left)
                    .setBlob(ByteString.copyFrom(part, 0, filled))
                    .setVersion(MemberMethods.VERSION)
                    .build();
            filled = 0;
            try {
                sink.send(response);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("the client took too long", e);
            } catch (Exception e) {
                throw e instanceof IOException known ? known : new IOException("the client is gone", e);
            }
        }

        @Override
        public void close() throws IOException {
            if (filled > 0) {
                send();
            }
        }
    }
}
