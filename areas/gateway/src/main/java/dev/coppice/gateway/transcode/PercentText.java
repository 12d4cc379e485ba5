package dev.coppice.gateway.transcode;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Texts with escapes such as {@code %C3%A9} (RFC 3986, 2.1). Pure functions. */
public final class PercentText {
    private static final int ESCAPE = 3;

    private PercentText() {}

    /**
     * A text without its escapes.
     *
     * @param keepSlashes whether those of slashes stay
     * @return null when an escape is none, or it is no UTF-8
     */
    public static @Nullable String decoded(String text, boolean keepSlashes) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        byte[] from = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer to = ByteBuffer.allocate(from.length);
        int at = 0;
        while (at < from.length) {
            if (from[at] != '%') {
                to.put(from[at++]);
                continue;
            }
            int high = at + 2 < from.length ? Character.digit(from[at + 1], 16) : -1;
            int low = at + 2 < from.length ? Character.digit(from[at + 2], 16) : -1;
            if (high < 0 || low < 0) {
                return null;
            }
            int value = high << 4 | low;
            if (keepSlashes && value == '/') {
                to.put(from, at, ESCAPE);
            } else {
                to.put((byte) value);
            }
            at += ESCAPE;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(to.flip()).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** A text as a message of a status has it: with escapes for all but visible ASCII (gRPC over HTTP2, Status-Message). */
    public static String encoded(String text) {
        StringBuilder to = new StringBuilder(text.length());
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            if (each < ' ' || each > '~' || each == '%') {
                to.append(String.format("%%%02X", each));
            } else {
                to.append((char) each);
            }
        }
        return to.toString();
    }

    /** A message of a status (gRPC over HTTP2, Status-Message), as it is where its escapes are none. */
    public static String message(@Nullable String text) {
        String decoded = text == null ? "" : decoded(text, false);
        return decoded == null ? String.valueOf(text) : decoded;
    }
}
