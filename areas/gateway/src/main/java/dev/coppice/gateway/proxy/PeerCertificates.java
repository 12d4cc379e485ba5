package dev.coppice.gateway.proxy;

import io.netty.channel.Channel;
import io.netty.handler.ssl.SslHandler;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** The certificate that a client has shown on its connection, and whether it is good. Used on the connection's event loop only. */
final class PeerCertificates {
    private final Channel channel;
    private @Nullable List<X509Certificate> chain;
    private @Nullable X509TrustManager asked;
    private boolean trusted;

    PeerCertificates(Channel channel) {
        this.channel = channel;
    }

    /** The certificate, and those that lead to its authority; empty without one. */
    List<X509Certificate> chain() {
        List<X509Certificate> known = chain;
        if (known == null) {
            known = read();
            chain = known;
        }
        return known;
    }

    private List<X509Certificate> read() {
        SslHandler handler = channel.pipeline().get(SslHandler.class);
        if (handler == null) {
            return List.of();
        }
        List<X509Certificate> all = new ArrayList<>();
        try {
            for (Certificate each : handler.engine().getSession().getPeerCertificates()) {
                if (each instanceof X509Certificate certificate) {
                    all.add(certificate);
                }
            }
        } catch (SSLPeerUnverifiedException e) {
            return List.of();
        }
        return List.copyOf(all);
    }

    /**
     * Whether it leads to an authority that counts. The handshake says too little: a listener may let others in, and may have changed since. That takes
     * about a millisecond, once for a connection and set of authorities.
     */
    boolean trusted(X509TrustManager authorities, Date now) {
        List<X509Certificate> shown = chain();
        if (shown.isEmpty()) {
            return false;
        }
        if (asked != authorities) {
            asked = authorities;
            trusted = trusts(authorities, shown);
        }
        return trusted
                && !now.after(shown.getFirst().getNotAfter())
                && !now.before(shown.getFirst().getNotBefore());
    }

    private static boolean trusts(X509TrustManager authorities, List<X509Certificate> shown) {
        try {
            authorities.checkClientTrusted(
                    shown.toArray(X509Certificate[]::new),
                    shown.getFirst().getPublicKey().getAlgorithm());
            return true;
        } catch (CertificateException | IllegalArgumentException e) {
            return false;
        }
    }
}
