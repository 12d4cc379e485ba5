package dev.coppice.probe;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Reads one HTTP/1.x response (RFC 9112), strictly and within bounds: 32 KiB and 200 fields of header, 8 KiB of trailer,
 * 10 interim responses. Every violation is a {@link ProtocolException} in words for the user. Not safe for many threads.
 */
final class HttpReader {
    private static final int HEADER_BYTES_MAX = 32 << 10;
    private static final int HEADER_FIELDS_MAX = 200;
    private static final int TRAILER_BYTES_MAX = 8 << 10;
    private static final int CHUNK_LINE_MAX = 1 << 10;
    private static final int INTERIM_MAX = 10;

    /**
     * The beginning of a response.
     *
     * @param version 10 or 11
     * @param headers lower-case names, in order
     */
    record Head(int version, int status, Map<String, String> headers) {}

    private final InputStream input;
    private final Attempt attempt;
    private final byte[] buffer = new byte[8 << 10];
    private final StringBuilder line = new StringBuilder(64);
    private int position;
    private int end;
    private int headerBytes;

    HttpReader(InputStream input, Attempt attempt) {
        this.input = input;
        this.attempt = attempt;
    }

    /** Blocks until the first byte of the answer is there. */
    void awaitFirstByte() throws IOException {
        if (!fill()) {
            throw new EOFException("the server closed the connection without an answer");
        }
    }

    private boolean fill() throws IOException {
        int count = input.read(buffer, 0, buffer.length);
        if (count <= 0) {
            return false;
        }
        attempt.countBytes(count);
        position = 0;
        end = count;
        return true;
    }

    /** The final response's head; interim ones (1xx) are skipped. */
    Head head() throws IOException {
        for (int i = 0; i <= INTERIM_MAX; i++) {
            headerBytes = 0;
            var head = oneHead();
            if (head.status() >= 200 || head.status() == 101) {
                return head;
            }
        }
        throw new ProtocolException("the server sent more than " + INTERIM_MAX + " interim (1xx) responses");
    }

