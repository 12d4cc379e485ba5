package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * What an issuer sends to have sessions ended (OpenID Connect Back-Channel Logout 1.0, 2.4), of a token whose signature, issuer, audience and time
 * were found good. Immutable.
 *
 * @param id another one for each token
 * @param session of the browser at the issuer; null: all sessions of the subject
 * @param subject null: whoever has the session
 * @param endsMillis when it counts no more, since 1970, by its own words or as it is too old
 */
record LogoutToken(
        String id, @Nullable String session, @Nullable String subject, long endsMillis) {
    private static final String EVENT = "http://schemas.openid.net/event/backchannel-logout";
    /** An older one is not taken, so that its identifier need not be remembered for long. */
    private static final long OLDEST_MILLIS = 600_000;

    private static final int LONGEST = 512;

    /**
     * Reads one.
     *
     * @throws SignedToken.MalformedException it is none
     */
    static LogoutToken read(SignedToken token, long nowMillis, long skewMillis) throws SignedToken.MalformedException {
        String type = token.type();
        if (type != null && !type.equalsIgnoreCase("logout+jwt") && !type.equalsIgnoreCase("jwt")) {
            throw new SignedToken.MalformedException("the token is of another type than logout+jwt (typ)");
        }
        JsonNode claims = token.claims();
        if (!claims.path("events").path(EVENT).isObject()) {
            throw new SignedToken.MalformedException("the token is not of a back-channel logout (events)");
        }
        if (claims.has("nonce")) {
            // So that nobody takes an ID token for one.
            throw new SignedToken.MalformedException("a logout token has no nonce");
        }
        JsonNode issued = claims.path("iat");
        double issuedMillis = issued.doubleValue() * 1000;
        if (!issued.isNumber()
                || issuedMillis > nowMillis + skewMillis
                || issuedMillis < nowMillis - OLDEST_MILLIS - skewMillis) {
            throw new SignedToken.MalformedException("the logout token is not of the last ten minutes (iat)");
        }
        String id = text(claims, "jti");
        String session = text(claims, "sid");
        String subject = text(claims, "sub");
        if (id == null) {
            throw new SignedToken.MalformedException("the logout token lacks jti");
        }
        if (session == null && subject == null) {
            throw new SignedToken.MalformedException("the logout token has neither sid nor sub");
        }
        double ends = Math.min(claims.path("exp").doubleValue() * 1000, issuedMillis + OLDEST_MILLIS);
        return new LogoutToken(id, session, subject, (long) ends + skewMillis);
    }

    private static @Nullable String text(JsonNode claims, String name) throws SignedToken.MalformedException {
        JsonNode found = claims.path(name);
        if (found.isMissingNode()) {
            return null;
        }
        if (!found.isTextual()
                || found.textValue().isEmpty()
                || found.textValue().length() > LONGEST) {
            throw new SignedToken.MalformedException(
                    "the logout token has a " + name + " that is no text of 1 to " + LONGEST + " characters");
        }
        return found.textValue();
    }
}
