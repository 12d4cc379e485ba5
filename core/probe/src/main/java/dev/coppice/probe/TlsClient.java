package dev.coppice.probe;

import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Shakes hands by one set of {@link TlsOptions}. Every handshake gets a context of its own: sessions are never resumed, so
 * each probe sees the certificate that the server shows now. Safe for use by many threads.
 */
final class TlsClient {
    /** Enough for any honest chain; a longer one is refused before it is verified. */
    private static final int CHAIN_MAX = 32;

    private static final class Platform {
        static final X509ExtendedTrustManager TRUST = trust(null);
    }

    private final TlsOptions options;
    private final @Nullable X509ExtendedTrustManager ownTrust;
    private final KeyManager @Nullable [] keys;
    private final String[] versions;

    private TlsClient(TlsOptions options, @Nullable X509ExtendedTrustManager ownTrust, KeyManager @Nullable [] keys) {
        this.options = options;
        this.ownTrust = ownTrust;
        this.keys = keys;
        this.versions =
                options.minVersion().equals("TLSv1.3") ? new String[] {"TLSv1.3"} : new String[] {"TLSv1.3", "TLSv1.2"};
    }

    /** Reads the options; adds to the errors what is wrong with them. */
    static TlsClient of(TlsOptions options, String field, List<FieldError> errors) {
        X509ExtendedTrustManager trust = null;
        var ca = options.caPem();
        if (ca != null) {
            try {
                trust = trust(store(certificates(ca)));
            } catch (GeneralSecurityException | IOException | IllegalStateException e) {
                errors.add(new FieldError(field + ".ca", "expected certificates in PEM: " + e.getMessage()));
            }
        }
        KeyManager[] keys = null;
        var certificate = options.certificatePem();
        var key = options.keyPem();
        if (certificate != null && key != null) {
            try {
                keys = keys(certificate, key);
            } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
                errors.add(new FieldError(
                        field + ".certificate",
                        "expected a certificate chain in PEM and its private key as unencrypted PKCS#8 in PEM: "
                                + e.getMessage()));
            }
        } else if (certificate != null || key != null) {
            errors.add(new FieldError(field, "a client certificate needs both the certificate and the key"));
        }
        if (!options.minVersion().equals("TLSv1.2") && !options.minVersion().equals("TLSv1.3")) {
            errors.add(new FieldError(
                    field + ".minVersion", "expected TLSv1.2 or TLSv1.3, not \"" + options.minVersion() + "\""));
        }
        return new TlsClient(options, trust, keys);
    }

    /** Shakes hands over an open connection. Fails when the certificate does not verify, unless that is skipped. */
    Connection handshake(Attempt attempt, Connection plain, String host, int port, String... protocols)
            throws IOException, ProbeFailure {
        return handshake(attempt, plain, host, port, true, protocols);
    }

    /**
     * Shakes hands over an open connection.
     *
     * @param insist whether a certificate that does not verify ends the handshake; else it shows in the facts only
     */
    Connection handshake(Attempt attempt, Connection plain, String host, int port, boolean insist, String... protocols)
            throws IOException, ProbeFailure {
        attempt.step(Attempt.Step.HANDSHAKING);
        var verifier = new Verifier(options.skipVerify() ? null : ownTrust == null ? Platform.TRUST : ownTrust, insist);
        var serverName = options.serverName() == null ? unbracketed(host) : options.serverName();
        SSLSocket socket;
        try {
            var context = SSLContext.getInstance("TLS");
            context.init(keys, new TrustManager[] {verifier}, null);
            socket = (SSLSocket) context.getSocketFactory().createSocket(plain.socket(), serverName, port, true);
        } catch (GeneralSecurityException e) {
            throw new ProbeFailure(Outcome.UNSUPPORTED, "this Java runtime cannot speak TLS: " + e.getMessage());
        }
        var parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        parameters.setProtocols(versions);
        if (protocols.length > 0) {
            parameters.setApplicationProtocols(protocols);
        }
        socket.setSSLParameters(parameters);
        try {
            socket.startHandshake();
        } catch (IOException e) {
            if (!verifier.chain.isEmpty()) {
                attempt.tls = new TlsFacts("", "", verifier.chain, false, verifier.error);
            }
            if (verifier.error != null) {
                throw new ProbeFailure(Outcome.TLS_FAILED, "the certificate does not verify: " + verifier.error);
            }
            throw e;
        }
        var session = socket.getSession();
        attempt.tls = new TlsFacts(
                session.getProtocol(),
                session.getCipherSuite(),
                verifier.chain,
                !options.skipVerify() && verifier.error == null,
                verifier.error);
        var chosen = socket.getApplicationProtocol();
        return new Connection(socket, chosen == null ? "" : chosen);
    }

    private static String unbracketed(String host) {
        return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    }

    private static X509ExtendedTrustManager trust(@Nullable KeyStore store) {
        try {
            var factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            for (var manager : factory.getTrustManagers()) {
                if (manager instanceof X509ExtendedTrustManager extended) {
                    return extended;
                }
            }
            throw new IllegalStateException("the runtime has no trust manager for X.509");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the runtime cannot verify certificates", e);
        }
    }

    private static List<X509Certificate> certificates(String pem) throws CertificateException {
        var found = CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
        if (found.isEmpty()) {
            throw new CertificateException("there is none");
        }
        return found.stream().map(X509Certificate.class::cast).toList();
    }

    private static KeyStore store(List<X509Certificate> certificates) throws GeneralSecurityException, IOException {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        for (int i = 0; i < certificates.size(); i++) {
            store.setCertificateEntry("ca" + i, certificates.get(i));
        }
        return store;
    }

    private static KeyManager[] keys(String certificatePem, String keyPem)
            throws GeneralSecurityException, IOException {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        var chain = certificates(certificatePem).toArray(Certificate[]::new);
        store.setKeyEntry("client", privateKey(keyPem), new char[0], chain);
        var factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }

    private static PrivateKey privateKey(String pem) throws GeneralSecurityException {
        int start = pem.indexOf("-----BEGIN PRIVATE KEY-----");
        int end = pem.indexOf("-----END PRIVATE KEY-----");
        if (start < 0 || end < start) {
            throw new InvalidKeySpecException(
                    "there is no \"BEGIN PRIVATE KEY\" (convert with: openssl pkcs8 -topk8 -nocrypt)");
        }
        var bytes = Base64.getMimeDecoder().decode(pem.substring(start + 27, end));
        var spec = new PKCS8EncodedKeySpec(bytes);
        for (var algorithm : List.of("EC", "RSA", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException e) {
                // A key of another algorithm: try the next.
            }
        }
        throw new InvalidKeySpecException("the key is neither EC, RSA nor EdDSA");
    }

    /** Remembers what it is shown and what is wrong with it. One per handshake. */
    private static final class Verifier extends X509ExtendedTrustManager {
        private final @Nullable X509ExtendedTrustManager trust;
        private final boolean insist;
        private List<X509Certificate> chain = List.of();
        private @Nullable String error;

        Verifier(@Nullable X509ExtendedTrustManager trust, boolean insist) {
            this.trust = trust;
            this.insist = insist;
        }

        private interface Check {
            void run(X509ExtendedTrustManager trust) throws CertificateException;
        }

        private void verify(X509Certificate[] shown, Check check) throws CertificateException {
            if (shown.length > CHAIN_MAX) {
                throw new CertificateException("the server sent " + shown.length + " certificates");
            }
            chain = List.of(shown);
            if (trust == null) {
                return;
            }
            try {
                check.run(trust);
            } catch (CertificateException e) {
                error = words(e);
                if (insist) {
                    throw e;
                }
            }
        }

        private static String words(CertificateException e) {
            Throwable cause = e;
            while (cause.getCause() != null && cause.getCause() != cause) {
                cause = cause.getCause();
            }
            var message = String.valueOf(cause.getMessage());
            if (message.contains("unable to find valid certification path")) {
                return "it was not issued by a trusted authority";
            }
            if (message.startsWith("NotAfter: ")) {
                return "it expired at " + message.substring(10);
            }
            if (message.startsWith("NotBefore: ")) {
                return "it is not valid before " + message.substring(11);
            }
            return message;
        }

        @Override
        public void checkServerTrusted(X509Certificate[] shown, String type, Socket socket)
                throws CertificateException {
            verify(shown, t -> t.checkServerTrusted(shown, type, socket));
        }

        @Override
        public void checkServerTrusted(X509Certificate[] shown, String type, SSLEngine engine)
                throws CertificateException {
            verify(shown, t -> t.checkServerTrusted(shown, type, engine));
        }

        @Override
        public void checkServerTrusted(X509Certificate[] shown, String type) throws CertificateException {
            verify(shown, t -> t.checkServerTrusted(shown, type));
        }

        @Override
        public void checkClientTrusted(X509Certificate[] shown, String type, Socket socket)
                throws CertificateException {
            throw new CertificateException("this is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] shown, String type, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("this is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] shown, String type) throws CertificateException {
            throw new CertificateException("this is a client");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
