package dev.coppice.probe;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One request and its response over HTTP/2 (RFC 9113), alone on its connection: stream 1, no push, no dynamic header table,
 * bounded header blocks and control frames. Not safe for use by many threads; one use each.
 */
final class Http2Call {
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int FRAME_MAX = 16_384;
    private static final int HEADER_BLOCK_MAX = 32 << 10;
    private static final int CONTROL_FRAMES_MAX = 10_000;
    private static final int STREAM = 1;
    private static final int WINDOW = 1 << 20;

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PUSH_PROMISE = 5;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int WINDOW_UPDATE = 8;
    private static final int CONTINUATION = 9;

    private static final int END_STREAM = 1;
    private static final int ACK = 1;
    private static final int END_HEADERS = 4;
    private static final int PADDED = 8;
    private static final int PRIORITY = 0x20;

    /**
     * What came back.
     *
     * @param headers lower-case names, without the status
     * @param trailers what came after the body
     */
    record Response(int status, Map<String, String> headers, Map<String, String> trailers) {}

    private record Frame(int type, int flags, int stream, byte[] payload) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private final Connection connection;
    private final InputStream input;
    private final Attempt attempt;
    private int controlFrames;
    private long connectionWindow = 65_535;
    private long streamWindow = 65_535;
    private long initialWindow = 65_535;
    private long consumed;
    private int status;
    private boolean answered;
    private boolean ended;
    private boolean full;
    private Map<String, String> headers = Map.of();
    private Map<String, String> trailers = Map.of();

    Http2Call(Connection connection, Attempt attempt) {
        this.connection = connection;
        this.attempt = attempt;
        this.input = new java.io.BufferedInputStream(connection.input(), 16 << 10);
    }

    /** Sends the request and reads the response; ends early when the sink is full. */
    Response exchange(List<Map.Entry<String, String>> request, byte[] body, BodySink sink) throws IOException {
        attempt.step(Attempt.Step.SENDING);
        var first = new ByteArrayOutputStream();
        first.writeBytes(PREFACE);
        frame(first, SETTINGS, 0, 0, settings());
        frame(first, WINDOW_UPDATE, 0, 0, number(WINDOW));
        headers(first, Hpack.encode(request), body.length == 0);
        int sent = (int) Math.min(body.length, Math.min(FRAME_MAX, 65_535));
        if (sent > 0) {
            data(first, body, 0, sent);
        }
        connection.output().write(first.toByteArray());
        while (sent < body.length && !ended) {
            int room = (int) Math.min(Math.min(connectionWindow, streamWindow), FRAME_MAX);
            if (room <= 0) {
                handle(read(), sink);
                continue;
            }
            int count = Math.min(room, body.length - sent);
            var more = new ByteArrayOutputStream(count + 9);
            data(more, body, sent, count);
            connection.output().write(more.toByteArray());
            sent += count;
        }
        attempt.step(Attempt.Step.WAITING);
        while (!ended && !full) {
            handle(read(), sink);
        }
        return new Response(status, headers, trailers);
    }

    private static byte[] settings() {
        var out = new ByteArrayOutputStream();
        // HEADER_TABLE_SIZE 0, ENABLE_PUSH 0, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE (section 6.5.2).
        setting(out, 1, 0);
        setting(out, 2, 0);
        setting(out, 4, WINDOW);
        setting(out, 6, HEADER_BLOCK_MAX);
        return out.toByteArray();
    }

    private static void setting(ByteArrayOutputStream out, int identifier, int value) {
        out.write(identifier >> 8);
        out.write(identifier);
        out.writeBytes(number(value));
    }

    private static byte[] number(int value) {
        return new byte[] {(byte) (value >> 24), (byte) (value >> 16), (byte) (value >> 8), (byte) value};
    }

    private static void frame(ByteArrayOutputStream out, int type, int flags, int stream, byte[] payload) {
        frame(out, type, flags, stream, payload, 0, payload.length);
    }

