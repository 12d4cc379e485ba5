package dev.coppice.gateway.transcode;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Cuts the body of an answer of gRPC into its messages (gRPC over HTTP2, Length-Prefixed-Message). Not safe for use by many threads. */
public final class MessageFrames {
    private static final int HEAD = 5;

    private final int most;
    private final ByteArrayOutputStream rest = new ByteArrayOutputStream();
    /** Bytes without which nothing more can be cut off. */
    private int needed = HEAD;

    /** @param most bytes of a message */
    public MessageFrames(int most) {
        this.most = most;
    }

    /**
     * Takes a part of the body.
     *
     * @return the messages that are complete now
     * @throws IllegalArgumentException when one is compressed, or too long; nothing more can be read then
     */
    public List<byte[]> read(byte[] part) {
        rest.writeBytes(part);
        if (rest.size() < needed) {
            return List.of();
        }
        needed = HEAD;
        ByteBuffer all = ByteBuffer.wrap(rest.toByteArray());
        List<byte[]> messages = new ArrayList<>();
        while (all.remaining() >= HEAD) {
            int at = all.position();
            int length = all.getInt(at + 1);
            if (all.get(at) != 0) {
                throw new IllegalArgumentException("a message is compressed");
            }
            if (length < 0 || length > most) {
                throw new IllegalArgumentException(
                        "a message of " + Integer.toUnsignedString(length) + " bytes; there may be " + most);
            }
            if (all.remaining() < HEAD + length) {
                needed = HEAD + length;
                break;
            }
            byte[] message = new byte[length];
            all.position(at + HEAD).get(message);
            messages.add(message);
        }
        if (all.position() > 0) {
            rest.reset();
            rest.write(all.array(), all.position(), all.remaining());
        }
        return messages;
    }

    /** Whether no message is begun. */
    public boolean complete() {
        return rest.size() == 0;
    }

    /** A message with its head. */
    public static byte[] framed(byte[] message) {
        return ByteBuffer.allocate(HEAD + message.length)
                .put((byte) 0)
                .putInt(message.length)
                .put(message)
                .array();
    }
}
