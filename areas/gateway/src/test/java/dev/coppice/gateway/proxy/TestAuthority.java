package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.serving.Pem;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** Signs certificates for tests. */
public final class TestAuthority {
    private static final Duration DAY = Duration.ofDays(1);

    private final X500Name name;
    private final KeyPair keys;
    private final X509Certificate certificate;

    public TestAuthority(String commonName) throws Exception {
        name = new X500Name("CN=" + commonName);
        keys = keys();
        JcaX509v3CertificateBuilder builder =
                builder(name, keys, Instant.now().minus(DAY), Instant.now().plus(DAY));
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
        certificate = signed(builder);
    }

    private static KeyPair keys() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        return generator.generateKeyPair();
    }

    private JcaX509v3CertificateBuilder builder(X500Name subject, KeyPair of, Instant from, Instant to) {
        return new JcaX509v3CertificateBuilder(
                name, BigInteger.valueOf(System.nanoTime()), Date.from(from), Date.from(to), subject, of.getPublic());
    }

    private X509Certificate signed(JcaX509v3CertificateBuilder builder) throws Exception {
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate())));
    }

    public String pem() {
        return Pem.encode(certificate);
    }

    /**
     * A certificate that is valid for a day.
     *
     * @param names such as {@code dns:example.org} and {@code uri:spiffe://example.org/a}
     */
    public Signed sign(String commonName, String... names) throws Exception {
        return sign(Instant.now().minus(DAY), Instant.now().plus(DAY), commonName, names);
    }

    Signed expired(String commonName, String... names) throws Exception {
        return sign(Instant.now().minus(DAY), Instant.now().minus(Duration.ofHours(1)), commonName, names);
    }

    private Signed sign(Instant from, Instant to, String commonName, String... names) throws Exception {
        KeyPair own = keys();
        JcaX509v3CertificateBuilder builder = builder(new X500Name("CN=" + commonName), own, from, to);
        if (names.length > 0) {
            builder.addExtension(
                    Extension.subjectAlternativeName,
                    false,
                    new GeneralNames(Arrays.stream(names)
                            .map(each -> new GeneralName(
                                    each.startsWith("dns:")
                                            ? GeneralName.dNSName
                                            : GeneralName.uniformResourceIdentifier,
                                    each.substring(4)))
                            .toArray(GeneralName[]::new)));
        }
        return new Signed(signed(builder), own.getPrivate());
    }

    /** A certificate with its key. */
    public record Signed(X509Certificate certificate, PrivateKey key) {
        public TlsConfig.Certificate config() {
            return new TlsConfig.Certificate(Pem.encode(certificate), Pem.encode(key));
        }

        /**
         * A server that shows it.
         *
         * @param clients whose authority clients have to show a certificate of; null: none
         * @param versions of TLS; none: the usual ones
         */
        SSLServerSocket listen(@Nullable TestAuthority clients, String... versions) throws Exception {
            SSLContext context = SSLContext.getInstance("TLS");
            TrustManager[] trust = null;
            if (clients != null) {
                KeyStore store = KeyStore.getInstance("PKCS12");
                store.load(null, null);
                store.setCertificateEntry("it", clients.certificate);
                TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
                factory.init(store);
                trust = factory.getTrustManagers();
            }
            context.init(new KeyManager[] {new Shown(this)}, trust, null);
            SSLServerSocket server = (SSLServerSocket)
                    context.getServerSocketFactory().createServerSocket(0, 100, InetAddress.getLoopbackAddress());
            server.setNeedClientAuth(clients != null);
            SSLParameters parameters = server.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {"http/1.1"});
            server.setSSLParameters(parameters);
            if (versions.length > 0) {
                server.setEnabledProtocols(versions);
            }
            return server;
        }
    }

    /** Shows one certificate, whatever is asked for. */
    private static final class Shown extends X509ExtendedKeyManager {
        private final Signed it;

        Shown(Signed it) {
            this.it = it;
        }

        @Override
        public String @Nullable [] getClientAliases(String type, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] types, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }

        @Override
        public String[] getServerAliases(String type, Principal @Nullable [] issuers) {
            return new String[] {"it"};
        }

        @Override
        public @Nullable String chooseServerAlias(
                String type, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return type.startsWith("EC") ? "it" : null;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return List.of(it.certificate).toArray(X509Certificate[]::new);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return it.key;
        }
    }
}
