package dev.coppice.gateway.proxy;

import com.aayushatharva.brotli4j.Brotli4jLoader;
import com.aayushatharva.brotli4j.encoder.BrotliOutputStream;
import com.aayushatharva.brotli4j.encoder.Encoder;
import com.github.luben.zstd.RecyclingBufferPool;
import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import dev.coppice.gateway.config.ContentConfig.Encoding;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.zip.GZIPOutputStream;

/**
 * Compresses one body, part by part: what it was given can be read once it was flushed. Holds memory outside of the heap until it is closed.
 * Used on one event loop only.
 */
final class BodyEncoder {
    /** As nginx and others have it: higher levels cost several times as much for a few percent. */
    private static final int GZIP_LEVEL = 5;

    private static final int ZSTD_LEVEL = 3;
    /** Half the memory of what the level has by itself, for a tenth more bytes. A client of HTTP has to have 8 MiB of window (RFC 9659). */
    private static final int ZSTD_WINDOW_LOG = 17;

    private static final int ZSTD_HASH_LOG = 15;
    private static final int ZSTD_CHAIN_LOG = 14;

    /** About what gzip costs, for as few bytes. */
    private static final Encoder.Parameters BROTLI =
            new Encoder.Parameters().setQuality(4).setWindow(18);

    private static final System.Logger LOG = System.getLogger(BodyEncoder.class.getName());
    private static final boolean BROTLI_AVAILABLE = brotli();

    private static final int BUFFER = 512;
    private static final int BROTLI_BUFFER = 8 << 10;

    /** Whether this platform has an encoding. The first to ask may wait until its library is loaded. */
    static boolean available(Encoding encoding) {
        return encoding != Encoding.BROTLI || BROTLI_AVAILABLE;
    }

    private static boolean brotli() {
        if (!Brotli4jLoader.isAvailable()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "this platform has no Brotli, which policies name or have by default: answers are compressed without it",
                    Brotli4jLoader.getUnavailabilityCause());
            return false;
        }
        return true;
    }

    private final ByteBufAllocator allocator;
    private final Sink sink = new Sink();
    private final OutputStream stream;
    private ByteBuf out = Unpooled.EMPTY_BUFFER;
    private boolean fresh;
    private boolean closed;

    private final class Sink extends OutputStream {
        @Override
        public void write(int octet) {
            room(1).writeByte(octet);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            room(length).writeBytes(bytes, offset, length);
        }
    }

    /** GZIPOutputStream takes no level otherwise. */
    private static final class Gzip extends GZIPOutputStream {
        Gzip(OutputStream to) throws IOException {
            super(to, BUFFER, true);
            def.setLevel(GZIP_LEVEL);
        }
    }

    BodyEncoder(Encoding encoding, ByteBufAllocator allocator) {
        this.allocator = allocator;
        try {
            stream = switch (encoding) {
                case GZIP -> new Gzip(sink);
                case ZSTD ->
                    new ZstdOutputStreamNoFinalizer(sink, RecyclingBufferPool.INSTANCE, ZSTD_LEVEL)
                            .setWindowLog(ZSTD_WINDOW_LOG)
                            .setHashLog(ZSTD_HASH_LOG)
                            .setChainLog(ZSTD_CHAIN_LOG)
                            .setCloseFrameOnFlush(false);
                case BROTLI -> new BrotliOutputStream(sink, BROTLI, BROTLI_BUFFER);
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ByteBuf room(int length) {
        if (out == Unpooled.EMPTY_BUFFER) {
            out = allocator.ioBuffer(Math.max(BUFFER, length));
        }
        return out;
    }

    /** Takes the bytes of a part over. */
    void take(ByteBuf part) {
        try {
            fresh |= part.isReadable();
            part.readBytes(stream, part.readableBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            part.release();
        }
    }

    /** What was made since the last call, so that a client can read everything that was given; empty when that is nothing. */
    ByteBuf flushed() {
        if (fresh) {
            fresh = false;
            try {
                stream.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return given();
    }

    /** What is left, with the end. Closes it. */
    ByteBuf finished() {
        closed = true;
        try {
            stream.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return given();
    }

    private ByteBuf given() {
        ByteBuf given = out;
        out = Unpooled.EMPTY_BUFFER;
        return given;
    }

    /** Gives its memory back; nothing when it was. */
    void close() {
        if (!closed) {
            finished().release();
        }
    }
}
