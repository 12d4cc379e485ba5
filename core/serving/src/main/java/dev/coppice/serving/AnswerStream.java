package dev.coppice.serving;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Objects;

/** An answer of unknown length, gathered into parts of 16 KiB at most; a flush sends what there is at once. */
final class AnswerStream extends OutputStream {
    private static final int PART_BYTES = 16_384;

    private final NettyExchange exchange;
    private ByteBuf part;
    private boolean closed;

    AnswerStream(NettyExchange exchange) {
        this.exchange = exchange;
        this.part = exchange.buffer(256);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (closed) {
            throw new IOException("the answer was closed already");
        }
        int from = offset;
        int left = length;
        while (left > 0) {
            int count = Math.min(left, PART_BYTES - part.readableBytes());
            part.writeBytes(bytes, from, count);
            from += count;
            left -= count;
            if (part.readableBytes() == PART_BYTES) {
                sendPart();
            }
        }
    }

    @Override
    public void flush() throws IOException {
        if (closed) {
            return;
        }
        if (part.isReadable()) {
            sendPart();
        } else {
            exchange.flushHead();
        }
    }

    private void sendPart() throws IOException {
        ByteBuf full = part;
        // What filled a part goes on, more likely than not.
        part = exchange.buffer(full.readableBytes() == PART_BYTES ? PART_BYTES : 1_024);
        exchange.writePart(full);
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        exchange.writeLast(part);
    }

    /** Drops what was not sent; the answer does not end properly. */
    void abandon() {
        if (!closed) {
            closed = true;
            part.release();
        }
    }
}
