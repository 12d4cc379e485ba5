package dev.coppice.gateway.acme;

import dev.coppice.gateway.kind.IssuerSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Pem;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.Socket;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.shredzone.acme4j.Session;
import org.shredzone.acme4j.connector.Connection;
import org.shredzone.acme4j.connector.NetworkSettings;
import org.shredzone.acme4j.provider.AbstractAcmeProvider;

/** The ACME server of an issuer, checked as its spec says. Safe for use by many threads. */
final class AcmeServer extends AbstractAcmeProvider implements AutoCloseable {
    /** For one request. */
    static final Duration LIMIT = Duration.ofSeconds(20);

    /** For all requests of one step of an issuer, order or challenge: the next one is another's turn. */
    static final Duration STEP_LIMIT = Duration.ofSeconds(60);

    private final HttpClient client;

    private AcmeServer(HttpClient client) {
        this.client = client;
    }

    /**
     * One that nothing was sent to yet.
     *
     * @param executor for what its connections do
     * @throws GeneralSecurityException in words for people, when its authorities cannot be read
     */
    static AcmeServer of(IssuerSpec.Acme spec, Kernel kernel, Executor executor) throws GeneralSecurityException {
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trusted(spec), kernel.secureRandom());
        return new AcmeServer(HttpClient.newBuilder()
                .executor(executor)
                .sslContext(tls)
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(LIMIT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(HttpClient.Builder.NO_PROXY)
                .build());
    }

    /** A session with it. */
    Session session(IssuerSpec.Acme spec) {
        Session session = new Session(URI.create(spec.server()), this);
        session.networkSettings().setTimeout(LIMIT);
        session.networkSettings().setCompressionEnabled(false);
        session.setLocale(Locale.ENGLISH);
        return session;
    }

    private static TrustManager @Nullable [] trusted(IssuerSpec.Acme spec) throws GeneralSecurityException {
        if (spec.skipTLSVerify()) {
            return new TrustManager[] {new Unchecked()};
        }
        String bundle = spec.caBundle();
        if (bundle == null) {
            return null;
        }
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            int i = 0;
            for (X509Certificate each :
                    Pem.certificates(new String(Base64.getMimeDecoder().decode(bundle), StandardCharsets.US_ASCII))) {
                store.setCertificateEntry("ca" + i++, each);
            }
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            return factory.getTrustManagers();
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            throw new GeneralSecurityException(
                    "spec.acme.caBundle: expected certificates in PEM, in base64: " + e.getMessage(), e);
        }
    }

    @Override
    public boolean accepts(URI server) {
        return true;
    }

    @Override
    public URL resolve(URI server) {
        try {
            return server.toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
    }

    @Override
    public HttpClient createHttpClient(NetworkSettings settings) {
        return client;
    }

    @Override
    public Connection connect(URI server, NetworkSettings settings, HttpClient by) {
        return new AcmeConnection(createHttpConnector(settings, by), LIMIT);
    }

    @Override
    public void close() {
        client.shutdownNow();
    }

    /** Takes any certificate for any name. */
    private static final class Unchecked extends X509ExtendedTrustManager {
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
