package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Reads heads in the one form that leaves nothing to decide: the whole of it is there, of HTTP/1.1, in printable ASCII; single spaces in its first line, one space
 * after each colon and none before the end of a line; at most one {@code Content-Length}, and nothing else that could say where the body ends. Of any other head it says nothing, not even that it is
 * wrong. Used on one event loop only.
 */
public final class HeadReader {
    private static final int USUAL_BYTES = 1024;
    private static final int MOST_BYTES = 16 << 10;
    private static final int USUAL_FIELDS = 16;
    private static final int SPAN = 3;
    private static final int MOST_DIGITS = 18;
    private static final byte[] VERSION = ascii("HTTP/1.1");
    private static final List<HttpMethod> METHODS = List.of(
            HttpMethod.GET,
            HttpMethod.POST,
            HttpMethod.PUT,
            HttpMethod.HEAD,
            HttpMethod.DELETE,
            HttpMethod.OPTIONS,
            HttpMethod.PATCH);
    private static final byte[][] METHOD_NAMES =
            METHODS.stream().map(each -> ascii(each.name())).toArray(byte[][]::new);
    private static final byte[] CONTENT_LENGTH = ascii("content-length");
    // These have a say in how long the body is.
    private static final byte[] TRANSFER_ENCODING = ascii("transfer-encoding");
    private static final byte[] WEBSOCKET_PREFIX = ascii("sec-websocket-");

    /** By characters of a token (RFC 9110, 5.6.2). */
    private static final boolean[] TOKEN = new boolean[128];

