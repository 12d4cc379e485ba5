package dev.coppice.operator;

import io.fabric8.kubernetes.client.http.AsyncBody;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;

/** Collects the body of an answer, up to a largest size. One thread at a time fills it. */
final class BoundedBody implements AsyncBody.Consumer<List<ByteBuffer>> {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1_024);
    private final int most;
    private boolean overflowed;

    BoundedBody(int most) {
        this.most = most;
    }

    @Override
    public synchronized void consume(List<ByteBuffer> buffers, AsyncBody body) {
        for (ByteBuffer buffer : buffers) {
            byte[] chunk = new byte[buffer.remaining()];
            buffer.get(chunk);
            if (bytes.size() + chunk.length > most) {
                overflowed = true;
                body.cancel();
                return;
            }
            bytes.writeBytes(chunk);
        }
        body.consume();
    }

    synchronized boolean overflowed() {
        return overflowed;
    }

    synchronized byte[] bytes() {
        return bytes.toByteArray();
    }
}