    private Head oneHead() throws IOException {
        var statusLine = headerLine();
        if (!statusLine.startsWith("HTTP/")) {
            throw new ProtocolException("the answer is not HTTP; it begins with " + quoted(statusLine));
        }
        int version = switch (statusLine.length() < 12 ? "" : statusLine.substring(5, 8)) {
            case "1.1" -> 11;
            case "1.0" -> 10;
            default -> throw new ProtocolException("not an HTTP/1 status line: " + quoted(statusLine));
        };
        int status = 0;
        for (int i = 9; i < 12; i++) {
            int digit = statusLine.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                throw new ProtocolException("the status line has no status code: " + quoted(statusLine));
            }
            status = status * 10 + digit;
        }
        if (statusLine.charAt(8) != ' ' || statusLine.length() > 12 && statusLine.charAt(12) != ' ' || status < 100) {
            throw new ProtocolException("not an HTTP/1 status line: " + quoted(statusLine));
        }
        return new Head(version, status, fields());
    }

    private Map<String, String> fields() throws IOException {
        var fields = new LinkedHashMap<String, String>();
        for (int count = 0; ; count++) {
            var field = headerLine();
            if (field.isEmpty()) {
                return fields;
            }
            if (count == HEADER_FIELDS_MAX) {
                throw new ProtocolException("the server sent more than " + HEADER_FIELDS_MAX + " header fields");
            }
            int colon = field.indexOf(':');
            if (colon <= 0 || !token(field, colon)) {
                throw new ProtocolException("not a header field: " + quoted(field));
            }
            var name = field.substring(0, colon).toLowerCase(Locale.ROOT);
            var value = field.substring(colon + 1).strip();
            var before = fields.putIfAbsent(name, value);
            if (before != null) {
                merge(fields, name, before, value);
            }
        }
    }

    private static void merge(Map<String, String> fields, String name, String before, String value)
            throws ProtocolException {
        if (name.equals("content-length")) {
            if (!before.equals(value)) {
                throw new ProtocolException("the server sent two lengths: " + quoted(before) + " and " + quoted(value));
            }
            return;
        }
        fields.put(name, before + ", " + value);
    }

    private static boolean token(String text, int end) {
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            boolean word = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
            if (!word && "!#$%&'*+-.^_`|~".indexOf(c) < 0) {
                return false;
            }
        }
        return true;
    }

    private String headerLine() throws IOException {
        var text = line(HEADER_BYTES_MAX - headerBytes, "the header is larger than " + HEADER_BYTES_MAX + " bytes");
        headerBytes += text.length() + 2;
        return text;
    }

    /** A line without its end, CRLF or LF (RFC 9112, section 2.2). */
    private String line(int limit, String tooLong) throws IOException {
        line.setLength(0);
        while (true) {
            for (int i = position; i < end; i++) {
                if (buffer[i] == '\n') {
                    return finish(i, limit, tooLong);
                }
            }
            if (line.length() + end - position > limit) {
                throw new ProtocolException(tooLong);
            }
            line.append(new String(buffer, position, end - position, StandardCharsets.ISO_8859_1));
            position = end;
            if (!fill()) {
                throw new EOFException("the server closed the connection in the middle of the header");
            }
        }
    }

    private String finish(int newline, int limit, String tooLong) throws ProtocolException {
        int stop = newline > position && buffer[newline - 1] == '\r' ? newline - 1 : newline;
        var text = new String(buffer, position, stop - position, StandardCharsets.ISO_8859_1);
        position = newline + 1;
        if (!line.isEmpty()) {
            if (text.isEmpty() && stop == newline && line.charAt(line.length() - 1) == '\r') {
                line.setLength(line.length() - 1);
            }
            text = line.append(text).toString();
        }
        if (text.length() > limit) {
            throw new ProtocolException(tooLong);
        }
        return text;
    }

    private static String quoted(String text) {
        var out = new StringBuilder("\"");
        for (int i = 0; i < Math.min(text.length(), 60); i++) {
            char c = text.charAt(i);
            out.append(c < ' ' || c >= 127 ? '?' : c);
        }
        return out.append(text.length() > 60 ? "…\"" : "\"").toString();
    }

    /**
     * The declared length of the body.
     *
     * @return -1 when it is not declared
     */
    static long contentLength(Head head) throws ProtocolException {
        var text = head.headers().get("content-length");
        if (text == null) {
            return -1;
        }
        long length = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9 || i >= 18) {
                throw new ProtocolException("the server sent a length that is no number: " + quoted(text));
            }
            length = length * 10 + digit;
        }
        if (text.isEmpty()) {
            throw new ProtocolException("the server sent an empty length");
        }
        return length;
    }

    /** Whether a response to this method has a body. */
    static boolean hasBody(Head head, String method) {
        int status = head.status();
        return !method.equals("HEAD") && status >= 200 && status != 204 && status != 304;
    }

    /** A stream of the body, decoded from its transfer coding; it ends where the body ends. */
    InputStream body(Head head) throws IOException {
        var coding = head.headers().get("transfer-encoding");
        if (coding != null) {
            if (!coding.equalsIgnoreCase("chunked")) {
                throw new ProtocolException("the server uses an unknown transfer coding: " + quoted(coding));
            }
            return new Chunks();
        }
        return new Plain(contentLength(head));
    }

    private int take(byte[] to, int offset, int count) throws IOException {
        if (position == end && !fill()) {
            return -1;
        }
        int n = Math.min(count, end - position);
        System.arraycopy(buffer, position, to, offset, n);
        position += n;
        return n;
    }

    private abstract static class Body extends InputStream {
        @Override
        public int read() throws IOException {
            var one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public abstract int read(byte[] to, int offset, int count) throws IOException;
    }

    /** A body with a declared length, or up to the end of the connection. */
    private final class Plain extends Body {
        private long left;

        Plain(long length) {
            left = length < 0 ? Long.MAX_VALUE : length;
        }

        @Override
        public int read(byte[] to, int offset, int count) throws IOException {
            if (left == 0) {
                return -1;
            }
            int n = take(to, offset, (int) Math.min(count, left));
            if (n < 0) {
                if (left > Long.MAX_VALUE / 2) {
                    return -1;
                }
                throw new EOFException(
                        "the server closed the connection " + left + " bytes before the end of the body");
            }
            left -= n;
            return n;
        }
    }

    /** A chunked body (RFC 9112, section 7.1). */
    private final class Chunks extends Body {
        private long left;
        private boolean first = true;
        private boolean done;

        @Override
        public int read(byte[] to, int offset, int count) throws IOException {
            if (left == 0 && !done) {
                next();
            }
            if (done) {
                return -1;
            }
            int n = take(to, offset, (int) Math.min(count, left));
            if (n < 0) {
                throw new EOFException("the server closed the connection in the middle of a chunk");
            }
            left -= n;
            return n;
        }

        private void next() throws IOException {
            if (!first && !line(0, "a chunk is longer than the server said").isEmpty()) {
                throw new ProtocolException("a chunk is longer than the server said");
            }
            first = false;
            left = size(line(CHUNK_LINE_MAX, "a chunk's size line is longer than " + CHUNK_LINE_MAX + " bytes"));
            if (left == 0) {
                done = true;
                int trailer = 0;
                String field;
                do {
                    field = line(
                            TRAILER_BYTES_MAX - trailer, "the trailer is larger than " + TRAILER_BYTES_MAX + " bytes");
                    trailer += field.length() + 2;
                } while (!field.isEmpty());
            }
        }

        private static long size(String text) throws ProtocolException {
            int stop = text.indexOf(';');
            var digits = (stop < 0 ? text : text.substring(0, stop)).strip();
            if (digits.isEmpty() || digits.length() > 15) {
                throw new ProtocolException("not a chunk size: " + quoted(text));
            }
            long size = 0;
            for (int i = 0; i < digits.length(); i++) {
                int digit = Character.digit(digits.charAt(i), 16);
                if (digit < 0) {
                    throw new ProtocolException("not a chunk size: " + quoted(text));
                }
                size = size * 16 + digit;
            }
            return size;
        }
    }
}
