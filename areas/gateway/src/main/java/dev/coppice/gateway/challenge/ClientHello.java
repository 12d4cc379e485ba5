package dev.coppice.gateway.challenge;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Reads from the first message of a TLS client (RFC 8446, 4.1.2). */
public final class ClientHello {
    private static final int ALPN = 16;

    private ClientHello() {}

    /**
     * Whether the client speaks one protocol and no other (RFC 7301, 3.1), as those who look at challenges do (RFC 8737, 3).
     *
     * @param hello a ClientHello without the header of its handshake message; it is read from
     */
    public static boolean offersOnly(String protocol, ByteBuffer hello) {
        try {
            skip(hello, 2 + 32);
            skip(hello, hello.get() & 0xff);
            skip(hello, hello.getShort() & 0xffff);
            skip(hello, hello.get() & 0xff);
            ByteBuffer extensions = part(hello, hello.getShort() & 0xffff);
            while (extensions.hasRemaining()) {
                int type = extensions.getShort() & 0xffff;
                ByteBuffer data = part(extensions, extensions.getShort() & 0xffff);
                if (type == ALPN) {
                    ByteBuffer names = part(data, data.getShort() & 0xffff);
                    byte[] first = new byte[names.get() & 0xff];
                    names.get(first);
                    return !names.hasRemaining() && protocol.equals(new String(first, StandardCharsets.US_ASCII));
                }
            }
            return false;
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            return false;
        }
    }

    private static void skip(ByteBuffer from, int bytes) {
        from.position(from.position() + bytes);
    }

    private static ByteBuffer part(ByteBuffer from, int bytes) {
        ByteBuffer part = from.slice(from.position(), check(from, bytes));
        skip(from, bytes);
        return part;
    }

    private static int check(ByteBuffer from, int bytes) {
        if (bytes > from.remaining()) {
            throw new BufferUnderflowException();
        }
        return bytes;
    }
}
