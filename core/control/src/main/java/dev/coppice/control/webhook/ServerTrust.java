package dev.coppice.control.webhook;

import dev.coppice.serving.Pem;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * Makes TLS sockets that trust a webhook's {@code caBundle}, or the platform's authorities without one. Contexts are kept, so
 * that sessions are resumed. Safe for use by many threads.
 */
final class ServerTrust {
    private static final int MOST_CONTEXTS = 64;

    private final SecureRandom random;
    private final Map<String, SSLContext> contexts = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, SSLContext> eldest) {
            return size() > MOST_CONTEXTS;
        }
    };

    ServerTrust(SecureRandom random) {
        this.random = random;
    }

    /**
     * A factory of client sockets.
     *
     * @param caBundle PEM in base64, as it stands in objects; "" for the platform's authorities
     * @param serverName that the certificate has to name
     * @param connected told of each connected socket, before TLS is layered over it
     */
    SSLSocketFactory sockets(String caBundle, String serverName, Consumer<Socket> connected) throws WebhookException {
        return new NamedSockets(context(caBundle).getSocketFactory(), serverName, connected);
    }

    private synchronized SSLContext context(String caBundle) throws WebhookException {
        SSLContext known = contexts.get(caBundle);
        if (known == null) {
            try {
                known = SSLContext.getInstance("TLS");
                known.init(null, caBundle.isEmpty() ? null : trust(caBundle), random);
            } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
                throw new WebhookException("the caBundle cannot be used: " + e.getMessage(), e);
            }
            contexts.put(caBundle, known);
        }
        return known;
    }

    private static TrustManager[] trust(String caBundle) throws GeneralSecurityException, IOException {
        String pem = new String(Base64.getDecoder().decode(caBundle), StandardCharsets.US_ASCII);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        int i = 0;
        for (X509Certificate certificate : Pem.certificates(pem)) {
            store.setCertificateEntry("ca" + i++, certificate);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return factory.getTrustManagers();
    }

    /** Layers TLS over connected sockets, for one name, whatever address was dialled. */
    private static final class NamedSockets extends SSLSocketFactory {
        private final SSLSocketFactory sockets;
        private final String serverName;
        private final Consumer<Socket> told;

        NamedSockets(SSLSocketFactory sockets, String serverName, Consumer<Socket> told) {
            this.sockets = sockets;
            this.serverName = serverName;
            this.told = told;
        }

        @Override
        public Socket createSocket(Socket connected, String host, int port, boolean autoClose) throws IOException {
            told.accept(connected);
            SSLSocket socket = (SSLSocket) sockets.createSocket(connected, serverName, port, autoClose);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            return socket;
        }

        @Override
        public String[] getDefaultCipherSuites() {
            return sockets.getDefaultCipherSuites();
        }

        @Override
        public String[] getSupportedCipherSuites() {
            return sockets.getSupportedCipherSuites();
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw new UnsupportedOperationException("only layers over connected sockets");
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException("only layers over connected sockets");
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw new UnsupportedOperationException("only layers over connected sockets");
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException("only layers over connected sockets");
        }
    }
}
