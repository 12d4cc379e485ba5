package dev.coppice.bench.store;

import io.netty.util.collection.IntObjectHashMap;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * One HTTP/2 connection that carries gRPC calls in plain text, and costs a few microseconds a call: a client that leaves the
 * machine to the servers it measures. One thread uses it: {@link #call} queues, {@link #turn} reads what has come and writes
 * what is queued. It knows just what gRPC servers send to a well-behaved client (RFC 9113, RFC 7541).
 */
final class LeanConnection implements AutoCloseable {

    /** Takes what a call answers. */
    interface Call {
        /** A message, from the buffer's position to its limit; the buffer is used again afterwards. */
        void message(ByteBuffer message);

        /** @param failed whether it ended without a message, which a unary call does when it is refused */
        void ended(boolean failed);
    }

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RST_STREAM = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int WINDOW_UPDATE = 8;
    private static final int END_STREAM = 1;
    private static final int ACK = 1;
    private static final int FRAME_HEADER = 9;
    private static final int WINDOW = 64 << 20;
    private static final int MAX_FRAME = 16_384;

    private final SocketChannel channel;
    private final SelectionKey registered;
    private final String authority;
    private ByteBuffer in = ByteBuffer.allocateDirect(1 << 20);
    private ByteBuffer out = ByteBuffer.allocateDirect(1 << 20);
    private final IntObjectHashMap<Stream> streams = new IntObjectHashMap<>();
    private final ArrayDeque<Held> held = new ArrayDeque<>();
    private final List<String> inserted = new ArrayList<>();
    private int nextStream = 1;
    private long sendWindow = 65_535;
    private int sendStreamWindow = 65_535;
    private long received;

    private static final class Stream {
        private final Call call;
        private int sendWindow;
        private long received;
        private boolean answered;
        private byte[] partial = new byte[0];

        Stream(Call call, int sendWindow) {
            this.call = call;
            this.sendWindow = sendWindow;
        }
    }

    /** A message that waits for room. */
    private record Held(int stream, byte[] message, boolean last) {}

    LeanConnection(int port, Selector selector) throws IOException {
        authority = "127.0.0.1:" + port;
        channel = SocketChannel.open(new InetSocketAddress("127.0.0.1", port));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        registered = channel.register(selector, SelectionKey.OP_READ, this);
        out.put("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        frame(6, SETTINGS, 0, 0);
        out.putShort((short) 4).putInt(WINDOW);
        windowUpdate(0, WINDOW);
        flush();
    }

    /** Begins a call that has one request; it is sent by the next {@link #turn}. */
    void call(String path, byte[] message, Call call) {
        int id = open(path, call);
        send(id, message, true);
    }

    /** Begins a call whose requests follow; gives the number of its stream. */
    int open(String path, Call call) {
        int id = nextStream;
        nextStream += 2;
        streams.put(id, new Stream(call, sendStreamWindow));
        room(1024);
        int begin = out.position();
        out.position(begin + FRAME_HEADER);
        out.put((byte) 0x83).put((byte) 0x86);
        header(4, "", path);
        header(1, "", authority);
        header(31, "", "application/grpc");
        header(0, "te", "trailers");
        int length = out.position() - begin - FRAME_HEADER;
        int end = out.position();
        out.position(begin);
        frame(length, HEADERS, 4, id);
        out.position(end);
        return id;
    }

    /** One header; the first time it enters the dynamic table, then its place there is named. */
    private void header(int name, String literal, String value) {
        String key = name + literal + '=' + value;
        int known = inserted.lastIndexOf(key);
        if (known >= 0) {
            integer(0x80, 7, 61 + inserted.size() - known);
            return;
        }
        integer(0x40, 6, name);
        if (name == 0) {
            text(literal);
        }
        text(value);
        inserted.add(key);
    }

    private void text(String text) {
        integer(0, 7, text.length());
        out.put(text.getBytes(StandardCharsets.US_ASCII));
    }

    private void integer(int flags, int bits, int value) {
        int most = (1 << bits) - 1;
        if (value < most) {
            out.put((byte) (flags | value));
            return;
        }
        out.put((byte) (flags | most));
        int left = value - most;
        while (left >= 128) {
            out.put((byte) (left & 127 | 128));
            left >>= 7;
        }
        out.put((byte) left);
    }

    void send(int stream, byte[] message, boolean last) {
        Stream target = streams.get(stream);
        int length = message.length + 5;
        if (!held.isEmpty() || length > sendWindow || length > target.sendWindow) {
            held.add(new Held(stream, message, last));
            return;
        }
        sendWindow -= length;
        target.sendWindow -= length;
        data(stream, message, last);
    }

    /** A message in as many frames as it needs. */
    private void data(int stream, byte[] message, boolean last) {
        int first = Math.min(message.length, MAX_FRAME - 5);
        room(message.length + 5 + FRAME_HEADER * (message.length / MAX_FRAME + 2));
        frame(first + 5, DATA, last && first == message.length ? END_STREAM : 0, stream);
        out.put((byte) 0).putInt(message.length).put(message, 0, first);
        for (int at = first; at < message.length; at += MAX_FRAME) {
            int part = Math.min(message.length - at, MAX_FRAME);
            frame(part, DATA, last && at + part == message.length ? END_STREAM : 0, stream);
            out.put(message, at, part);
        }
    }

    private void sendHeld() {
        for (int left = held.size(); left > 0 && !held.isEmpty(); left--) {
            Held first = held.peek();
            Stream target = streams.get(first.stream());
            int length = first.message().length + 5;
            if (target != null && (length > sendWindow || length > target.sendWindow)) {
                return;
            }
            held.remove();
            if (target != null) {
                sendWindow -= length;
                target.sendWindow -= length;
                data(first.stream(), first.message(), first.last());
            }
        }
    }

    private void room(int bytes) {
        if (out.remaining() < bytes) {
            ByteBuffer larger = ByteBuffer.allocateDirect(Math.max(out.capacity() * 2, out.position() + bytes));
            out.flip();
            larger.put(out);
            out = larger;
        }
    }

    private void frame(int length, int type, int flags, int stream) {
        room(FRAME_HEADER + Math.min(length, 16_384));
        out.putInt(length << 8 | type).put((byte) flags).putInt(stream);
    }

    private void windowUpdate(int stream, int bytes) {
        frame(4, WINDOW_UPDATE, 0, stream);
        out.putInt(bytes);
    }

    /** Writes what is queued, as far as the socket takes it. */
    void flush() throws IOException {
        if (out.position() == 0) {
            return;
        }
        out.flip();
        int written = channel.write(out);
        if (written < 0) {
            throw new EOFException("the server closed the connection");
        }
        out.compact();
        registered.interestOps(
                out.position() == 0 ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE);
    }

    /** Waits until some connection of a selector has something to do, and does it. */
    static void turn(Selector selector) throws IOException {
        selector.select(1000);
        for (SelectionKey key : selector.selectedKeys()) {
            ((LeanConnection) key.attachment()).turn();
        }
        selector.selectedKeys().clear();
    }

    /** Hands what has come to its calls, and sends what those queue. */
    private void turn() throws IOException {
        if (channel.read(in) < 0) {
            throw new EOFException("the server closed the connection");
        }
        in.flip();
        while (in.remaining() >= FRAME_HEADER) {
            int word = in.getInt(in.position());
            int length = word >>> 8;
            if (in.remaining() < FRAME_HEADER + length) {
                break;
            }
            int flags = in.get(in.position() + 4);
            int stream = in.getInt(in.position() + 5) & 0x7fffffff;
            int begin = in.position() + FRAME_HEADER;
            int limit = in.limit();
            in.limit(begin + length).position(begin);
            read(word & 0xff, flags, stream, length);
            in.limit(limit).position(begin + length);
        }
        if (in.position() == 0 && in.limit() == in.capacity()) {
            ByteBuffer larger = ByteBuffer.allocateDirect(in.capacity() * 2);
            larger.put(in);
            in = larger;
        } else {
            in.compact();
        }
        if (!held.isEmpty()) {
            sendHeld();
        }
        flush();
    }

    private void read(int type, int flags, int id, int length) throws IOException {
        switch (type) {
            case DATA -> data(flags, id, length);
            case HEADERS -> {
                if ((flags & END_STREAM) != 0) {
                    end(id);
                }
            }
            case RST_STREAM -> end(id);
            case SETTINGS -> settings(flags);
            case PING -> {
                if ((flags & ACK) == 0) {
                    frame(8, PING, ACK, 0);
                    out.putLong(in.getLong());
                }
            }
            case GOAWAY -> throw new IOException("the server ends the connection");
            case WINDOW_UPDATE -> {
                int more = in.getInt();
                Stream stream = streams.get(id);
                if (id == 0) {
                    sendWindow += more;
                } else if (stream != null) {
                    stream.sendWindow += more;
                }
            }
            default -> {}
        }
    }

    private void settings(int flags) {
        if ((flags & ACK) != 0) {
            return;
        }
        while (in.remaining() >= 6) {
            int name = in.getShort();
            int value = in.getInt();
            if (name == 4) {
                int more = value - sendStreamWindow;
                sendStreamWindow = value;
                for (Stream stream : streams.values()) {
                    stream.sendWindow += more;
                }
            }
        }
        frame(0, SETTINGS, ACK, 0);
    }

    private void data(int flags, int id, int length) {
        received += length;
        if (received > WINDOW / 2) {
            windowUpdate(0, (int) received);
            received = 0;
        }
        Stream stream = streams.get(id);
        if (stream == null) {
            return;
        }
        stream.received += length;
        if (stream.received > WINDOW / 4) {
            windowUpdate(id, (int) stream.received);
            stream.received = 0;
        }
        messages(stream);
        if ((flags & END_STREAM) != 0) {
            end(id);
        }
    }

    /** Whole messages of what has come; the rest waits. */
    private void messages(Stream stream) {
        ByteBuffer from = in;
        if (stream.partial.length > 0) {
            from = ByteBuffer.allocate(stream.partial.length + in.remaining());
            from.put(stream.partial).put(in).flip();
            stream.partial = new byte[0];
        }
        int limit = from.limit();
        while (from.remaining() >= 5) {
            int size = from.getInt(from.position() + 1);
            int begin = from.position() + 5;
            if (limit - begin < size) {
                break;
            }
            from.limit(begin + size).position(begin);
            stream.answered = true;
            stream.call.message(from);
            from.limit(limit).position(begin + size);
        }
        if (from.hasRemaining()) {
            stream.partial = new byte[from.remaining()];
            from.get(stream.partial);
        }
    }

    private void end(int id) {
        Stream stream = streams.remove(id);
        if (stream != null) {
            stream.call.ended(!stream.answered);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
