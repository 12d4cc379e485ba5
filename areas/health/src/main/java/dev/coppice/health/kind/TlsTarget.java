package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A TLS handshake and what is expected of the certificate. */
@Description("A TLS handshake and what is expected of the certificate: chain, name and days left.")
public record TlsTarget(
        @Required @Length(min = 1, max = 253) @Description("Host name or address.")
        String host,

        @Default("443") @Minimum(1) @Maximum(65535) @Description("The port.") @Nullable
        Integer port,

        @Default("14")
        @Minimum(0)
        @Maximum(3650)
        @Description("Fails when a certificate of the chain ends within so many days.")
        @Nullable
        Integer minDays,

        @Description("What is trusted, and which name is expected.") @Nullable
        TlsOptions tls) {}
