package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Where an issuer answers (OpenID Connect Discovery 1.0, 3). Immutable.
 *
 * @param authorization where browsers are sent to log in
 * @param token where codes are given for tokens
 * @param keys where the keys are published that sign tokens
 * @param userInfo where it says more of whoever has logged in (OpenID Connect Core 1.0, 5.3); null: nowhere
 * @param endSession where browsers are sent to log out (OpenID Connect RP-Initiated Logout 1.0); null: nowhere
 */
record IssuerMetadata(
        String authorization,
        String token,
        String keys,
        @Nullable String userInfo,
        @Nullable String endSession) {
    private static final int LARGEST = 64 << 10;

    /**
     * Asks an issuer.
     *
     * @throws IOException in words for people, when it cannot be reached, or says what it may not
     */
    static IssuerMetadata discover(String issuer, IssuerClient client) throws IOException {
        String base = issuer.endsWith("/") ? issuer.substring(0, issuer.length() - 1) : issuer;
        return read(issuer, client.get(base + "/.well-known/openid-configuration", LARGEST));
    }

    static IssuerMetadata read(String issuer, String text) throws IOException {
        JsonNode all;
        try {
            all = StrictJson.read(text);
        } catch (JsonProcessingException e) {
            throw new IOException("the metadata is no JSON");
        }
        if (!issuer.equals(all.path("issuer").textValue())) {
            // Else one issuer could speak for another one (Discovery, 4.3).
            throw new IOException("the metadata is of another issuer: expected " + issuer);
        }
        return new IssuerMetadata(
                uri(all, "authorization_endpoint"),
                uri(all, "token_endpoint"),
                uri(all, "jwks_uri"),
                all.has("userinfo_endpoint") ? uri(all, "userinfo_endpoint") : null,
                all.has("end_session_endpoint") ? uri(all, "end_session_endpoint") : null);
    }

    private static String uri(JsonNode all, String name) throws IOException {
        String text = all.path(name).asText("");
        if (!IssuerAddress.good(text)) {
            throw new IOException("the metadata has no " + name + " that is https://HOST[:PORT]/PATH");
        }
        return text;
    }
}
