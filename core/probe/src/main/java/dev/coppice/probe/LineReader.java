package dev.coppice.probe;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;

/** Reads lines and counted bytes from a peer, bounded. Not safe for use by many threads. */
final class LineReader {
    private final InputStream input;
    private final Attempt attempt;
    private final byte[] buffer = new byte[4096];
    private int position;
    private int end;

    LineReader(InputStream input, Attempt attempt) {
        this.input = input;
        this.attempt = attempt;
    }

    private void fill() throws IOException {
        int count = input.read(buffer, 0, buffer.length);
        if (count <= 0) {
            throw new EOFException("the server closed the connection");
        }
        attempt.countBytes(count);
        position = 0;
        end = count;
    }

    int read() throws IOException {
        if (position == end) {
            fill();
        }
        return buffer[position++] & 0xff;
    }

    /** A line without its end, CRLF or LF. */
    String line(int limitBytes) throws IOException {
        var out = new java.io.ByteArrayOutputStream(64);
        for (int c = read(); c != '\n'; c = read()) {
            if (out.size() == limitBytes) {
                throw new ProtocolException("a line is longer than " + limitBytes + " bytes");
            }
            out.write(c);
        }
        var line = out.toString(StandardCharsets.UTF_8);
        return line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
    }

    byte[] exactly(int count) throws IOException {
        var out = new byte[count];
        for (int i = 0; i < count; i++) {
            out[i] = (byte) read();
        }
        return out;
    }

    /** Whether bytes are there that nobody has asked for. */
    boolean buffered() {
        return position < end;
    }
}
