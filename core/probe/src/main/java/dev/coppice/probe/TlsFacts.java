package dev.coppice.probe;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a TLS handshake showed.
 *
 * @param version such as {@code TLSv1.3}
 * @param cipherSuite by its IANA name
 * @param chain as the server sent it, its own certificate first
 * @param verified whether chain and name verified
 * @param verificationError why not, in words; null when verified or not tried
 */
public record TlsFacts(
        String version,
        String cipherSuite,
        List<X509Certificate> chain,
        boolean verified,
        @Nullable String verificationError) {

    public TlsFacts {
        chain = List.copyOf(chain);
    }

    /** When the first certificate of the chain expires; null without certificates. */
    public @Nullable Instant earliestExpiry() {
        Instant earliest = null;
        for (var certificate : chain) {
            var end = certificate.getNotAfter().toInstant();
            if (earliest == null || end.isBefore(earliest)) {
                earliest = end;
            }
        }
        return earliest;
    }

    /** RFC 4514; empty without certificates. */
    public String subject() {
        return chain.isEmpty() ? "" : chain.getFirst().getSubjectX500Principal().getName();
    }

    /** RFC 4514; empty without certificates. */
    public String issuer() {
        return chain.isEmpty() ? "" : chain.getFirst().getIssuerX500Principal().getName();
    }

    /** The DNS names and IP addresses that the server's certificate is for. */
    public List<String> alternativeNames() {
        if (chain.isEmpty()) {
            return List.of();
        }
        try {
            var names = new ArrayList<String>();
            var all = chain.getFirst().getSubjectAlternativeNames();
            for (var name : all == null ? List.<List<?>>of() : all) {
                if (name.size() > 1 && name.get(1) instanceof String text) {
                    names.add(text);
                }
            }
            return List.copyOf(names);
        } catch (CertificateParsingException e) {
            return List.of();
        }
    }

    /** The SHA-256 fingerprint of the server's certificate in lower-case hexadecimal; empty without certificates. */
    public String fingerprint() {
        if (chain.isEmpty()) {
            return "";
        }
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(digest.digest(chain.getFirst().getEncoded()));
        } catch (NoSuchAlgorithmException | CertificateEncodingException e) {
            throw new IllegalStateException("every Java runtime has SHA-256 and encodes what it decoded", e);
        }
    }
}
