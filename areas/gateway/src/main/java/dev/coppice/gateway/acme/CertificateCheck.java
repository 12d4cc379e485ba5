package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.kind.CertificateSpec;
import dev.coppice.schema.GoDuration;
import dev.coppice.serving.Pem;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Whether a Secret holds what a Certificate asks for, as cert-manager judges it. Immutable.
 *
 * @param issue whether one is to be ordered
 * @param ready whether the one that is there may be used
 * @param reason one word in CamelCase
 * @param message for people
 * @param held null when there is none that can be read
 */
record CertificateCheck(
        boolean issue,
        boolean ready,
        String reason,
        String message,
        @Nullable Held held) {
    static final String ISSUER_NAME = "cert-manager.io/issuer-name";
    static final String ISSUER_KIND = "cert-manager.io/issuer-kind";
    static final String ISSUER_GROUP = "cert-manager.io/issuer-group";
    static final String CERTIFICATE_NAME = "cert-manager.io/certificate-name";

    private static final int DNS = 2;

    /**
     * The times of a certificate.
     *
     * @param renewal when it is to be renewed
     */
    record Held(Instant notBefore, Instant notAfter, Instant renewal) {}

    /** Judges. */
    static CertificateCheck of(CertificateSpec spec, @Nullable ObjectNode secret, Instant now) {
        String what = "Secret " + spec.secretName();
        if (secret == null) {
            return wanted("DoesNotExist", what + " does not exist");
        }
        String type = secret.path("type").asText("");
        if (!type.equals("kubernetes.io/tls")) {
            return new CertificateCheck(
                    false,
                    false,
                    "SecretMismatch",
                    what + " is of type " + type + "; expected kubernetes.io/tls: delete it, or name another one",
                    null);
        }
        String chain = entry(secret, "tls.crt");
        String key = entry(secret, "tls.key");
        if (chain.isEmpty() || key.isEmpty()) {
            return wanted("MissingData", what + " lacks " + (chain.isEmpty() ? "tls.crt" : "tls.key"));
        }
        try {
            X509Certificate first = Pem.certificates(chain).getFirst();
            KeyPair keys = PrivateKeys.read(key);
            if (!keys.getPublic().equals(first.getPublicKey())) {
                return wanted("InvalidKeyPair", what + ": tls.key does not belong to tls.crt");
            }
            return of(spec, secret, what, first, now);
        } catch (CertificateException e) {
            return wanted("InvalidCertificate", what + ": tls.crt holds no certificate in PEM");
        } catch (GeneralSecurityException e) {
            return wanted("InvalidKeyPair", what + ": tls.key holds no private key in PEM");
        }
    }

    private static CertificateCheck of(
            CertificateSpec spec, ObjectNode secret, String what, X509Certificate certificate, Instant now)
            throws CertificateException {
        Held held = held(spec, certificate);
        JsonNode annotations = secret.path("metadata").path("annotations");
        if (!annotations.path(ISSUER_NAME).asText("").equals(spec.issuerRef().name())
                || !annotations
                        .path(ISSUER_KIND)
                        .asText("Issuer")
                        .equals(spec.issuerRef().kindOrDefault())) {
            return wanted("IncorrectIssuer", what + " was not made by " + spec.issuerRef());
        }
        Set<String> names = names(certificate);
        if (!names.equals(new TreeSet<>(spec.dnsNames()))) {
            return wanted("RequestChanged", what + " is for the names " + names);
        }
        if (!PrivateKeys.fits(certificate.getPublicKey(), spec.key())) {
            return wanted("RequestChanged", what + " has a key of another algorithm or size than spec.privateKey says");
        }
        if (!held.notAfter.isAfter(now)) {
            return new CertificateCheck(true, false, "Expired", what + " expired at " + held.notAfter, held);
        }
        return held.renewal.isAfter(now)
                ? new CertificateCheck(false, true, "Ready", "the certificate is up to date and has not expired", held)
                : new CertificateCheck(
                        true, true, "Renewing", "the certificate is to be renewed since " + held.renewal, held);
    }

    /** Whether somebody changed what is in the Secret, so that it would not help for long to order another one. */
    boolean changed() {
        return issue && held == null && !reason.equals("DoesNotExist");
    }

    private static CertificateCheck wanted(String reason, String message) {
        return new CertificateCheck(true, false, reason, message, null);
    }

    private static Held held(CertificateSpec spec, X509Certificate certificate) {
        Instant from = certificate.getNotBefore().toInstant();
        Instant until = certificate.getNotAfter().toInstant();
        Duration whole = Duration.between(from, until);
        Duration before = spec.renewBefore() == null ? null : GoDuration.parse(spec.renewBefore());
        if (before == null || before.compareTo(whole) >= 0) {
            before = whole.dividedBy(3);
        }
        // Servers date certificates back: one that is to be renewed for nearly all its time would be so when it comes.
        Duration most = whole.multipliedBy(3).dividedBy(4);
        if (before.compareTo(most) > 0) {
            before = most;
        }
        return new Held(from, until, until.minus(before));
    }

    private static Set<String> names(X509Certificate certificate) throws CertificateException {
        Set<String> names = new TreeSet<>();
        Collection<List<?>> all = certificate.getSubjectAlternativeNames();
        for (List<?> each : all == null ? List.<List<?>>of() : all) {
            if (each.getFirst() instanceof Integer type && type == DNS) {
                names.add(each.get(1).toString().toLowerCase(Locale.ROOT));
            }
        }
        return names;
    }

    /** An entry of a Secret as text; empty when there is none. */
    static String entry(JsonNode secret, String name) {
        try {
            return new String(
                    Base64.getDecoder().decode(secret.path("data").path(name).asText("")), StandardCharsets.US_ASCII);
        } catch (IllegalArgumentException e) {
            return "";
        }
    }
}
