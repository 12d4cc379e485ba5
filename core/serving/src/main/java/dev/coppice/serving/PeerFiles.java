package dev.coppice.serving;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;

/**
 * Certificates of a node towards other nodes that the user keeps, as etcd has them: whoever shows one that the authority
 * signed is a node, and has to be named in it by the host at which it is dialled. The files are looked at again with every
 * handshake. Safe for use by many threads.
 */
public final class PeerFiles implements TlsSource {

    private final TlsFiles files;

    /**
     * Certificates for both directions.
     *
     * @param certificate PEM, the node's own first, then those between it and its authority
     * @param key its key, PEM (PKCS #8)
     * @param authority PEM of who signs the certificates of nodes, and of nobody else
     * @throws IOException when a file cannot be used
     */
    public PeerFiles(Path certificate, Path key, Path authority) throws IOException {
        this.files = new TlsFiles(new TlsFiles.Files(certificate, key, authority, true), TlsFiles.NOTHING);
    }

    @Override
    public Material current() {
        return files.current();
    }

    @Override
    public long generation() {
        return files.generation();
    }

    @Override
    public boolean isPeer(X509Certificate verified) {
        return true;
    }

    @Override
    public boolean namesHosts() {
        return true;
    }
}
