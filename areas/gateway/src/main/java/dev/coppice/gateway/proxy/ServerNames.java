package dev.coppice.gateway.proxy;

import dev.coppice.gateway.challenge.ChallengeCertificate;
import dev.coppice.gateway.challenge.ClientHello;
import dev.coppice.gateway.config.ListenerConfig;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.AbstractSniHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.Future;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Chooses a listener by the server name of a client's hello (RFC 6066, 3), and what the connection is from then on: HTTP or a stream in TLS
 * that is ended here, or a stream that is passed through as it is.
 */
final class ServerNames extends AbstractSniHandler<ServerNames.Choice> {
    private static final int MOST_HELLO_BYTES = 16 << 10;
    private static final long HANDSHAKE_MILLIS = 10_000;

    /** A fatal alert: unrecognized_name (RFC 8446, 6.2). */
    private static final byte[] UNRECOGNIZED = {21, 3, 3, 0, 2, 2, 112};

    private final EventLoopState state;
    private final Port port;
    /** The client wants to see a challenge, and nothing else. */
    private boolean validation;

    /**
     * What the connection is for.
     *
     * @param listener null: nobody
     * @param certificates null: TLS is not ended here
     * @param challenge what an ACME server is shown that asks for it; null: none does
     */
    record Choice(
            @Nullable ListenerConfig listener,
            TlsContexts.@Nullable Certificates certificates,
            @Nullable SslContext challenge) {}

    ServerNames(EventLoopState state, Port port) {
        super(MOST_HELLO_BYTES, HANDSHAKE_MILLIS);
        this.state = state;
        this.port = port;
    }

    private static String name(@Nullable String given) {
        return given == null ? "" : given.toLowerCase(Locale.ROOT);
    }

    @Override
    protected Future<Choice> lookup(ChannelHandlerContext context, ByteBuf hello) throws Exception {
        PendingChallenges challenges = port.routing().challenges();
        validation = challenges != null
                && challenges.secure()
                && ClientHello.offersOnly(ChallengeCertificate.PROTOCOL, hello.nioBuffer());
        return super.lookup(context, hello);
    }

    @Override
    protected Future<Choice> lookup(ChannelHandlerContext context, @Nullable String given) {
        Port.Routing routing = port.routing();
        ListenerConfig listener = routing.table().listener(name(given));
        PendingChallenges challenges = validation ? routing.challenges() : null;
        Choice choice = new Choice(
                listener,
                listener == null ? null : routing.certificates().get(listener),
                challenges == null ? null : challenges.certificate(name(given)));
        return context.executor().newSucceededFuture(choice);
    }

    @Override
    protected void onLookupComplete(ChannelHandlerContext context, @Nullable String given, Future<Choice> found) {
        String name = name(given);
        Choice choice = found.getNow();
        if (choice.challenge != null) {
            ChannelPipeline pipeline = context.pipeline();
            pipeline.addAfter(context.name(), null, choice.challenge.newHandler(context.alloc()));
            pipeline.addLast(new ChallengeEnd(state, port, context.channel(), name));
            pipeline.remove(this);
            return;
        }
        ListenerConfig listener = choice.listener;
        boolean passed =
                listener != null && listener.protocol() == ListenerConfig.Protocol.TLS && listener.tls() == null;
        if (listener == null || choice.certificates == null && !passed) {
            state.plane.metrics.refused.labelValues("server-name").inc();
            var _ = context.writeAndFlush(Unpooled.wrappedBuffer(UNRECOGNIZED))
                    .addListener(ChannelFutureListener.CLOSE);
            return;
        }
        ChannelPipeline pipeline = context.pipeline();
        if (choice.certificates != null) {
            pipeline.addAfter(
                    context.name(), null, choice.certificates.choose(name).newHandler(context.alloc()));
        }
        if (listener.protocol() == ListenerConfig.Protocol.TLS) {
            pipeline.addLast(new StreamConnection(state, port, context.channel(), name));
        } else {
            state.plane.http(pipeline, new ClientConnection(state, port, context.channel(), name));
        }
        pipeline.remove(this);
    }
}
