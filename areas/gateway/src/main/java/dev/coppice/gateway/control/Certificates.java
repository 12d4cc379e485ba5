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
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Certificates as Secrets and ConfigMaps hold them. What was found in a Secret is kept as long as this is the same object, since keys
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

    private final Map<String, Found> kept = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Found> eldest) {
            return size() > MOST_KEPT;
        }
    };

    /** The certificate in a Secret of type kubernetes.io/tls. */
    Found pair(ObjectNode secret) {
        String id = secret.path("metadata").path("uid").asText("") + "/"
                + secret.path("metadata").path("resourceVersion").asText("");
        return id.equals("/") ? read(secret) : kept.computeIfAbsent(id, _ -> read(secret));
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

    /** What is wrong with a ConfigMap that should hold certificates of authorities; null when nothing is. */
    static @Nullable String problemOfAuthorities(ObjectNode configMap) {
        String text = authorities(configMap);
        if (text.isEmpty()) {
            return "lacks the key ca.crt";
        }
        try {
            Pem.certificates(text);
            return null;
        } catch (CertificateException e) {
            return "has a ca.crt that holds no certificate in PEM";
        }
    }

    static String authorities(ObjectNode configMap) {
        return configMap.path("data").path("ca.crt").asText("");
    }

    private static @Nullable String decoded(ObjectNode secret, String key) {
        String text = secret.path("data").path(key).asText("");
        if (text.isEmpty()) {
            String plain = secret.path("stringData").path(key).asText("");
            return plain.isEmpty() ? null : plain;
        }
        try {
            return new String(Base64.getDecoder().decode(text), StandardCharsets.ISO_8859_1);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
