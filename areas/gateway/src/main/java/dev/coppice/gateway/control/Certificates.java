package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Whether Secrets and ConfigMaps hold the certificates that are expected of them. Pure functions. */
final class Certificates {
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN ([A-Z ]*)PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END \\1PRIVATE KEY-----");

    private Certificates() {}

    /** What is wrong with a Secret of type kubernetes.io/tls; null when nothing is. */
    static @Nullable String problemOfSecret(ObjectNode secret) {
        String type = secret.path("type").asText("");
        if (!type.equals("kubernetes.io/tls")) {
            return "is of type " + type + "; expected kubernetes.io/tls";
        }
        String certificate = decoded(secret, "tls.crt");
        String key = decoded(secret, "tls.key");
        if (certificate == null || key == null) {
            return "lacks " + (certificate == null ? "tls.crt" : "tls.key");
        }
        if (!certificates(certificate)) {
            return "has a tls.crt that holds no certificate in PEM";
        }
        Matcher found = KEY.matcher(key);
        if (!found.find() || !der(found.group(2))) {
            return "has a tls.key that holds no private key in PEM";
        }
        return null;
    }

    /** What is wrong with a ConfigMap that should hold certificates of authorities; null when nothing is. */
    static @Nullable String problemOfAuthorities(ObjectNode configMap) {
        String text = configMap.path("data").path("ca.crt").asText("");
        if (text.isEmpty()) {
            return "lacks the key ca.crt";
        }
        return certificates(text) ? null : "has a ca.crt that holds no certificate in PEM";
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

    private static boolean certificates(String pem) {
        try {
            return pem.contains("-----BEGIN CERTIFICATE-----")
                    && !CertificateFactory.getInstance("X.509")
                            .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.ISO_8859_1)))
                            .isEmpty();
        } catch (CertificateException e) {
            return false;
        }
    }

    /** Whether it is Base64 of a sequence in DER, as all formats of keys are. */
    private static boolean der(String base64) {
        try {
            byte[] bytes = Base64.getMimeDecoder().decode(base64);
            return bytes.length > 16 && bytes[0] == 0x30;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
