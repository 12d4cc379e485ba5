package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.serving.Pem;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Certificates as Secrets and ConfigMaps hold them. What was found in one is kept as long as this is the same object, since keys
 * take long to try. Not safe for use by many threads.
 */
final class Certificates {
    private static final int MOST_KEPT = 5000;

    /**
     * What a Secret has.
     *
     * @param pair null when there is a problem
     * @param problem what is wrong, as the end of a sentence about it; null when nothing is
     */
    record Found(
            TlsConfig.@Nullable Certificate pair, @Nullable String problem) {
        static Found bad(String problem) {
            return new Found(null, problem);
        }
    }

    /**
     * The certificates of authorities that a ConfigMap or Secret has.
     *
     * @param pem nothing but certificates; null when there is a problem
     * @param problem what is wrong, as the end of a sentence about it; null when nothing is
     */
    record Authorities(@Nullable String pem, @Nullable String problem) {}

    /** The first that were looked at are thrown out first. */
    private static final class Kept<T> extends LinkedHashMap<String, T> {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, T> eldest) {
            return size() > MOST_KEPT;
        }
    }

    private final Map<String, Found> pairs = new Kept<>();
    private final Map<String, Authorities> authorities = new Kept<>();

    private static <T> T kept(Map<String, T> known, ObjectNode object, Function<ObjectNode, T> read) {
        String id = object.path("metadata").path("uid").asText("") + "/"
                + object.path("metadata").path("resourceVersion").asText("");
        return id.equals("/") ? read.apply(object) : known.computeIfAbsent(id, _ -> read.apply(object));
    }

    /** The certificate in a Secret of type kubernetes.io/tls. */
    Found pair(ObjectNode secret) {
        return kept(pairs, secret, Certificates::read);
    }

    /** The certificates under {@code ca.crt} of a ConfigMap or Secret. */
    Authorities authorities(ObjectNode object) {
        return kept(authorities, object, Certificates::readAuthorities);
    }

    static Found read(ObjectNode secret) {
        String type = secret.path("type").asText("");
        if (!type.equals("kubernetes.io/tls")) {
            return Found.bad("is of type " + type + "; expected kubernetes.io/tls");
        }
        String certificate = decoded(secret, "tls.crt");
        String key = decoded(secret, "tls.key");
        if (certificate == null || key == null) {
            return Found.bad("lacks " + (certificate == null ? "tls.crt" : "tls.key"));
        }
        List<X509Certificate> chain;
        try {
            chain = Pem.certificates(certificate);
        } catch (CertificateException e) {
            return Found.bad("has a tls.crt that holds no certificate in PEM");
        }
        try {
            PrivateKey read = Pem.privateKey(key);
            if (!belong(read, chain.getFirst().getPublicKey())) {
                return Found.bad("has a tls.key that does not belong to the first certificate of its tls.crt");
            }
            return new Found(new TlsConfig.Certificate(Pem.encode(chain), Pem.encode(read)), null);
        } catch (GeneralSecurityException e) {
            return Found.bad("has a tls.key that holds no private key in PEM, of RSA or an elliptic curve");
        }
    }

    private static boolean belong(PrivateKey key, PublicKey certified) throws GeneralSecurityException {
        if (!key.getAlgorithm().equals(certified.getAlgorithm())) {
            return false;
        }
        String algorithm = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
        byte[] text = "which key is this?".getBytes(StandardCharsets.US_ASCII);
        Signature signing = Signature.getInstance(algorithm);
        signing.initSign(key);
        signing.update(text);
        byte[] signature = signing.sign();
        Signature verifying = Signature.getInstance(algorithm);
        verifying.initVerify(certified);
        verifying.update(text);
        return verifying.verify(signature);
    }

    private static Authorities readAuthorities(ObjectNode object) {
        String text = object.path("kind").asText("").equals("Secret")
                ? decoded(object, "ca.crt")
                : object.path("data").path("ca.crt").asText("");
        if (text == null || text.isEmpty()) {
            return new Authorities(null, "lacks the key ca.crt");
        }
        try {
            return new Authorities(Pem.encode(Pem.certificates(text)), null);
        } catch (CertificateException e) {
            return new Authorities(null, "has a ca.crt that holds no certificate in PEM");
        }
    }

    private static @Nullable String decoded(ObjectNode secret, String key) {
        byte[] bytes = SecretData.bytes(secret, key);
        return bytes == null ? null : new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
