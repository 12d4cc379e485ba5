package dev.coppice.gateway.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.nio.channels.ClosedChannelException;
import java.security.cert.CertificateException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the handshake with an endpoint, then tells who asked for the connection how it ended. It stays behind the TLS, since with TLS 1.3
 * an endpoint says only after the handshake that it does not like the certificate that it was shown. Used on its event loop only.
 */
final class EndpointHandshake extends ChannelInboundHandlerAdapter {
    private static final int MOST_CAUSES = 10;

    private final Upstream.Target target;
    private final SslHandler tls;
    private final TargetConnector.Caller caller;
    private State state = State.WAITING;

    private enum State {
        WAITING,
        DONE,
        FAILED
    }

    EndpointHandshake(Upstream.Target target, SslHandler tls, TargetConnector.Caller caller) {
        this.target = target;
        this.tls = tls;
        this.caller = caller;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (!(event instanceof SslHandshakeCompletionEvent end)) {
            context.fireUserEventTriggered(event);
        } else if (!end.isSuccess()) {
            fail(context.channel(), end.cause());
        } else if (state == State.WAITING) {
            state = State.DONE;
            target.metrics.handshake();
            String chosen = tls.applicationProtocol();
            caller.connected(context.channel(), chosen == null ? "" : chosen);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (state == State.DONE) {
            if (about(cause, SSLException.class) != null) {
                target.complain(reason(cause));
            }
            context.fireExceptionCaught(cause);
        } else {
            fail(context.channel(), cause);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        fail(context.channel(), new ClosedChannelException());
        context.fireChannelInactive();
    }

    private void fail(Channel channel, Throwable cause) {
        if (state == State.WAITING) {
            state = State.FAILED;
            target.complain(reason(cause));
            var _ = channel.close();
            caller.failed(Attempt.Failure.TLS);
        }
    }

    private static String reason(Throwable cause) {
        if (about(cause, ClosedChannelException.class) != null) {
            return "it closed the connection during the handshake";
        }
        CertificateException certificate = about(cause, CertificateException.class);
        if (certificate != null) {
            return "its certificate is not accepted: " + certificate.getMessage();
        }
        SSLException protocol = about(cause, SSLException.class);
        Throwable best = protocol == null ? cause : protocol;
        return best.getMessage() == null ? best.toString() : best.getMessage();
    }

    /** The outermost of a type among what led to a failure. */
    private static <T extends Throwable> @Nullable T about(Throwable failure, Class<T> type) {
        Throwable each = failure;
        for (int depth = 0; each != null && depth < MOST_CAUSES; depth++) {
            if (type.isInstance(each)) {
                return type.cast(each);
            }
            each = each.getCause();
        }
        return null;
    }
}
