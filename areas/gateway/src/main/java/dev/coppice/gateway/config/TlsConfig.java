package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a listener ends TLS. Immutable. Has private keys, which {@link #toString} does not tell.
 *
 * @param certificates at least one; the first whose names fit is shown, else the first
 * @param clients what is expected of clients' certificates; null: none are asked for
 */
public record TlsConfig(
        List<Certificate> certificates, @Nullable ClientValidation clients) {

    /**
     * A certificate with its key, in PEM.
     *
     * @param chain the certificate, and those that lead to its authority
     * @param key PKCS #8, or as OpenSSL writes RSA and EC keys
     */
    public record Certificate(String chain, String key) {
        @Override
        public String toString() {
            return "Certificate[" + chain.length() + " characters, key not shown]";
        }
    }

    /**
     * What clients have to show.
     *
     * @param authorities whose certificates count, in PEM
     * @param optional clients without a certificate, or with one of another authority, are let in all the same
     */
    public record ClientValidation(String authorities, boolean optional) {}

    public TlsConfig {
        certificates = List.copyOf(certificates);
        if (certificates.isEmpty()) {
            throw new IllegalArgumentException("certificates: expected one at least");
        }
    }
}
