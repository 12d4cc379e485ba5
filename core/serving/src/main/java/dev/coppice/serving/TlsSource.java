package dev.coppice.serving;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/** Certificates of a listener; {@link #current} is asked again after {@link #generation} changed, so they can be reloaded. */
public interface TlsSource {

    Material current();

    /** Grows with every change. */
    long generation();

    /** Whether a certificate, which one of the authorities signed, is that of a node of the cluster. */
    default boolean isPeer(X509Certificate verified) {
        return PeerTls.isPeer(verified);
    }

    /** Whether the certificate of a node that is dialled has to name its host. */
    default boolean namesHosts() {
        return false;
    }

    /**
     * What TLS needs.
     *
     * @param key the private key
     * @param chain its certificates, the leaf first
     * @param clientAuthorities who may sign client certificates; empty asks for none
     * @param requireClient whether a client without a certificate is refused
     */
    record Material(
            PrivateKey key,
            List<X509Certificate> chain,
            List<X509Certificate> clientAuthorities,
            boolean requireClient) {}
}