    private static void frame(
            ByteArrayOutputStream out, int type, int flags, int stream, byte[] payload, int offset, int length) {
        out.write(length >> 16);
        out.write(length >> 8);
        out.write(length);
        out.write(type);
        out.write(flags);
        out.writeBytes(number(stream));
        out.write(payload, offset, length);
    }

    private static void headers(ByteArrayOutputStream out, byte[] block, boolean last) {
        int offset = 0;
        do {
            int length = Math.min(FRAME_MAX, block.length - offset);
            int flags = offset + length == block.length ? END_HEADERS : 0;
            frame(
                    out,
                    offset == 0 ? HEADERS : CONTINUATION,
                    offset == 0 && last ? flags | END_STREAM : flags,
                    STREAM,
                    block,
                    offset,
                    length);
            offset += length;
        } while (offset < block.length);
    }

    private void data(ByteArrayOutputStream out, byte[] body, int offset, int length) {
        frame(out, DATA, offset + length == body.length ? END_STREAM : 0, STREAM, body, offset, length);
        connectionWindow -= length;
        streamWindow -= length;
    }

    private void send(int type, int flags, int stream, byte[] payload) throws IOException {
        var out = new ByteArrayOutputStream(payload.length + 9);
        frame(out, type, flags, stream, payload);
        connection.output().write(out.toByteArray());
    }

    private Frame read() throws IOException {
        var head = exactly(9);
        int length = (head[0] & 0xff) << 16 | (head[1] & 0xff) << 8 | head[2] & 0xff;
        if (length > FRAME_MAX) {
            boolean http1 = head[0] == 'H' && head[1] == 'T' && head[2] == 'T' && head[3] == 'P';
            throw new ProtocolException(
                    http1
                            ? "the server speaks HTTP/1, not HTTP/2"
                            : "the server does not speak HTTP/2: a frame of " + length + " bytes");
        }
        int stream = (head[5] & 0x7f) << 24 | (head[6] & 0xff) << 16 | (head[7] & 0xff) << 8 | head[8] & 0xff;
        var frame = new Frame(head[3], head[4] & 0xff, stream, exactly(length));
        if (frame.type() != DATA && ++controlFrames > CONTROL_FRAMES_MAX
                || length == 0 && ++controlFrames > CONTROL_FRAMES_MAX) {
            throw new ProtocolException("the server sent more than " + CONTROL_FRAMES_MAX + " control frames");
        }
        return frame;
    }

    private byte[] exactly(int count) throws IOException {
        var bytes = input.readNBytes(count);
        attempt.countBytes(bytes.length);
        if (bytes.length < count) {
            throw new EOFException(
                    answered
                            ? "the server closed the connection in the middle of the answer"
                            : "the server closed the connection without an answer");
        }
        return bytes;
    }

    private void handle(Frame frame, BodySink sink) throws IOException {
        switch (frame.type()) {
            case DATA -> data(frame, sink);
            case HEADERS -> headers(frame);
            case RST_STREAM -> reset(frame);
            case SETTINGS -> settings(frame);
            case PUSH_PROMISE -> throw new ProtocolException("the server pushes, though it was told not to");
            case PING -> {
                if (!frame.has(ACK)) {
                    send(PING, ACK, 0, frame.payload());
                }
            }
            case GOAWAY -> {
                if (frame.payload().length < 8
                        || value(frame.payload(), 0) < STREAM
                        || value(frame.payload(), 4) != 0) {
                    throw new ProtocolException("the server ended the connection" + goAwayWords(frame.payload()));
                }
            }
            case WINDOW_UPDATE -> windowUpdate(frame);
            case CONTINUATION -> throw new ProtocolException("the server sent a continuation of nothing");
            default -> {
                // Unknown types are ignored (section 4.1).
            }
        }
    }

    private static String goAwayWords(byte[] payload) {
        return payload.length < 8 ? "" : " with error code " + value(payload, 4);
    }

    private static int value(byte[] from, int at) {
        return (from[at] & 0xff) << 24 | (from[at + 1] & 0xff) << 16 | (from[at + 2] & 0xff) << 8 | from[at + 3] & 0xff;
    }

