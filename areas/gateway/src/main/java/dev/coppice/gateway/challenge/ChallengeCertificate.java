package dev.coppice.gateway.challenge;

import dev.coppice.serving.Pem;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Date;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * The certificate that answers a challenge of the type TLS-ALPN-01 (RFC 8737, 3): it signs itself, is for one host name, and has the hash
 * of the key authorization in the extension acmeIdentifier. Immutable.
 *
 * @param chain PEM
 * @param key PEM, PKCS #8
 */
public record ChallengeCertificate(String chain, String key) {
    /** The protocol by which it is asked for (RFC 7301). */
    public static final String PROTOCOL = "acme-tls/1";

    private static final String ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";
    private static final Duration GOOD = Duration.ofDays(7);

    /** Makes one, with a key of its own (ECDSA P-256). */
    public static ChallengeCertificate of(String host, String keyAuthorization, SecureRandom random, Instant now)
            throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"), random);
        KeyPair keys = generator.generateKeyPair();
        X500Name name = new X500Name("CN=ACME challenge");
        try {
            JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                    name,
                    new BigInteger(127, random).setBit(126),
                    Date.from(now.minus(GOOD)),
                    Date.from(now.plus(GOOD)),
                    name,
                    keys.getPublic());
            builder.addExtension(
                    Extension.subjectAlternativeName,
                    false,
                    new GeneralNames(new GeneralName(GeneralName.dNSName, host)));
            builder.addExtension(
                    new ASN1ObjectIdentifier(ACME_IDENTIFIER), true, new DEROctetString(hash(keyAuthorization)));
            X509Certificate made = new JcaX509CertificateConverter()
                    .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA")
                            .setSecureRandom(random)
                            .build(keys.getPrivate())));
            return new ChallengeCertificate(Pem.encode(made), Pem.encode(keys.getPrivate()));
        } catch (IOException | OperatorCreationException e) {
            throw new GeneralSecurityException(e);
        }
    }

    /** Whether a certificate answers a challenge. */
    public static boolean answers(X509Certificate certificate, String keyAuthorization) {
        byte[] extension = certificate.getExtensionValue(ACME_IDENTIFIER);
        if (extension == null) {
            return false;
        }
        try {
            byte[] inner = ASN1OctetString.getInstance(extension).getOctets();
            return Arrays.equals(ASN1OctetString.getInstance(inner).getOctets(), hash(keyAuthorization));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static byte[] hash(String keyAuthorization) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(keyAuthorization.getBytes(StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String toString() {
        return "ChallengeCertificate[" + chain.length() + " characters, key not shown]";
    }
}
