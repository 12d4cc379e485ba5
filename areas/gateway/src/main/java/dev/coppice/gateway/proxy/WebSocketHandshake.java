package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Keys of the WebSocket handshake, which HTTP/1.1 has and HTTP/2 has not (RFC 6455, 4; RFC 8441, 5). Pure functions. */
final class WebSocketHandshake {
    private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static final int KEY_BYTES = 16;

    private WebSocketHandshake() {}

    /** A key for a client that has none. */
    static String key(SplittableRandom random) {
        byte[] bytes = new byte[KEY_BYTES];
        random.nextBytes(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** What a server answers to a key. */
    static String accept(String key) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-1").digest((key + GUID).getBytes(StandardCharsets.ISO_8859_1));
            return Base64.getEncoder().encodeToString(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-1", e);
        }
    }

    /** Whether an answer fits its request. */
    static boolean accepts(HttpHeaders request, HttpHeaders answer) {
        @Nullable String key = request.get(HttpHeaderNames.SEC_WEBSOCKET_KEY);
        return key != null && accept(key).equals(answer.get(HttpHeaderNames.SEC_WEBSOCKET_ACCEPT));
    }
}