    private void settings(Frame frame) throws IOException {
        if (frame.has(ACK)) {
            return;
        }
        for (int i = 0; i + 6 <= frame.payload().length; i += 6) {
            int identifier = (frame.payload()[i] & 0xff) << 8 | frame.payload()[i + 1] & 0xff;
            if (identifier == 4) {
                long size = value(frame.payload(), i + 2) & 0xffff_ffffL;
                streamWindow += size - initialWindow;
                initialWindow = size;
            }
        }
        send(SETTINGS, ACK, 0, new byte[0]);
    }

    private void windowUpdate(Frame frame) throws ProtocolException {
        if (frame.payload().length != 4) {
            throw new ProtocolException("the server sent a wrong window update");
        }
        int more = value(frame.payload(), 0) & 0x7fff_ffff;
        if (frame.stream() == 0) {
            connectionWindow += more;
        } else if (frame.stream() == STREAM) {
            streamWindow += more;
        }
    }

    private void reset(Frame frame) throws ProtocolException {
        if (frame.stream() != STREAM) {
            return;
        }
        int code = frame.payload().length == 4 ? value(frame.payload(), 0) : -1;
        if (code == 0 && answered) {
            ended = true;
            return;
        }
        throw new ProtocolException("the server reset the stream with error code " + code);
    }

    /** The payload without padding and priority (sections 6.1, 6.2). */
    private static byte[] unpadded(Frame frame) throws ProtocolException {
        int start = 0;
        int end = frame.payload().length;
        if (frame.has(PADDED)) {
            if (end == 0) {
                throw new ProtocolException("the server sent a padded frame without padding");
            }
            start = 1;
            end -= frame.payload()[0] & 0xff;
        }
        if (frame.type() == HEADERS && frame.has(PRIORITY)) {
            start += 5;
        }
        if (start > end) {
            throw new ProtocolException("the server sent a frame with too much padding");
        }
        return java.util.Arrays.copyOfRange(frame.payload(), start, end);
    }

    private void data(Frame frame, BodySink sink) throws IOException {
        if (frame.stream() != STREAM || !answered) {
            throw new ProtocolException("the server sent data before an answer");
        }
        var payload = unpadded(frame);
        full = !sink.accept(payload, 0, payload.length);
        ended = frame.has(END_STREAM);
        consumed += frame.payload().length;
        if (consumed > WINDOW / 2 && !ended && !full) {
            send(WINDOW_UPDATE, 0, 0, number((int) consumed));
            send(WINDOW_UPDATE, 0, STREAM, number((int) consumed));
            consumed = 0;
        }
    }

    private void headers(Frame frame) throws IOException {
        if (frame.stream() != STREAM) {
            throw new ProtocolException("the server answers what was not asked");
        }
        var block = new ByteArrayOutputStream();
        block.writeBytes(unpadded(frame));
        var part = frame;
        while (!part.has(END_HEADERS)) {
            part = read();
            if (part.type() != CONTINUATION || part.stream() != STREAM) {
                throw new ProtocolException("the server interrupted a header");
            }
            block.writeBytes(part.payload());
            if (block.size() > HEADER_BLOCK_MAX) {
                throw new ProtocolException("the header is larger than " + HEADER_BLOCK_MAX + " bytes");
            }
        }
        take(Hpack.decode(block.toByteArray()));
        ended = frame.has(END_STREAM);
    }

    private void take(List<Map.Entry<String, String>> fields) throws ProtocolException {
        var map = new LinkedHashMap<String, String>();
        int code = -1;
        for (var field : new ArrayList<>(fields)) {
            if (field.getKey().equals(":status")) {
                code = field.getValue().matches("[1-9]\\d\\d") ? Integer.parseInt(field.getValue()) : 0;
            } else {
                map.merge(field.getKey(), field.getValue(), (a, b) -> a + ", " + b);
            }
        }
        if (answered) {
            trailers = map;
            return;
        }
        if (code <= 0) {
            throw new ProtocolException("the server sent an answer without a status");
        }
        if (code >= 200) {
            attempt.step(Attempt.Step.READING);
            status = code;
            headers = map;
            answered = true;
        }
    }
}
