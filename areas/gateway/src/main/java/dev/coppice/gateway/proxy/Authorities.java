package dev.coppice.gateway.proxy;

import dev.coppice.serving.Pem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Authorities whose certificates count. Those that the machine trusts are kept until their file changes. Safe for use by many threads.
 */
final class Authorities {
    /** Where machines keep the bundle of those that they trust: Debian, Fedora, SUSE, Alpine and the BSDs. */
    private static final List<Path> BUNDLES = List.of(
            Path.of("/etc/ssl/certs/ca-certificates.crt"),
            Path.of("/etc/pki/tls/certs/ca-bundle.crt"),
            Path.of("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
            Path.of("/etc/ssl/ca-bundle.pem"),
            Path.of("/etc/ssl/cert.pem"));

    private record Read(Path file, FileTime changed, X509TrustManager trust) {}

    private final List<Path> bundles;
    private @Nullable Read machine;

    Authorities() {
        this(BUNDLES);
    }

    /** @param bundles of which the first that can be read has those that the machine trusts */
    Authorities(List<Path> bundles) {
        this.bundles = bundles;
    }

    /** Those of a text in PEM. */
    static X509TrustManager of(String pem) throws GeneralSecurityException {
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            int count = 0;
            for (X509Certificate each : Pem.certificates(pem)) {
                store.setCertificateEntry(Integer.toString(count++), each);
            }
            return manager(store);
        } catch (IOException e) {
            throw new GeneralSecurityException(e);
        }
    }

    /** Those that the machine trusts; where it has no bundle, those that come with Java. */
    synchronized X509TrustManager ofMachine() throws GeneralSecurityException {
        for (Path file : bundles) {
            if (!Files.isReadable(file)) {
                continue;
            }
            try {
                FileTime changed = Files.getLastModifiedTime(file);
                Read known = machine;
                if (known == null || !known.file.equals(file) || !known.changed.equals(changed)) {
                    known = new Read(file, changed, of(Files.readString(file, StandardCharsets.ISO_8859_1)));
                    machine = known;
                }
                return known.trust;
            } catch (IOException e) {
                throw new GeneralSecurityException(file + " cannot be read: " + e.getMessage(), e);
            }
        }
        return manager(null);
    }

    private static X509TrustManager manager(@Nullable KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        for (TrustManager each : factory.getTrustManagers()) {
            if (each instanceof X509TrustManager found) {
                return found;
            }
        }
        throw new GeneralSecurityException("Java has no trust manager for X.509");
    }
}
