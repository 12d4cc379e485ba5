package dev.coppice.serving;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One HTTP request and its answer. Handlers run on a virtual thread and may block. Used by one thread at a time. The
 * answer is sent by exactly one of {@link #send(byte[])}, {@link #send(List)}, {@link #sendEmpty}, {@link #stream} and {@link #messages}.
 */
public interface Exchange {

    /** Upper case. */
    String method();

    /** The decoded path, without the query; starts with a slash. */
    String path();

    /** The path as it was sent, still percent-encoded. */
    String rawPath();

    /** The first value of a decoded query parameter. */
    Optional<String> query(String name);

    /** All decoded query parameters, in order. */
    Map<String, List<String>> queries();

    /** The query as it was sent, or empty. */
    String rawQuery();

    /** The first value of a header; names are case-insensitive. */
    Optional<String> header(String name);

    List<String> headers(String name);

    /** The body, undecoded, bounded by the listener's limit: reading past it throws {@link BodyTooLargeException}. */
    InputStream body() throws IOException;

    /** The client's verified certificates, its own first; empty without TLS client authentication. */
    List<X509Certificate> clientCertificates();

    /** The address of the peer, without its port. */
    String remoteAddress();

    boolean secure();

    /** Who asks, as its {@link Authenticator} found; {@link Identity#ANONYMOUS} where none is mounted. */
    Identity identity();

    void setIdentity(Identity identity);

    Exchange status(int status);

    Exchange setHeader(String name, String value);

    Exchange addHeader(String name, String value);

    void send(byte[] body) throws IOException;

    /** Sends a body that is there in parts. Of a large one no second copy is made. */
    default void send(List<byte[]> parts) throws IOException {
        send(joined(parts));
    }

    /** The parts, one after the other. */
    static byte[] joined(List<byte[]> parts) {
        byte[] whole = new byte[Math.toIntExact(length(parts))];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, whole, at, part.length);
            at += part.length;
        }
        return whole;
    }

    /** How many bytes all parts have. */
    static long length(List<byte[]> parts) {
        long length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        return length;
    }

    void sendEmpty() throws IOException;

    /** Starts an answer of unknown length. A flush reaches the client at once. Close it to end the answer. */
    OutputStream stream() throws IOException;

    /**
     * Starts an answer over a WebSocket (RFC 6455) when the client asks for one: each write is one text message, sent at once, its bytes
     * UTF-8; close it to end the answer. Empty, with nothing sent, for other clients: {@link #stream} is for them.
     */
    default Optional<OutputStream> messages() throws IOException {
        return Optional.empty();
    }

    /** Whether the answer was started. */
    boolean committed();

    /** Whether the client still waits for the answer. Safe for any thread. */
    default boolean open() {
        return true;
    }

    /**
     * Runs the action once, when the client goes or the listener stops, on a thread that must not be blocked: let it wake
     * the handler. It runs at once when that happened already. Endless answers (watches, event streams) must register one:
     * a stopping listener waits for other answers, but ends these.
     */
    default void onClose(Runnable action) {}

    /** Sends text as {@code contentType}; charset=utf-8 must stand in it where wanted. */
    default void send(String contentType, String body) throws IOException {
        setHeader("Content-Type", contentType);
        send(body.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
}
