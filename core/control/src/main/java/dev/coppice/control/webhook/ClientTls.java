package dev.coppice.control.webhook;

import dev.coppice.serving.Pem;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** How a client speaks TLS: whom it trusts, and what it shows. Sessions are resumed. Safe for use by many threads. */
public final class ClientTls {
    private final SSLContext context;

    private ClientTls(SSLContext context) {
        this.context = context;
    }

    /**
     * Makes one from PEM texts.
     *
     * @param random null for that of the platform
     * @param authorities who signs certificates of servers; null for the platform's authorities
     * @param certificate that is shown, with {@code key} (PKCS #8); null for none
     */
    public static ClientTls of(
            @Nullable SecureRandom random,
            @Nullable String authorities,
            @Nullable String certificate,
            @Nullable String key)
            throws GeneralSecurityException, IOException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                certificate == null || key == null ? null : shown(certificate, key),
                authorities == null ? null : trust(authorities),
                random);
        return new ClientTls(context);
    }

    /** One that takes any certificate for any name: for who has said that nothing is to be verified. */
    public static ClientTls unverified(SecureRandom random) throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Unverified()}, random);
        return new ClientTls(context);
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static TrustManager[] trust(String pem) throws GeneralSecurityException, IOException {
        KeyStore store = empty();
        int i = 0;
        for (X509Certificate certificate : Pem.certificates(pem)) {
            store.setCertificateEntry("ca" + i++, certificate);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static KeyManager[] shown(String certificate, String key) throws GeneralSecurityException, IOException {
        KeyStore store = empty();
        char[] none = new char[0];
        store.setKeyEntry(
                "client",
                Pem.privateKey(key),
                none,
                Pem.certificates(certificate).toArray(Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, none);
        return factory.getKeyManagers();
    }

    /** Told of a connected socket, before TLS is layered over it. */
    @FunctionalInterface
    interface Connected {
        /** @throws IOException when nothing is to be sent to where it leads */
        void accept(Socket socket) throws IOException;
    }

    /**
     * A factory of client sockets.
     *
     * @param serverName that the certificate has to name
     */
    SSLSocketFactory sockets(String serverName, Connected connected) {
        return new NamedSockets(context.getSocketFactory(), serverName, connected);
    }

    /** Layers TLS over connected sockets, for one name, whatever address was dialled. */
    private static final class NamedSockets extends SSLSocketFactory {
        private final SSLSocketFactory sockets;
        private final String serverName;
        private final Connected told;

        NamedSockets(SSLSocketFactory sockets, String serverName, Connected told) {
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

        /** The platform tries this when the other way has failed, and then tells of that. */
        private static IOException unconnected() {
            return new IOException("only layers over connected sockets");
        }

        @Override
        public Socket createSocket(String host, int port) throws IOException {
            throw unconnected();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
            throw unconnected();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) throws IOException {
            throw unconnected();
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) throws IOException {
            throw unconnected();
        }
    }

    /** Of this sort nothing else is asked, not even whether the name fits. */
    private static final class Unverified extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
