package dev.coppice.gateway.proxy;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.AbstractHttp2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.netty.handler.codec.http2.DefaultHttp2RemoteFlowController;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionEncoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2EventAdapter;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.handler.codec.http2.UniformStreamByteDistributor;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Frames of HTTP/2 (RFC 9113) on one connection, with bounds on all that the other side can ask for. Priorities are not kept, as RFC 9113
 * advises. What is written in one round of the event loop, by whatever stream, is flushed together. Used on its event loop only.
 */
final class Http2Handler extends Http2ConnectionHandler {
    /** Streams that a client may have open at once. */
    static final int MOST_STREAMS = 100;

    private static final int STREAM_WINDOW = 64 << 10;
    private static final int CONNECTION_WINDOW = 1 << 20;
    private static final int MOST_RESETS = 1000;
    private static final int RESETS_SECONDS = 10;
    private static final int MOST_CONTROL_FRAMES_QUEUED = 4096;
    private static final int MOST_EMPTY_DATA = 32;
    private static final int MOST_CONTINUATIONS = 16;
    private static final long DRAIN_MILLIS = TimeUnit.MINUTES.toMillis(10);

    private final ProxyDataPlane plane;
    private @Nullable ChannelHandlerContext context;
    private boolean flushing;

    private Http2Handler(
            Http2ConnectionDecoder decoder,
            Http2ConnectionEncoder encoder,
            Http2Settings settings,
            ProxyDataPlane plane) {
        super(decoder, encoder, settings);
        this.plane = plane;
    }

    /** For a client's connection; what it does against the protocol is counted. */
    static Http2Handler server(Http2EventAdapter events, ProxyDataPlane plane) {
        Http2Settings settings =
                settings(plane.options).maxConcurrentStreams(MOST_STREAMS).connectProtocolEnabled(true);
        return new Builder(true, events, settings, plane).build();
    }

    /** For a connection to an endpoint. */
    static Http2Handler client(Http2EventAdapter events, ProxyDataPlane plane) {
        return new Builder(false, events, settings(plane.options).pushEnabled(false), plane).build();
    }

    private static Http2Settings settings(ProxyOptions options) {
        return new Http2Settings().initialWindowSize(STREAM_WINDOW).maxHeaderListSize(options.maxHeaderBytes());
    }

    private static final class Builder extends AbstractHttp2ConnectionHandlerBuilder<Http2Handler, Builder> {
        private final ProxyDataPlane plane;

        Builder(boolean server, Http2EventAdapter events, Http2Settings settings, ProxyDataPlane plane) {
            this.plane = plane;
            DefaultHttp2Connection connection = new DefaultHttp2Connection(server);
            connection
                    .remote()
                    .flowController(new DefaultHttp2RemoteFlowController(
                            connection, new UniformStreamByteDistributor(connection)));
            connection.addListener(events);
            connection(connection);
            frameListener(events);
            initialSettings(settings);
            encoderEnforceMaxQueuedControlFrames(MOST_CONTROL_FRAMES_QUEUED);
            decoderEnforceMaxConsecutiveEmptyDataFrames(MOST_EMPTY_DATA);
            decoderEnforceMaxSmallContinuationFrames(MOST_CONTINUATIONS);
            decoderEnforceMaxRstFramesPerWindow(MOST_RESETS, RESETS_SECONDS);
            if (server) {
                // Resets that a client makes us send cost as much as its own.
                encoderEnforceMaxRstFramesPerWindow(MOST_RESETS, RESETS_SECONDS);
            }
            gracefulShutdownTimeoutMillis(DRAIN_MILLIS);
            flushPreface(false);
        }

        @Override
        protected Http2Handler build() {
            return super.build();
        }

        @Override
        protected Http2Handler build(
                Http2ConnectionDecoder decoder, Http2ConnectionEncoder encoder, Http2Settings settings) {
            return new Http2Handler(decoder, encoder, settings, plane);
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) throws Exception {
        context = added;
        super.handlerAdded(added);
        if (added.channel().isActive()) {
            widen();
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext active) throws Exception {
        super.channelActive(active);
        widen();
    }

    /** Comes after the settings, which cannot say it (RFC 9113, 6.9.2). */
    private void widen() throws Http2Exception {
        int more = CONNECTION_WINDOW
                - decoder().flowController().initialWindowSize(connection().connectionStream());
        if (more > 0) {
            decoder().flowController().incrementWindowSize(connection().connectionStream(), more);
        }
    }

    ChannelHandlerContext context() {
        ChannelHandlerContext current = context;
        if (current == null) {
            throw new IllegalStateException("there is no channel yet");
        }
        return current;
    }

    /** Flushes what was written when this round of the event loop is over. */
    void flushSoon() {
        if (!flushing) {
            flushing = true;
            context().executor().execute(this::flushNow);
        }
    }

    private void flushNow() {
        flushing = false;
        flush(context());
    }

    /** Gives the other side room for as many bytes more of a stream. */
    void consume(Http2Stream stream, int bytes) {
        try {
            if (bytes > 0 && decoder().flowController().consumeBytes(stream, bytes)) {
                flushSoon();
            }
        } catch (Http2Exception e) {
            onError(context(), true, e);
        }
    }

    void reset(int stream, long code) {
        var _ = resetStream(context(), stream, code, context().newPromise());
        flushSoon();
    }

    /** Ends the connection with all of its streams. */
    void closeNow() {
        var _ = context().close();
    }

    /** A client has said what the protocol does not allow. */
    private void count() {
        if (connection().isServer()) {
            plane.metrics.refused.labelValues("http2").inc();
        }
    }

    @Override
    protected void onConnectionError(
            ChannelHandlerContext on, boolean outbound, Throwable cause, @Nullable Http2Exception known) {
        if (known == null && !(cause instanceof IOException)) {
            plane.unexpected(cause);
        } else if (!outbound) {
            count();
        }
        super.onConnectionError(on, outbound, cause, known);
    }

    @Override
    protected void onStreamError(
            ChannelHandlerContext on, boolean outbound, Throwable cause, Http2Exception.StreamException known) {
        if (!outbound) {
            count();
        }
        super.onStreamError(on, outbound, cause, known);
    }
}
