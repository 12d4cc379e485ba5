package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.TlsConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * TLS as listeners end it, by BoringSSL where the platform has it, else by Java's own. What was made for a configuration is kept as long
 * as this is served, so that sessions may be resumed. Not safe for use by many threads; what it makes is.
 */
final class TlsContexts {
    private static final ApplicationProtocolConfig PROTOCOLS = new ApplicationProtocolConfig(
            ApplicationProtocolConfig.Protocol.ALPN,
            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
            ApplicationProtocolNames.HTTP_2,
            ApplicationProtocolNames.HTTP_1_1);

    private Map<TlsConfig, Certificates> made = new HashMap<>();
    private final Map<TlsConfig, Certificates> next = new HashMap<>();

    /** The certificates of one listener. Immutable. */
    static final class Certificates {
        private record Named(CertificateNames names, SslContext context) {}

        private final List<Named> all;

        private Certificates(List<Named> all) {
            this.all = all;
        }

        /** The one for a server name. */
        SslContext choose(String name) {
            for (Named each : all) {
                if (each.names.cover(name)) {
                    return each.context;
                }
            }
            return all.getFirst().context;
        }
    }

    static SslProvider provider() {
        return OpenSsl.isAvailable() ? SslProvider.OPENSSL : SslProvider.JDK;
    }

    /** @throws IOException when a certificate or key cannot be used */
    Certificates of(TlsConfig config) throws IOException {
        Certificates known = made.get(config);
        if (known == null) {
            known = next.get(config);
        }
        if (known == null) {
            known = make(config);
        }
        next.put(config, known);
        return known;
    }

    /** Forgets what was not asked for since the last time. */
    void sweep() {
        made = new HashMap<>(next);
        next.clear();
    }

    private static Certificates make(TlsConfig config) throws IOException {
        List<Certificates.Named> all = new ArrayList<>();
        for (TlsConfig.Certificate each : config.certificates()) {
            try {
                SslContextBuilder builder = SslContextBuilder.forServer(stream(each.chain()), stream(each.key()))
                        .sslProvider(provider())
                        .protocols("TLSv1.3", "TLSv1.2")
                        .applicationProtocolConfig(PROTOCOLS);
                TlsConfig.ClientValidation clients = config.clients();
                if (clients != null && clients.optional()) {
                    builder.trustManager(InsecureTrustManagerFactory.INSTANCE).clientAuth(ClientAuth.OPTIONAL);
                } else if (clients != null) {
                    builder.trustManager(stream(clients.authorities())).clientAuth(ClientAuth.REQUIRE);
                }
                all.add(new Certificates.Named(names(each.chain()), builder.build()));
            } catch (IllegalArgumentException | CertificateException | IOException e) {
                throw new IOException("a certificate cannot be used: " + e.getMessage(), e);
            }
        }
        return new Certificates(List.copyOf(all));
    }

    private static InputStream stream(String pem) {
        return new ByteArrayInputStream(pem.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** The names of the first certificate of a chain. */
    private static CertificateNames names(String chain) throws CertificateException {
        return CertificateNames.of(
                (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(stream(chain)));
    }
}
