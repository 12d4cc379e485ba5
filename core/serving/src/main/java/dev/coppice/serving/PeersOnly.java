package dev.coppice.serving;

import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** Lets calls of the cluster's nodes through and refuses all others. Safe for use by many threads. */
public final class PeersOnly implements ServerInterceptor {
    private final TlsSource source;

    /** @param source of the listener: it says who is a node */
    public PeersOnly(TlsSource source) {
        this.source = source;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        if (!shownByPeer(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION))) {
            call.close(Status.UNAUTHENTICATED.withDescription("the caller is no node of this cluster"), new Metadata());
            return new ServerCall.Listener<>() {};
        }
        return next.startCall(call, headers);
    }

    private boolean shownByPeer(@Nullable SSLSession session) {
        try {
            return session != null
                    && session.getPeerCertificates()[0] instanceof X509Certificate certificate
                    && source.isPeer(certificate);
        } catch (SSLPeerUnverifiedException e) {
            return false;
        }
    }
}
