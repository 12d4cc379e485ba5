package dev.coppice.serving;

import io.netty.handler.ssl.SslHandler;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Makes the TLS handler of a new connection; after its source's generation changed, from the new certificates.
 *
 * <p>Uses the JDK's TLS directly: going through a key store, and through the default trust store, would cost the start a
 * second.
 */
final class TlsContexts {
    private static final System.Logger LOG = System.getLogger(TlsContexts.class.getName());
    private static final long HANDSHAKE_TIMEOUT_MILLIS = 10_000;
    private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

    private final String listener;
    private final TlsSource source;
    private final List<String> protocols;
    private @Nullable Made made;

    private record Made(SSLContext context, long generation, boolean wantClient, boolean needClient) {}

    /** @param protocols for ALPN, the preferred first */
    TlsContexts(String listener, TlsSource source, List<String> protocols) {
        this.listener = listener;
        this.source = source;
        this.protocols = protocols;
    }

    SslHandler handler() throws SSLException {
        Made current = current();
        SSLEngine engine = current.context().createSSLEngine();
        engine.setUseClientMode(false);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(VERSIONS);
        parameters.setUseCipherSuitesOrder(true);
        if (current.needClient()) {
            parameters.setNeedClientAuth(true);
        } else if (current.wantClient()) {
            parameters.setWantClientAuth(true);
        }
        engine.setSSLParameters(parameters);
        // An empty answer goes on without ALPN: older clients then speak HTTP/1.1.
        engine.setHandshakeApplicationProtocolSelector((e, offered) ->
                protocols.stream().filter(offered::contains).findFirst().orElse(""));
        SslHandler handler = new SslHandler(engine);
        handler.setHandshakeTimeoutMillis(HANDSHAKE_TIMEOUT_MILLIS);
        return handler;
    }

    /** What ALPN agreed on; empty for nothing. */
    static String protocol(SslHandler handler) {
        String protocol = handler.engine().getApplicationProtocol();
        return protocol == null ? "" : protocol;
    }

    /** Fails now rather than at the first connection. */
    void check() throws SSLException {
        var _ = current();
    }

    /** When new certificates cannot be used, the old ones stay, with a warning. */
    private synchronized Made current() throws SSLException {
        long generation = source.generation();
        Made current = made;
        if (current != null && generation == current.generation()) {
            return current;
        }
        try {
            Made fresh = make(source.current(), generation);
            made = fresh;
            return fresh;
        } catch (GeneralSecurityException | RuntimeException e) {
            if (current == null) {
                throw new SSLException(
                        "the certificate of listener " + listener + " cannot be used: " + e.getMessage(), e);
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "listener " + listener + " keeps its old certificate: the new one cannot be used",
                    e);
            Made kept = new Made(current.context(), generation, current.wantClient(), current.needClient());
            made = kept;
            return kept;
        }
    }

    private static Made make(TlsSource.Material material, long generation) throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        // An empty list of trust managers, unlike null, keeps the default trust store from being loaded.
        context.init(
                new KeyManager[] {new OneKey(material.key(), material.chain())},
                trust(material.clientAuthorities()),
                null);
        return new Made(context, generation, !material.clientAuthorities().isEmpty(), material.requireClient());
    }

    static TrustManager[] trust(List<X509Certificate> authorities) throws GeneralSecurityException {
        if (authorities.isEmpty()) {
            return new TrustManager[0];
        }
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            for (int i = 0; i < authorities.size(); i++) {
                store.setCertificateEntry("authority-" + i, authorities.get(i));
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            return factory.getTrustManagers();
        } catch (java.io.IOException e) {
            throw new GeneralSecurityException(e);
        }
    }

    /** Presents the one key that there is to every client, and to every server, that can use it. */
    static final class OneKey extends X509ExtendedKeyManager {
        private static final String ALIAS = "own";
        private final PrivateKey key;
        private final X509Certificate[] chain;

        OneKey(PrivateKey key, List<X509Certificate> chain) {
            this.key = key;
            this.chain = chain.toArray(X509Certificate[]::new);
        }

        private @Nullable String alias(String keyType) {
            return keyType.startsWith(key.getAlgorithm()) || keyType.endsWith(key.getAlgorithm()) ? ALIAS : null;
        }

        @Override
        public @Nullable String chooseEngineServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            return alias(keyType);
        }

        @Override
        public @Nullable String chooseServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return alias(keyType);
        }

        @Override
        public String[] getServerAliases(String keyType, Principal @Nullable [] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return chain.clone();
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return key;
        }

        @Override
        public String[] getClientAliases(String keyType, Principal @Nullable [] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return chooseEngineClientAlias(keyTypes, issuers, null);
        }

        @Override
        public @Nullable String chooseEngineClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            for (String keyType : keyTypes) {
                if (alias(keyType) != null) {
                    return ALIAS;
                }
            }
            return null;
        }
    }
}
