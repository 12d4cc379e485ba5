package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;

/** Writes heads in one piece. Used on one event loop only. */
public final class HeadWriter {
    private static final int USUAL_BYTES = 1024;
    private static final AsciiString VERSION = AsciiString.cached("HTTP/1.1");
    /** Spaces, and the ends of the first and of the last line. */
    private static final int BETWEEN = 6;

    private byte[] bytes = new byte[USUAL_BYTES];

    /**
     * Of a request in HTTP/1.1.
     *
     * @param more bytes for which there is to be room behind it
     */
    ByteBuf request(ByteBufAllocator allocator, HttpRequest request, ReceivedHeaders headers, int more) {
        byte[] target = request.uri().getBytes(StandardCharsets.UTF_8);
        AsciiString method = request.method().asciiName();
        byte[] to = room(method.length() + target.length + VERSION.length() + BETWEEN + headers.mostBytes());
        int at = copy(method, to, 0);
        to[at++] = ' ';
        System.arraycopy(target, 0, to, at, target.length);
        at += target.length;
        to[at++] = ' ';
        at = copy(VERSION, to, at);
        return end(allocator, headers, to, at, more);
    }

    /** Of a response in HTTP/1.1. */
    ByteBuf response(ByteBufAllocator allocator, HttpResponse response, ReceivedHeaders headers, int more) {
        byte[] reason = response.status().reasonPhrase().getBytes(StandardCharsets.ISO_8859_1);
        AsciiString code = response.status().codeAsText();
        byte[] to = room(VERSION.length() + code.length() + reason.length + BETWEEN + headers.mostBytes());
        int at = copy(VERSION, to, 0);
        to[at++] = ' ';
        at = copy(code, to, at);
        to[at++] = ' ';
        System.arraycopy(reason, 0, to, at, reason.length);
        at += reason.length;
        return end(allocator, headers, to, at, more);
    }

    private static ByteBuf end(ByteBufAllocator allocator, ReceivedHeaders headers, byte[] to, int from, int more) {
        int at = from;
        to[at++] = '\r';
        to[at++] = '\n';
        at = headers.write(to, at);
        to[at++] = '\r';
        to[at++] = '\n';
        return allocator.buffer(at + more).writeBytes(to, 0, at);
    }

    private static int copy(AsciiString text, byte[] to, int at) {
        System.arraycopy(text.array(), text.arrayOffset(), to, at, text.length());
        return at + text.length();
    }

    /** One as large as this is not kept unless it is usual. */
    private byte[] room(int most) {
        return most <= bytes.length ? bytes : new byte[most];
    }
}
