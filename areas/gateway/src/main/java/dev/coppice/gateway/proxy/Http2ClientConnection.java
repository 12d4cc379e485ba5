package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2EventAdapter;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2RemoteFlowController;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A client's connection of HTTP/2: each of its streams is an exchange of its own. Used on its event loop only. */
final class Http2ClientConnection extends Client {
    final Http2Handler handler;
    private final Http2Connection connection;
    private final Http2Connection.PropertyKey key;
    private final @Nullable String serverName;
    /** Streams for which something came in this round of reading. */
    private final List<Http2ClientStream> touched = new ArrayList<>();

    private int exchanges;
    private long idleSince;
    private boolean draining;

    /** @param serverName the name by which the client asked for a certificate, empty when it named none; null for plain HTTP */
    Http2ClientConnection(EventLoopState state, Port port, Channel channel, @Nullable String serverName) {
        super(state, port, channel);
        this.serverName = serverName;
        this.idleSince = state.now();
        this.handler = Http2Handler.server(new Events(), state.plane);
        this.connection = handler.connection();
        this.key = connection.newKey();
        handler.encoder().flowController().listener(new Writability());
    }

    @Override
    @Nullable
    String serverName() {
        return serverName;
    }

    boolean draining() {
        return draining;
    }

    void ended() {
        exchanges--;
        idleSince = state().now();
    }

    /** Says that no further streams will be served, and ends with the last one (RFC 9113, 6.8). */
    @Override
    void drain() {
        if (!draining) {
            draining = true;
            var _ = channel().close();
        }
    }

    @Override
    void close() {
        handler.closeNow();
    }

    @Override
    void checkIdle(long now) {
        long limit = state().plane.options.clientIdle().toNanos();
        if (exchanges == 0 && now - idleSince > limit) {
            if (connection.numActiveStreams() == 0) {
                var _ = channel().close();
            } else {
                // Answers that nobody takes.
                close();
            }
            return;
        }
        if (connection.numActiveStreams() > exchanges) {
            forEach(each -> each.checkTaken(now, limit));
        }
    }

    @Override
    void gone() {
        forEach(Http2ClientStream::gone);
    }

    private void forEach(Consumer<Http2ClientStream> action) {
        List<Http2ClientStream> all = new ArrayList<>();
        try {
            Http2Stream _ = connection.forEachActiveStream(stream -> {
                Http2ClientStream each = stream.getProperty(key);
                if (each != null) {
                    all.add(each);
                }
                return true;
            });
        } catch (Http2Exception e) {
            throw new IllegalStateException("visiting streams does not fail", e);
        }
        all.forEach(action);
    }

    private void touch(Http2ClientStream stream) {
        if (!stream.touched) {
            stream.touched = true;
            touched.add(stream);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ReferenceCountUtil.release(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        for (Http2ClientStream each : touched) {
            each.touched = false;
            each.readComplete();
        }
        touched.clear();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {}

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        ReferenceCountUtil.release(event);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!(cause instanceof IOException || cause instanceof DecoderException)) {
            state().plane.unexpected(cause);
        }
        close();
    }

    /** Tells streams when they may write, or have to wait. */
    private final class Writability implements Http2RemoteFlowController.Listener {
        @Override
        public void writabilityChanged(Http2Stream stream) {
            Http2ClientStream changed = stream.getProperty(key);
            if (changed != null) {
                changed.writableAgain();
            }
        }
    }

    /** What the client sends. */
    private final class Events extends Http2EventAdapter {
        @Override
        public void onHeadersRead(
                ChannelHandlerContext context,
                int id,
                Http2Headers headers,
                int dependency,
                short weight,
                boolean exclusive,
                int padding,
                boolean end)
                throws Http2Exception {
            onHeadersRead(context, id, headers, padding, end);
        }

        @Override
        public void onHeadersRead(ChannelHandlerContext context, int id, Http2Headers headers, int padding, boolean end)
                throws Http2Exception {
            Http2Stream stream = connection.stream(id);
            if (stream == null) {
                return;
            }
            Http2ClientStream known = stream.getProperty(key);
            if (known != null) {
                LastHttpContent last = Http2Messages.trailers(id, headers);
                if (!end) {
                    throw Http2Exception.streamError(id, Http2Error.PROTOCOL_ERROR, "headers in the middle of a body");
                }
                touch(known);
                known.content(last);
                return;
            }
            var request = Http2Messages.request(id, headers, end);
            Http2ClientStream begun = new Http2ClientStream(Http2ClientConnection.this, stream);
            stream.setProperty(key, begun);
            exchanges++;
            touch(begun);
            begun.begin(request, end, asksForWebSocket(headers, end));
        }

        private static boolean asksForWebSocket(Http2Headers headers, boolean end) {
            return !end
                    && AsciiString.contentEquals(HttpMethod.CONNECT.asciiName(), headers.method())
                    && Http2Messages.asksForWebSocket(headers);
        }

        @Override
        public int onDataRead(ChannelHandlerContext context, int id, ByteBuf data, int padding, boolean end) {
            int size = data.readableBytes() + padding;
            Http2Stream stream = connection.stream(id);
            Http2ClientStream known = stream == null ? null : stream.getProperty(key);
            if (known == null) {
                return size;
            }
            touch(known);
            HttpContent part = end ? new DefaultLastHttpContent(data.retain()) : new DefaultHttpContent(data.retain());
            known.content(part);
            return known.consumed(size);
        }

        @Override
        public void onStreamClosed(Http2Stream stream) {
            Http2ClientStream closed = stream.removeProperty(key);
            if (closed != null) {
                closed.gone();
            }
        }
    }
}
