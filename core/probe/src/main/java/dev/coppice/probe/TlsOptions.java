package dev.coppice.probe;

import org.jspecify.annotations.Nullable;

/**
 * How a probe speaks TLS.
 *
 * @param caPem certificates to trust instead of the machine's, in PEM; null trusts the Java runtime's
 * @param serverName the name to send (SNI) and to verify; null takes the target's host
 * @param skipVerify accepts any certificate; the facts about it are still reported
 * @param certificatePem a client certificate chain, in PEM; null sends none
 * @param keyPem the client certificate's private key, PKCS#8 in PEM; null sends none
 * @param minVersion the oldest version to offer: {@code TLSv1.2} or {@code TLSv1.3}
 */
public record TlsOptions(
        @Nullable String caPem,
        @Nullable String serverName,
        boolean skipVerify,
        @Nullable String certificatePem,
        @Nullable String keyPem,
        String minVersion) {

    /** The runtime's trusted authorities, TLS 1.2 or newer. */
    public static final TlsOptions DEFAULT = new TlsOptions(null, null, false, null, null, "TLSv1.2");

    /** Accepts any certificate. */
    public static final TlsOptions UNVERIFIED = new TlsOptions(null, null, true, null, null, "TLSv1.2");

    public TlsOptions withServerName(@Nullable String serverName) {
        return new TlsOptions(caPem, serverName, skipVerify, certificatePem, keyPem, minVersion);
    }

    public TlsOptions withCaPem(@Nullable String caPem) {
        return new TlsOptions(caPem, serverName, skipVerify, certificatePem, keyPem, minVersion);
    }

    @Override
    public String toString() {
        return "TlsOptions[serverName=" + serverName + ", skipVerify=" + skipVerify + ", minVersion=" + minVersion
                + "]";
    }
}
