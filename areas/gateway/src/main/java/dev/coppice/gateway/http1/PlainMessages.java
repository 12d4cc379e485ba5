package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The messages of a connection as long as they are of the form that {@link HeadReader} knows. The first byte of one that is not is where Netty's decoder takes over, until a
 * message has ended and it holds nothing back. Used on one event loop only.
 */
abstract class PlainMessages {
    /** Bytes of the body that are still to come. */
    private long remaining;
    /** Netty's decoder has the turn. */
    private boolean left;
    /** Netty's decoder is between two messages. */
    private boolean between;
    /** No other message can come. */
    private boolean over;
    /** Since one asked last. */
    private boolean told;

    /** Reads a head, and tells how long it is; 0: it is not of that form. */
    abstract int read(ByteBuf in);

    /** The message of the head that was read last. */
    abstract HttpMessage message();

    /** The length of its body. */
    abstract long bodyLength();

    /** Whether what comes is for here. */
    boolean haveTurn() {
        return !left && !over;
    }

    /** Whether anything was told since this was asked last. */
    boolean hasTold() {
        boolean answer = told;
        told = false;
        return answer;
    }

    /** What comes from now on is none of the messages that are read here. */
    void end() {
        over = true;
    }

    /**
     * Tells what came.
     *
     * @param in which is taken over
     * @return what is left for Netty's decoder; null when nothing is
     */
    @Nullable
    ByteBuf take(ChannelHandlerContext context, ByteBuf in) {
        boolean taken = false;
        try {
            while (in.isReadable()) {
                if (context.isRemoved()) {
                    // Another protocol from here on.
                    taken = true;
                    context.fireChannelRead(in);
                    return null;
                }
                if (remaining > 0) {
                    told = true;
                    context.fireChannelRead(body(in));
                    continue;
                }
                int length = read(in);
                if (length == 0) {
                    left = true;
                    between = true;
                    taken = true;
                    return in;
                }
                HttpMessage message = message();
                remaining = bodyLength();
                in.skipBytes(length);
                told = true;
                context.fireChannelRead(message);
                if (remaining == 0) {
                    context.fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
                }
            }
            return null;
        } finally {
            if (!taken) {
                in.release();
            }
        }
    }

    private HttpObject body(ByteBuf in) {
        int length = (int) Math.min(remaining, in.readableBytes());
        ByteBuf part = in.readRetainedSlice(length);
        remaining -= length;
        // Nobody adds trailers where there cannot be any.
        return remaining == 0
                ? new DefaultLastHttpContent(part, EmptyHttpHeaders.INSTANCE)
                : new DefaultHttpContent(part);
    }

    /**
     * Netty's decoder was asked once.
     *
     * @param consumed bytes that it took
     * @param all what it gave, and at its end what it gave this time
     */
    void decoded(int consumed, List<Object> all, int before) {
        if (all.size() > before) {
            between = all.getLast() instanceof LastHttpContent end
                    && !end.decoderResult().isFailure();
        } else if (consumed > 0) {
            between = false;
        }
    }

    /** Netty's decoder has done what it could with what came; so many bytes wait in it. */
    void decoded(int waiting) {
        left = !between || waiting > 0;
    }
}
