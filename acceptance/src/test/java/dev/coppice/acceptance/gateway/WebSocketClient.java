package dev.coppice.acceptance.gateway;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Just enough of RFC 6455 to send a short text and read one back. */
final class WebSocketClient {
    /** The nonce and the answer to it of the RFC's own example. */
    private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";

    private static final String ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    private static final int SHORT = 125;

    private WebSocketClient() {}

    static String echo(String address, int port, String target, String text) throws IOException {
        byte[] payload = text.getBytes(StandardCharsets.UTF_8);
        if (payload.length > SHORT) {
            throw new IllegalArgumentException("longer than " + SHORT + " bytes: " + text);
        }
        try (Socket socket = RawHttp.connect(address, port, null, "")) {
            String head = RawHttp.head(
                    "GET",
                    target,
                    address,
                    List.of(
                            Map.entry("Connection", "Upgrade"),
                            Map.entry("Upgrade", "websocket"),
                            Map.entry("Sec-WebSocket-Version", "13"),
                            Map.entry("Sec-WebSocket-Key", KEY)));
            socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
            InputStream in = new BufferedInputStream(socket.getInputStream());
            RawHttp.Answer answer = RawHttp.read(in, false);
            if (answer.status() != 101 || !ACCEPT.equals(answer.header("sec-websocket-accept"))) {
                throw new IOException("no WebSocket: " + answer.status() + " " + answer.headers());
            }
            ByteArrayOutputStream frame = new ByteArrayOutputStream();
            byte[] mask = {1, 2, 3, 4};
            frame.write(0x81);
            frame.write(0x80 | payload.length);
            frame.write(mask);
            for (int i = 0; i < payload.length; i++) {
                frame.write(payload[i] ^ mask[i % mask.length]);
            }
            socket.getOutputStream().write(frame.toByteArray());
            int kind = in.read();
            int length = in.read();
            if (kind != 0x81 || length > SHORT) {
                throw new IOException("not a short text: " + kind + " " + length);
            }
            return new String(in.readNBytes(length), StandardCharsets.UTF_8);
        }
    }
}
