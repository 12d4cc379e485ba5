package dev.coppice.gateway.acme;

import dev.coppice.gateway.kind.CertificateSpec;
import dev.coppice.serving.Pem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Base64;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.jcajce.provider.asymmetric.util.EC5Util;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/** Keys of accounts and certificates, and signing requests. Pure functions, but for randomness. */
final class PrivateKeys {
    /** Of accounts. */
    static final CertificateSpec.PrivateKey ACCOUNT = new CertificateSpec.PrivateKey("ECDSA", 256, null);

    private PrivateKeys() {}

    static KeyPair make(CertificateSpec.PrivateKey wanted, SecureRandom random) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(wanted.ecdsa() ? "EC" : "RSA");
        if (wanted.ecdsa()) {
            generator.initialize(new ECGenParameterSpec("secp" + wanted.sizeOrDefault() + "r1"), random);
        } else {
            generator.initialize(wanted.sizeOrDefault(), random);
        }
        return generator.generateKeyPair();
    }

    /** A key with its public half. */
    static KeyPair read(String pem) throws GeneralSecurityException {
        PrivateKey key = Pem.privateKey(pem);
        PublicKey half = switch (key) {
            case RSAPrivateCrtKey rsa ->
                KeyFactory.getInstance("RSA")
                        .generatePublic(new RSAPublicKeySpec(rsa.getModulus(), rsa.getPublicExponent()));
            case ECPrivateKey curve ->
                KeyFactory.getInstance("EC")
                        .generatePublic(new ECPublicKeySpec(
                                EC5Util.convertPoint(EC5Util.convertSpec(curve.getParams())
                                        .getG()
                                        .multiply(curve.getS())
                                        .normalize()),
                                curve.getParams()));
            default -> throw new GeneralSecurityException("a key of the algorithm " + key.getAlgorithm());
        };
        return new KeyPair(half, key);
    }

    /** Whether a key is as it is wanted. */
    static boolean fits(PublicKey key, CertificateSpec.PrivateKey wanted) {
        return switch (key) {
            case RSAPublicKey rsa -> !wanted.ecdsa() && rsa.getModulus().bitLength() == wanted.sizeOrDefault();
            case ECPublicKey curve ->
                wanted.ecdsa() && curve.getParams().getCurve().getField().getFieldSize() == wanted.sizeOrDefault();
            default -> false;
        };
    }

    /** A signing request for host names (RFC 2986): PEM. */
    static String request(List<String> names, KeyPair keys, SecureRandom random) throws GeneralSecurityException {
        GeneralName[] alternatives = names.stream()
                .map(each -> new GeneralName(GeneralName.dNSName, each))
                .toArray(GeneralName[]::new);
        boolean curve = keys.getPrivate() instanceof ECPrivateKey;
        try {
            ExtensionsGenerator extensions = new ExtensionsGenerator();
            extensions.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(alternatives));
            byte[] der = new JcaPKCS10CertificationRequestBuilder(new X500Name(new RDN[0]), keys.getPublic())
                    .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate())
                    .build(new JcaContentSignerBuilder(curve ? "SHA256withECDSA" : "SHA256withRSA")
                            .setSecureRandom(random)
                            .build(keys.getPrivate()))
                    .getEncoded();
            return "-----BEGIN CERTIFICATE REQUEST-----\n"
                    + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                    + "\n-----END CERTIFICATE REQUEST-----\n";
        } catch (IOException | OperatorCreationException e) {
            throw new GeneralSecurityException(e);
        }
    }

    /** The signing request in an Order, in DER; it is as {@link #request} made it. */
    static byte[] der(String base64) {
        String pem = new String(Base64.getDecoder().decode(base64), StandardCharsets.US_ASCII);
        return Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    }
}
