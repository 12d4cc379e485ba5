package dev.coppice.server;

import dev.coppice.serving.TlsFiles;
import dev.coppice.serving.TlsSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The certificates of the etcd port, where the user keeps them; by etcd's names of the options.
 *
 * @param certificate what the port shows; null for a certificate of the node's own authority
 * @param key its key
 * @param clientAuthority who signs certificates of clients, beside the node's own authority; null for nobody
 * @param requireClient whether a client has to show a certificate
 */
public record EtcdFiles(
        @Nullable Path certificate,
        @Nullable Path key,
        @Nullable Path clientAuthority,
        boolean requireClient) {

    /** The node's own certificates. */
    public static final EtcdFiles NONE = new EtcdFiles(null, null, null, false);

    private boolean used() {
        return !equals(NONE);
    }

    void check(boolean insecure, List<String> problems) {
        if ((certificate == null) != (key == null)) {
            problems.add("--cert-file and --key-file: only "
                    + (key == null ? "--cert-file " + certificate : "--key-file " + key)
                    + " is given: expected both, or none");
        }
        if (insecure && used()) {
            problems.add(
                    "--insecure-store: the etcd port is plain text then, and has no use for --cert-file, --key-file,"
                            + " --trusted-ca-file and --client-cert-auth: leave it out, or them");
        }
    }

    TlsSource over(TlsSource own) throws IOException {
        return used() ? new TlsFiles(new TlsFiles.Files(certificate, key, clientAuthority, requireClient), own) : own;
    }
}
