package dev.coppice.serving;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The key that a client shows, and the servers that it trusts, from PEM files that are looked at with every handshake, so that
 * certificates can be exchanged while it runs. Safe for use by many threads.
 */
final class ClientFiles {
    private final GrpcConnection.ClientTls files;
    private @Nullable Loaded<X509ExtendedTrustManager> trusted;
    private @Nullable Loaded<TlsContexts.OneKey> shown;

    private record Loaded<T>(List<FileTime> times, T value) {}

    /** @throws IllegalStateException when a file cannot be used now */
    ClientFiles(GrpcConnection.ClientTls files) {
        this.files = files;
        try {
            var _ = authorities();
            if (files.certificate() != null) {
                var _ = own();
            }
        } catch (CertificateException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    X509ExtendedKeyManager key() {
        return new Shown();
    }

    X509ExtendedTrustManager trust() {
        return new Trusted();
    }

    private static List<FileTime> times(Path... paths) throws IOException {
        List<FileTime> times = new java.util.ArrayList<>();
        for (Path path : paths) {
            times.add(Files.getLastModifiedTime(path));
        }
        return times;
    }

    private synchronized X509ExtendedTrustManager authorities() throws CertificateException {
        Path file = files.authority();
        try {
            List<FileTime> times = file == null ? List.of() : times(file);
            Loaded<X509ExtendedTrustManager> known = trusted;
            if (known == null || !known.times().equals(times)) {
                known = new Loaded<>(times, load(file));
                trusted = known;
            }
            return known.value();
        } catch (IOException | GeneralSecurityException e) {
            throw new CertificateException(
                    "the certificates of " + file + " cannot be used: " + e.getMessage() + ": expected PEM", e);
        }
    }

    private static X509ExtendedTrustManager load(@Nullable Path file) throws IOException, GeneralSecurityException {
        TrustManager[] managers;
        if (file == null) {
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init((KeyStore) null);
            managers = factory.getTrustManagers();
        } else {
            List<X509Certificate> authorities = Pem.certificates(Files.readString(file));
            if (authorities.isEmpty()) {
                throw new CertificateException("it holds no certificate");
            }
            managers = TlsContexts.trust(authorities);
        }
        for (TrustManager each : managers) {
            if (each instanceof X509ExtendedTrustManager manager) {
                return manager;
            }
        }
        throw new GeneralSecurityException("this JDK has no PKIX trust manager");
    }

    private synchronized TlsContexts.OneKey own() throws CertificateException {
        Path certificate = files.certificate();
        Path key = files.key();
        if (certificate == null || key == null) {
            throw new CertificateException("this client has no certificate");
        }
        try {
            List<FileTime> times = times(certificate, key);
            Loaded<TlsContexts.OneKey> known = shown;
            if (known == null || !known.times().equals(times)) {
                known = new Loaded<>(
                        times,
                        new TlsContexts.OneKey(
                                Pem.privateKey(Files.readString(key)),
                                Pem.certificates(Files.readString(certificate))));
                shown = known;
            }
            return known.value();
        } catch (IOException | GeneralSecurityException e) {
            throw new CertificateException(
                    "the client certificate " + certificate + " with its key " + key + " cannot be used: "
                            + e.getMessage() + ": expected PEM, the key as PKCS #8 (BEGIN PRIVATE KEY)",
                    e);
        }
    }

    /** What this client shows. */
    private final class Shown extends X509ExtendedKeyManager {

        private TlsContexts.OneKey current() {
            try {
                return own();
            } catch (CertificateException e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
        }

        @Override
        public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
            return current().getClientAliases(keyType, issuers);
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return current().chooseClientAlias(keyTypes, issuers, socket);
        }

        @Override
        public @Nullable String chooseEngineClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            return current().chooseEngineClientAlias(keyTypes, issuers, engine);
        }

        @Override
        public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return current().getCertificateChain(alias);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return current().getPrivateKey(alias);
        }
    }

    /** Whom this client trusts; that the certificate names the host is checked by the engine's parameters. */
    private final class Trusted extends X509ExtendedTrustManager {
        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            authorities().checkServerTrusted(chain, authType);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, @Nullable Socket socket)
                throws CertificateException {
            authorities().checkServerTrusted(chain, authType, socket);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, @Nullable SSLEngine engine)
                throws CertificateException {
            authorities().checkServerTrusted(chain, authType, engine);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            throw new CertificateException("this side is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, @Nullable Socket socket)
                throws CertificateException {
            throw new CertificateException("this side is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, @Nullable SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("this side is a client");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
