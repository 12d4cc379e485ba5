package dev.coppice.gateway.config;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the gateway shows to the endpoints of an upstream, so that they know it. Immutable. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = CredentialConfig.Fixed.class, name = "Fixed"),
    @JsonSubTypes.Type(value = CredentialConfig.ClientCredentials.class, name = "ClientCredentials"),
    @JsonSubTypes.Type(value = CredentialConfig.Missing.class, name = "Missing")
})
public sealed interface CredentialConfig {
    /**
     * Always the same header.
     *
     * @param header its name, in lower case
     */
    record Fixed(String header, Secret value) implements CredentialConfig {}

    /**
     * A token that is fetched, as {@code Authorization: Bearer} (RFC 6749, 4.4).
     *
     * @param secretInBody whether the token endpoint wants the client's secret among its parameters
     * @param scopes that are asked for; empty: the usual ones
     * @param audience that is asked for; null: none
     * @param authorities of the token endpoint's certificate, in PEM; null: those that the machine trusts
     * @param allowLinkLocal whether it may have a link-local or cloud metadata address
     */
    record ClientCredentials(
            String tokenUri,
            String clientId,
            Secret clientSecret,
            boolean secretInBody,
            List<String> scopes,
            @Nullable String audience,
            @Nullable String authorities,
            boolean allowLinkLocal)
            implements CredentialConfig {
        public ClientCredentials {
            scopes = List.copyOf(scopes);
        }
    }

    /** They should be there, and are not: nothing is sent without them. */
    record Missing() implements CredentialConfig {}
}
