package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.HeaderName;
import dev.coppice.gateway.kind.Names.HttpsAddress;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the gateway shows to a Service, so that it knows the gateway. */
@Rule(
        value = "(self.type == 'Header') == has(self.header)",
        message = "header must be given with the type Header, and only there")
@Rule(
        value = "(self.type == 'ClientCredentials') == has(self.clientCredentials)",
        message = "clientCredentials must be given with the type ClientCredentials, and only there")
@Description("What the gateway shows to the Service, so that it knows the gateway. No other Service gets it.")
public record CredentialsSpec(
        @Required
        @Enumeration({"Bearer", "Basic", "Header", "ClientCredentials"})
        @Description(
                "Bearer: Authorization with a token. Basic: Authorization with a name and a password. Header: a header of one's own. ClientCredentials: Authorization with a token that the gateway fetches.")
        String type,

        @Required
        @Description(
                "A Secret of the policy's namespace, with the entry token (Bearer), username and password (Basic), value (Header) or client-secret (ClientCredentials).")
        SecurityPolicySpec.SecretName secretRef,

        @HeaderName @Description("The header's name.") @Nullable
        String header,

        @Description("Where and how the token is fetched (RFC 6749, 4.4).") @Nullable
        ClientCredentials clientCredentials) {

    /** Where and how a token is fetched. */
    @Description("Where and how a token is fetched (RFC 6749, 4.4).")
    public record ClientCredentials(
            @Required @HttpsAddress @Description("The https address of the token endpoint.")
            String tokenURI,

            @Required
            @Length(min = 1, max = 512)
            @Pattern("^[!-~]+$")
            @Description("As whom it knows the gateway (client_id).")
            String clientID,

            @Enumeration({"Basic", "Post"})
            @Default("\"Basic\"")
            @Description("How it wants the secret: client_secret_basic or client_secret_post.")
            String clientAuthentication,

            @ListType("atomic") @Length(max = 16) @Description("Scopes that are asked for; by default the usual ones.")
            List<@Length(min = 1, max = 256) @Pattern("^[!#-\\[\\]-~]+$") String> scopes,

            @Length(min = 1, max = 1024)
            @Description("For whom the token is to be, where the token endpoint wants to be told (audience).")
            @Nullable
            String audience,

            @ListType("atomic")
            @Length(max = 8)
            @Description(
                    "ConfigMaps or Secrets of the policy's namespace whose ca.crt has the authorities of its certificate; by default those that the machine trusts count.")
            List<LocalReference> caCertificateRefs,

            @Default("false") @Description("Whether its host may have a link-local or cloud metadata address.")
            boolean allowLinkLocal) {}
}
