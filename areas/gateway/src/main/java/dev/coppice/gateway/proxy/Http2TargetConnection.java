package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2EventAdapter;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2RemoteFlowController;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A connection of HTTP/2 to an endpoint; serves many attempts at once. Used on its event loop only. */
final class Http2TargetConnection extends ChannelInboundHandlerAdapter {
    /** More than that on one connection would only wait for each other. */
    private static final int MOST_STREAMS = 1000;
    /** As long as the endpoint has not said how many it serves (RFC 9113, 6.5.2). */
    private static final int STREAMS_BEFORE_SETTINGS = 100;

    final Http2Handler handler;
    private final Http2TargetPool pool;
    private final EventLoopState state;
    private final Http2Connection connection;
    private final Http2Connection.PropertyKey key;
    private final boolean secure;
    private final List<Http2TargetStream> touched = new ArrayList<>();
    private int streams;
    private int mostStreams = STREAMS_BEFORE_SETTINGS;
    private int served;
    private boolean retired;
    private long idleSince;
    private long readNanos;
    /** Whether it is known what the endpoint takes. */
    private boolean settled;

    private boolean takesWebSockets;
    private final List<Http2TargetStream> unsettled = new ArrayList<>(0);

    Http2TargetConnection(Http2TargetPool pool, EventLoopState state, boolean secure) {
        this.pool = pool;
        this.state = state;
        this.secure = secure;
        this.readNanos = state.now();
        this.handler = Http2Handler.client(new Events(), state.plane);
        this.connection = handler.connection();
        this.key = connection.newKey();
        handler.encoder().flowController().listener(new Writability());
    }

    Channel channel() {
        return handler.context().channel();
    }

    Upstream.Target target() {
        return pool.target();
    }

    EventLoopState state() {
        return state;
    }

    boolean secure() {
        return secure;
    }

    /** Whether it can serve one more. */
    boolean usable() {
        return !retired && streams < mostStreams && channel().isActive() && !connection.goAwayReceived();
    }

    /** Whether it will serve others again when some of its streams have ended. */
    boolean lasting() {
        return !retired && channel().isActive() && !connection.goAwayReceived();
    }

    boolean idle() {
        return streams == 0;
    }

    long idleSince() {
        return idleSince;
    }

    /** When something came last. */
    long readNanos() {
        return readNanos;
    }

    void serve(Attempt attempt, boolean reused) {
        streams++;
        target().metrics.requests.inc();
        if (!target().guard().serves(++served)) {
            retire();
        }
        attempt.connected(new Http2TargetStream(this, attempt), reused);
    }

    /** Opens the stream; null when the endpoint takes none now. */
    @Nullable
    Http2Stream open(Http2TargetStream asking, int id) {
        Http2Stream stream = connection.stream(id);
        if (stream != null) {
            stream.setProperty(key, asking);
        }
        return stream;
    }

    /** Tells a stream whether it may ask for a WebSocket, as soon as that is known. */
    void whenSettled(Http2TargetStream asking) {
        if (settled) {
            asking.settled(takesWebSockets);
        } else {
            unsettled.add(asking);
        }
    }

    private void settle() {
        settled = true;
        for (Http2TargetStream each : List.copyOf(unsettled)) {
            each.settled(takesWebSockets);
        }
        unsettled.clear();
    }

    int nextStream() {
        return connection.local().incrementAndGetNextStreamId();
    }

    /** A stream is over. */
    void ended() {
        streams--;
        if (streams == 0) {
            idleSince = state.now();
            if (!lasting() || pool.over()) {
                close();
                return;
            }
        }
        pool.room(this);
    }

    /** Serves nobody new, and ends with its last stream. */
    void retire() {
        if (!retired) {
            retired = true;
            pool.retired(this);
            if (streams == 0) {
                close();
            }
        }
    }

    void close() {
        handler.closeNow();
    }

    private void touch(Http2TargetStream stream) {
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
        readNanos = state.now();
        for (Http2TargetStream each : touched) {
            each.touched = false;
            each.readComplete();
        }
        touched.clear();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        pool.closed(this);
        for (Http2TargetStream each : List.copyOf(unsettled)) {
            each.closed();
        }
        unsettled.clear();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        close();
    }

    /** Tells streams when they may write, or have to wait. */
    private final class Writability implements Http2RemoteFlowController.Listener {
        @Override
        public void writabilityChanged(Http2Stream stream) {
            Http2TargetStream changed = stream.getProperty(key);
            if (changed != null) {
                changed.writableAgain();
            }
        }
    }

    /** What the endpoint sends. */
    private final class Events extends Http2EventAdapter {

        private @Nullable Http2TargetStream find(int id) {
            Http2Stream stream = connection.stream(id);
            Http2TargetStream found = stream == null ? null : stream.getProperty(key);
            if (found != null) {
                touch(found);
            }
            return found;
        }

        @Override
        public void onSettingsRead(ChannelHandlerContext context, Http2Settings settings) {
            Long most = settings.maxConcurrentStreams();
            if (most != null) {
                mostStreams = (int) Math.min(most, MOST_STREAMS);
            } else if (mostStreams == STREAMS_BEFORE_SETTINGS) {
                mostStreams = MOST_STREAMS;
            }
            Boolean connects = settings.connectProtocolEnabled();
            takesWebSockets |= connects != null && connects;
            settle();
            pool.room(Http2TargetConnection.this);
        }

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
            Http2TargetStream stream = find(id);
            if (stream != null) {
                stream.headers(headers, end);
            }
        }

        @Override
        public int onDataRead(ChannelHandlerContext context, int id, ByteBuf data, int padding, boolean end) {
            int size = data.readableBytes() + padding;
            Http2TargetStream stream = find(id);
            return stream == null ? size : stream.data(data.retain(), size, end);
        }

        /** It is closed after this. */
        @Override
        public void onRstStreamRead(ChannelHandlerContext context, int id, long code) {
            Http2TargetStream stream = find(id);
            if (stream != null && code == Http2Error.REFUSED_STREAM.code()) {
                stream.refused();
            }
        }

        /** Streams beyond the last one that the endpoint looked at are closed after this (RFC 9113, 6.8). */
        @Override
        public void onGoAwayReceived(int last, long code, ByteBuf debug) {
            pool.retired(Http2TargetConnection.this);
            try {
                Http2Stream _ = connection.forEachActiveStream(stream -> {
                    Http2TargetStream each = stream.getProperty(key);
                    if (each != null && stream.id() > last) {
                        each.refused();
                    }
                    return true;
                });
            } catch (Http2Exception e) {
                throw new IllegalStateException("visiting streams does not fail", e);
            }
        }

        @Override
        public void onStreamClosed(Http2Stream stream) {
            Http2TargetStream closed = stream.removeProperty(key);
            if (closed != null) {
                closed.closed();
            }
        }
    }
}
