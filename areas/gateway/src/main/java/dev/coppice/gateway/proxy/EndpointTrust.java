package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.UpstreamTlsConfig.Name;
import dev.coppice.kernel.Clock;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.List;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Decides whether an endpoint's certificate is good: it leads to an authority that counts, is valid now, and is for one of the names that
 * are expected (RFC 5280, RFC 9525). Revocation is not looked at. Immutable; safe for use by many threads.
 */
final class EndpointTrust extends X509ExtendedTrustManager {
    private final X509TrustManager authorities;
    private final List<Name> names;
    private final Clock clock;

    EndpointTrust(X509TrustManager authorities, List<Name> names, Clock clock) {
        this.authorities = authorities;
        this.names = names;
        this.clock = clock;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String method) throws CertificateException {
        try {
            // One that is itself among the authorities' would not be asked for its time.
            chain[0].checkValidity(Date.from(clock.now()));
            authorities.checkServerTrusted(chain, method);
        } catch (CertificateExpiredException e) {
            throw new CertificateException("it is not valid any more: " + e.getMessage(), e);
        } catch (CertificateNotYetValidException e) {
            throw new CertificateException("it is not valid yet: " + e.getMessage(), e);
        } catch (CertificateException e) {
            throw new CertificateException("it does not lead to an authority that counts: " + e.getMessage(), e);
        }
        CertificateNames has = CertificateNames.of(chain[0]);
        for (Name each : names) {
            boolean found = switch (each.type()) {
                case DNS -> has.cover(each.value());
                case URI -> has.uris().contains(each.value());
            };
            if (found) {
                return;
            }
        }
        throw new CertificateException("it is for " + has + "; expected "
                + names.stream().map(Name::value).collect(Collectors.joining(" or ")));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String method, Socket socket) throws CertificateException {
        checkServerTrusted(chain, method);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String method, SSLEngine engine)
            throws CertificateException {
        checkServerTrusted(chain, method);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String method) throws CertificateException {
        throw new CertificateException("this is for certificates of endpoints, not of clients");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String method, Socket socket) throws CertificateException {
        checkClientTrusted(chain, method);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String method, SSLEngine engine)
            throws CertificateException {
        checkClientTrusted(chain, method);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return authorities.getAcceptedIssuers();
    }
}
