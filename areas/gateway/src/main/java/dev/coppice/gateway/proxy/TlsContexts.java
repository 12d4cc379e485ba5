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
 * TLS as listeners end it, by the fastest that there is for what is in it. What was made for a configuration is kept as long
 * as this is served, so that sessions may be resumed. Not safe for use by many threads; what it makes is.
 */
final class TlsContexts {
    private static final ApplicationProtocolConfig PROTOCOLS = new ApplicationProtocolConfig(
            ApplicationProtocolConfig.Protocol.ALPN,
            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
            ApplicationProtocolNames.HTTP_2,
            ApplicationProtocolNames.HTTP_1_1);

    private record Wanted(TlsConfig config, boolean streams) {}

    private Map<Wanted, Certificates> made = new HashMap<>();
    private final Map<Wanted, Certificates> next = new HashMap<>();

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

    /**
     * BoringSSL where the platform has it, but Java's own for streams: with Netty's engine of BoringSSL (4.2.18) a connection is over for both sides
     * once one has said all, while streams may go on the other way (RFC 8446, 6.1).
     */
    static SslProvider provider(boolean streams) {
        return OpenSsl.isAvailable() && !streams ? SslProvider.OPENSSL : SslProvider.JDK;
    }

    /**
     * For a listener.
     *
     * @param streams it serves streams, of which is not known what they speak; else HTTP
     * @throws IOException when a certificate or key cannot be used
     */
    Certificates of(TlsConfig config, boolean streams) throws IOException {
        Wanted wanted = new Wanted(config, streams);
        Certificates known = made.get(wanted);
        if (known == null) {
            known = next.get(wanted);
        }
        if (known == null) {
            known = make(config, streams);
        }
        next.put(wanted, known);
        return known;
    }

    /** Forgets what was not asked for since the last time. */
    void sweep() {
        made = new HashMap<>(next);
        next.clear();
    }

    private static Certificates make(TlsConfig config, boolean streams) throws IOException {
        List<Certificates.Named> all = new ArrayList<>();
        for (TlsConfig.Certificate each : config.certificates()) {
            try {
                SslContextBuilder builder = SslContextBuilder.forServer(stream(each.chain()), stream(each.key()))
                        .sslProvider(provider(streams))
                        .protocols("TLSv1.3", "TLSv1.2");
                if (!streams) {
                    builder.applicationProtocolConfig(PROTOCOLS);
                }
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
