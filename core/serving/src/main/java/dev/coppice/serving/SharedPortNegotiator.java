package dev.coppice.serving;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.netty.GrpcHttp2ConnectionHandler;
import io.grpc.netty.InternalProtocolNegotiationEvent;
import io.grpc.netty.InternalProtocolNegotiator;
import io.grpc.netty.InternalProtocolNegotiators;
import io.grpc.netty.InternalWriteBufferingAndExceptionHandlerUtils;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what a connection to a gRPC port speaks: gRPC's HTTP/2, or HTTP/1.1 for the listener's routes.
 *
 * <p>With TLS it is what ALPN agrees on, and HTTP/1.1 is preferred: gRPC clients offer nothing but {@code h2}, while
 * curl, browsers and scrapers offer both and mean the routes. In plain text, HTTP/2's preface tells.
 */
final class SharedPortNegotiator implements InternalProtocolNegotiator.ProtocolNegotiator {
    private final HttpEngine engine;
    private final @Nullable TlsContexts tls;

    SharedPortNegotiator(HttpEngine engine, @Nullable TlsContexts tls) {
        this.engine = engine;
        this.tls = tls;
    }

    @Override
    public AsciiString scheme() {
        return AsciiString.of(tls == null ? "http" : "https");
    }

    @Override
    public ChannelHandler newHandler(GrpcHttp2ConnectionHandler grpc) {
        return new Negotiation(grpc);
    }

    @Override
    public void close() {}

    private final class Negotiation extends ChannelInboundHandlerAdapter {
        private final GrpcHttp2ConnectionHandler grpc;
        private final ConnectionGuard guard = new ConnectionGuard(engine);
        private boolean begun;

        Negotiation(GrpcHttp2ConnectionHandler grpc) {
            this.grpc = grpc;
        }

        /** gRPC tells that negotiation begins by an event of its own. */
        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
            if (event instanceof SslHandshakeCompletionEvent handshake) {
                handshaken(ctx, handshake);
            } else if (!begun && event.equals(InternalProtocolNegotiationEvent.getDefault())) {
                begun = true;
                begin(ctx);
            } else {
                super.userEventTriggered(ctx, event);
            }
        }

        private void begin(ChannelHandlerContext ctx) throws Exception {
            Channel channel = ctx.channel();
            if (!engine.admit(channel)) {
                return;
            }
            if (tls != null) {
                ctx.pipeline().addBefore(ctx.name(), null, tls.handler()).addBefore(ctx.name(), null, guard);
                return;
            }
            ctx.pipeline()
                    .addBefore(ctx.name(), null, guard)
                    .addBefore(ctx.name(), null, new ProtocolDetector(http2 -> {
                        if (http2) {
                            grpc(ctx, Attributes.newBuilder());
                        } else {
                            http1(ctx);
                        }
                    }));
        }

        private void handshaken(ChannelHandlerContext ctx, SslHandshakeCompletionEvent handshake) {
            SslHandler handler = ctx.pipeline().get(SslHandler.class);
            if (!handshake.isSuccess() || handler == null) {
                ctx.close();
            } else if (ApplicationProtocolNames.HTTP_2.equals(TlsContexts.protocol(handler))) {
                grpc(
                        ctx,
                        Attributes.newBuilder()
                                .set(
                                        Grpc.TRANSPORT_ATTR_SSL_SESSION,
                                        handler.engine().getSession()));
            } else {
                http1(ctx);
            }
        }

        private void grpc(ChannelHandlerContext ctx, Attributes.Builder attributes) {
            Channel channel = ctx.channel();
            ctx.pipeline().remove(guard);
            Attributes all = attributes
                    .set(Grpc.TRANSPORT_ATTR_LOCAL_ADDR, channel.localAddress())
                    .set(Grpc.TRANSPORT_ATTR_REMOTE_ADDR, channel.remoteAddress())
                    .build();
            ctx.pipeline().replace(this, null, InternalProtocolNegotiators.grpcNegotiationHandler(grpc));
            ctx.fireUserEventTriggered(InternalProtocolNegotiationEvent.withAttributes(
                    InternalProtocolNegotiationEvent.getDefault(), all));
        }

        private void http1(ChannelHandlerContext ctx) {
            Channel channel = ctx.channel();
            grpc.notifyUnused();
            InternalWriteBufferingAndExceptionHandlerUtils.writeBufferingAndRemove(channel);
            engine.http1(channel, guard);
            ctx.pipeline().remove(this);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }
}
