package dev.coppice.gateway.acme;

import dev.coppice.control.webhook.ClientTls;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.gateway.kind.IssuerSpec;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import org.shredzone.acme4j.Session;
import org.shredzone.acme4j.connector.Connection;
import org.shredzone.acme4j.connector.NetworkSettings;
import org.shredzone.acme4j.provider.AbstractAcmeProvider;

/** The ACME server of an issuer, checked as its spec says. Safe for use by many threads. */
final class AcmeServer extends AbstractAcmeProvider {
    /** For one request. */
    static final Duration LIMIT = Duration.ofSeconds(20);

    /** For all requests of one step of an issuer, order or challenge: the next one is another's turn. */
    static final Duration STEP_LIMIT = Duration.ofSeconds(60);

    private final Kernel kernel;
    private final ClientTls tls;
    private final HttpsCall.AddressRule addresses;

    private AcmeServer(Kernel kernel, ClientTls tls, HttpsCall.AddressRule addresses) {
        this.kernel = kernel;
        this.tls = tls;
        this.addresses = addresses;
    }

    /**
     * One that nothing was sent to yet.
     *
     * @param addresses which it may have
     * @throws GeneralSecurityException in words for people, when its authorities cannot be read
     */
    static AcmeServer of(IssuerSpec.Acme spec, Kernel kernel, HttpsCall.AddressRule addresses)
            throws GeneralSecurityException {
        if (spec.skipTLSVerify()) {
            return new AcmeServer(kernel, ClientTls.unverified(kernel.secureRandom()), addresses);
        }
        String bundle = spec.caBundle();
        try {
            String authorities = bundle == null
                    ? null
                    : new String(Base64.getMimeDecoder().decode(bundle), StandardCharsets.US_ASCII);
            return new AcmeServer(kernel, ClientTls.of(kernel.secureRandom(), authorities, null, null), addresses);
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            throw new GeneralSecurityException(
                    "spec.acme.caBundle: expected certificates in PEM, in base64: " + e.getMessage(), e);
        }
    }

    /** A session with it. */
    Session session(IssuerSpec.Acme spec) {
        Session session = new Session(URI.create(spec.server()), this);
        session.networkSettings().setTimeout(LIMIT);
        session.networkSettings().setCompressionEnabled(false);
        session.setLocale(Locale.ENGLISH);
        return session;
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
        return AcmeConnection.NO_CLIENT;
    }

    @Override
    public Connection connect(URI server, NetworkSettings settings, HttpClient by) {
        return new AcmeConnection(createHttpConnector(settings, by), kernel, tls, addresses, LIMIT);
    }
}
