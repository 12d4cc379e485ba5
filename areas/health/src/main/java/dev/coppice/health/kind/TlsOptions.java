package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import org.jspecify.annotations.Nullable;

/** How a TLS connection is made and what is verified. */
@Description("How a TLS connection is made and what is verified.")
public record TlsOptions(
        @Description("Certificates (PEM) that are trusted instead of the system's.") @Nullable
        SecretValue ca,

        @Description("The name sent as SNI and expected in the certificate; by default the host of the target.")
        @Nullable
        String serverName,

        @Default("false") @Description("Accepts any certificate. The expiry is still read.") @Nullable
        Boolean insecureSkipVerify,

        @Description("A client certificate chain (PEM) to present.") @Nullable
        SecretValue clientCertificate,

        @Description("The private key (PKCS#8, PEM) of the client certificate.") @Nullable
        SecretValue clientKey) {}
