package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.PreciseHostname;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A certificate that is ordered from an ACME server (acme.cert-manager.io/v1 Order). */
@Required
@Description("A certificate that is ordered from an ACME server.")
public record OrderSpec(
        @Required
        @Length(min = 1, max = 65536)
        @Pattern("^[A-Za-z0-9+/=]+$")
        @Description("The signing request (PKCS #10): PEM in base64.")
        String request,

        @Required @Description("Who certifies.") IssuerReference issuerRef,

        @Required @ListType("atomic") @Length(min = 1, max = 100) @Description("The host names.")
        List<@PreciseHostname String> dnsNames,

        @Length(max = 32) @Description("How long it is to be good; by default as long as the server says.") @Nullable
        String duration) {}