    static {
        for (byte each : ascii("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
            TOKEN[each] = true;
        }
    }

    private byte[] bytes = new byte[USUAL_BYTES];
    private int there;
    private int[] spans = new int[USUAL_FIELDS * SPAN];

    // Of the last head.
    private HttpMethod method = HttpMethod.GET;
    private HttpResponseStatus status = HttpResponseStatus.OK;
    private int targetBegin;
    private int targetEnd;
    private int fields;
    private long contentLength;
    private int length;

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Reads a request's head at the beginning of what there is, and leaves it there.
     *
     * @param maxLine bytes of its first line
     * @param maxHeader bytes of all other lines
     * @return whether it could; what came of it is known until the next one is read
     */
    boolean request(ByteBuf in, int maxLine, int maxHeader) {
        return read(in, true, maxLine, maxHeader);
    }

    /** Reads a response's head, which has a status of 200 or more, as {@link #request} does. */
    boolean response(ByteBuf in, int maxLine, int maxHeader) {
        return read(in, false, maxLine, maxHeader);
    }

    HttpMethod method() {
        return method;
    }

    HttpResponseStatus status() {
        return status;
    }

    String target() {
        return new String(bytes, targetBegin, targetEnd - targetBegin, StandardCharsets.ISO_8859_1);
    }

    ReceivedHeaders headers() {
        return new ReceivedHeaders(Arrays.copyOf(bytes, length), spans, fields);
    }

    /** Of the body; negative: it says none. */
    long contentLength() {
        return contentLength;
    }

    /** Of the head, with the empty line. */
    int length() {
        return length;
    }

    private boolean read(ByteBuf in, boolean request, int maxLine, int maxHeader) {
        int readable = in.readableBytes();
        there = Math.min(readable, USUAL_BYTES);
        in.getBytes(in.readerIndex(), bytes, 0, there);
        int first = request ? requestLine(maxLine) : statusLine(maxLine);
        if (first > 0 && fields(first, maxHeader)) {
            return true;
        }
        if (readable <= USUAL_BYTES || length >= 0) {
            return false;
        }
        // It ended too early, and there is more of it.
        there = Math.min(readable, MOST_BYTES);
        if (bytes.length < there) {
            bytes = new byte[MOST_BYTES];
        }
        in.getBytes(in.readerIndex(), bytes, 0, there);
        int again = request ? requestLine(maxLine) : statusLine(maxLine);
        return again > 0 && fields(again, maxHeader);
    }

    private static boolean printable(byte one) {
        return one >= ' ' && one <= '~';
    }

    /** Where the next line begins; 0: it is not of that form, or not there. */
    private int requestLine(int maxLine) {
        length = -1;
        int at = 0;
        for (int i = 0; i < METHOD_NAMES.length && at == 0; i++) {
            byte[] name = METHOD_NAMES[i];
            if (there > name.length && bytes[name.length] == ' ' && is(name, 0)) {
                method = METHODS.get(i);
                at = name.length + 1;
            }
        }
        if (at == 0) {
            length = 0;
            return 0;
        }
        targetBegin = at;
        while (at < there && bytes[at] > ' ' && bytes[at] <= '~') {
            at++;
        }
        targetEnd = at;
        if (at == targetBegin || at + VERSION.length + 3 > there) {
            return 0;
        }
        if (bytes[at] != ' ' || !is(VERSION, at + 1)) {
            length = 0;
            return 0;
        }
        at += VERSION.length + 1;
        return lineEnd(at, maxLine);
    }

    private int statusLine(int maxLine) {
        length = -1;
        int at = VERSION.length;
        // A space, three digits, a space, and some of the reason.
        if (there < at + 6) {
            return 0;
        }
        if (!is(VERSION, 0) || bytes[at] != ' ' || bytes[at + 4] != ' ') {
            length = 0;
            return 0;
        }
        int code = 0;
        for (int i = 1; i <= 3; i++) {
            int digit = bytes[at + i] - '0';
            if (digit < 0 || digit > 9) {
                length = 0;
                return 0;
            }
            code = code * 10 + digit;
        }
        int reason = at + 5;
        at = reason;
        while (at < there && printable(bytes[at])) {
            at++;
        }
        if (at == there) {
            return 0;
        }
        if (code < 200 || at == reason || bytes[at - 1] == ' ') {
            length = 0;
            return 0;
        }
        status = status(code, reason, at);
        return lineEnd(at, maxLine);
    }

    private HttpResponseStatus status(int code, int reason, int end) {
        HttpResponseStatus usual = HttpResponseStatus.valueOf(code);
        String phrase = usual.reasonPhrase();
        if (phrase.length() == end - reason) {
            int i = 0;
            while (i < phrase.length() && phrase.charAt(i) == bytes[reason + i]) {
                i++;
            }
            if (i == phrase.length()) {
                return usual;
            }
        }
        return new HttpResponseStatus(code, new String(bytes, reason, end - reason, StandardCharsets.ISO_8859_1));
    }

    /** Where the next line begins, as this one ends here, within its bound. */
    private int lineEnd(int at, int maxLine) {
        if (at + 1 >= there) {
            return 0;
        }
        if (bytes[at] == '\r' && bytes[at + 1] == '\n' && at <= maxLine) {
            return at + 2;
        }
        length = 0;
        return 0;
    }

    /** Whether that stands here. */
    private boolean is(byte[] text, int at) {
        for (int i = 0; i < text.length; i++) {
            if (bytes[at + i] != text[i]) {
                return false;
            }
        }
        return true;
    }

    private boolean named(int begin, int end, byte[] name) {
        return end - begin == name.length && beginsWith(begin, end, name);
    }

    /** Whether the name begins with that, which is in lower case. */
    private boolean beginsWith(int begin, int end, byte[] prefix) {
        if (end - begin < prefix.length) {
            return false;
        }
        for (int i = 0; i < prefix.length; i++) {
            int one = bytes[begin + i];
            if (one != prefix[i] && (one < 'A' || one > 'Z' || one + ('a' - 'A') != prefix[i])) {
                return false;
            }
        }
        return true;
    }

    /** All lines up to the empty one. */
    private boolean fields(int first, int maxHeader) {
        byte[] all = bytes;
        int end = there;
        int at = first;
        int sum = 0;
        fields = 0;
        contentLength = -1;
        while (at + 1 < end) {
            if (all[at] == '\r') {
                length = all[at + 1] == '\n' ? at + 2 : 0;
                return length > 0;
            }
            int begin = at;
            while (at < end && all[at] >= 0 && TOKEN[all[at]]) {
                at++;
            }
            int nameEnd = at;
            if (at + 3 >= end) {
                return false;
            }
            if (all[at] != ':' || at == begin || all[at + 1] != ' ' || all[at + 2] == ' ') {
                length = 0;
                return false;
            }
            at += 2;
            int valueBegin = at;
            while (at < end && printable(all[at])) {
                at++;
            }
            if (at + 1 >= end) {
                return false;
            }
            sum += at - begin;
            if (all[at] != '\r'
                    || all[at + 1] != '\n'
                    || at == valueBegin
                    || all[at - 1] == ' '
                    || sum > maxHeader
                    || !decided(begin, nameEnd, valueBegin, at)) {
                length = 0;
                return false;
            }
            field(begin, nameEnd, at);
            at += 2;
        }
        return false;
    }

    private void field(int begin, int nameEnd, int valueEnd) {
        if (fields * SPAN == spans.length) {
            spans = Arrays.copyOf(spans, spans.length * 2);
        }
        spans[fields * SPAN] = begin;
        spans[fields * SPAN + 1] = nameEnd;
        spans[fields * SPAN + 2] = valueEnd;
        fields++;
    }

    /** Whether it is clear how long the body is. */
    private boolean decided(int begin, int nameEnd, int valueBegin, int valueEnd) {
        return switch (bytes[begin]) {
            case 'c', 'C' ->
                !named(begin, nameEnd, CONTENT_LENGTH) || contentLength < 0 && number(valueBegin, valueEnd);
            case 't', 'T' -> !named(begin, nameEnd, TRANSFER_ENCODING);
            case 's', 'S' -> !beginsWith(begin, nameEnd, WEBSOCKET_PREFIX);
            default -> true;
        };
    }

    private boolean number(int begin, int end) {
        if (end - begin > MOST_DIGITS) {
            return false;
        }
        long value = 0;
        for (int i = begin; i < end; i++) {
            int digit = bytes[i] - '0';
            if (digit < 0 || digit > 9) {
                return false;
            }
            value = value * 10 + digit;
        }
        contentLength = value;
        return true;
    }
}
