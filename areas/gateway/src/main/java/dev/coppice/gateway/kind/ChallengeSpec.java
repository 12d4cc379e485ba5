package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.PreciseHostname;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;

/** What an ACME server wants to see at a host name (acme.cert-manager.io/v1 Challenge). */
@Required
@Description("What an ACME server wants to see at a host name.")
public record ChallengeSpec(
        @Required @Length(min = 1, max = 2048) @Description("Its address at the server.")
        String url,

        @Required @Length(min = 1, max = 2048) @Description("The address of what it is for.")
        String authorizationURL,

        @Required @PreciseHostname @Description("The host name.")
        String dnsName,

        @Required
        @Enumeration({"HTTP-01", "TLS-ALPN-01"})
        @Description("HTTP-01 (RFC 8555, 8.3) or TLS-ALPN-01 (RFC 8737).")
        String type,

        @Required @Length(min = 1, max = 512) @Pattern("^[A-Za-z0-9_-]+$") @Description("By which it is asked for.")
        String token,

        @Required
        @Length(min = 1, max = 1024)
        @Pattern("^[A-Za-z0-9_.-]+$")
        @Description("What is to be seen: the key authorization (RFC 8555, 8.1).")
        String key,

        @Required @Description("Where it is shown.") IssuerSpec.Solver solver,

        @Required @Description("Who asks.") IssuerReference issuerRef) {
    public static final String HTTP = "HTTP-01";
    public static final String TLS = "TLS-ALPN-01";

    public boolean tls() {
        return type.equals(TLS);
    }
}
