package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import java.nio.file.Path;

/**
 * The node's own certificate authority, kept in a directory: a root, server certificates for the listeners, client
 * certificates for administrators. Keys are written with mode 0600. Server certificates renew themselves. Safe for use by
 * many threads.
 */
public interface CertificateAuthority {

    /**
     * Opens the authority in the directory, making it first where there is none.
     *
     * @throws java.io.IOException when its files cannot be read or written, or do not belong together
     */
    static CertificateAuthority open(Kernel kernel, Path directory) throws java.io.IOException {
        return DirectoryAuthority.open(kernel, directory);
    }

    /** The root certificate, PEM. */
    String rootPem();

    java.security.cert.X509Certificate root();

    /** A server certificate for these DNS names and IP addresses, renewed before it ends. */
    TlsSource server(java.util.List<String> names, ClientCertificates clients);

    /** The organization in the certificates of nodes, by which they know each other. */
    String PEERS = "system:coppice:peers";

    /**
     * The certificate of a node towards other nodes, as server and as client, renewed before it ends. Clients may show a
     * certificate; whether it is that of a {@linkplain #PEERS node} is for the service to look at.
     */
    TlsSource peer(java.util.List<String> names);

    /** What a listener asks of its clients. */
    enum ClientCertificates {
        NONE,
        OPTIONAL,
        REQUIRED
    }

    /** A client certificate: the common name is the user, the organizations are its groups. */
    KeyPairPem client(String commonName, java.util.List<String> organizations, java.time.Duration validity);

    /**
     * A secret of 32 bytes for a purpose, which is the same wherever this authority's key is, and tells nothing of that: HMAC-SHA256
     * (RFC 2104) of the purpose.
     */
    byte[] derive(String purpose);

    /** A certificate chain and its private key (PKCS #8), both PEM. */
    record KeyPairPem(String certificatePem, String keyPem) {}
}
