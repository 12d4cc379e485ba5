package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What is known of somebody who has logged in, as it lies sealed in the browser. Immutable.
 *
 * @param idToken that was verified when it came
 * @param accessToken empty when nobody wants it
 * @param refreshToken null: there is none, and the session ends when it is no longer fresh
 * @param id at the issuer ({@code sid}); null: the issuer does not say
 * @param userInfo what its UserInfo endpoint said at the login, an object; null: it was not asked
 * @param begunMillis since 1970
 * @param freshUntilMillis since 1970
 * @param endsMillis since 1970
 */
record Session(
        String idToken,
        String accessToken,
        @Nullable String refreshToken,
        @Nullable String id,
        @Nullable JsonNode userInfo,
        long begunMillis,
        long freshUntilMillis,
        long endsMillis) {

    String text() {
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        all.put("id", idToken);
        if (!accessToken.isEmpty()) {
            all.put("access", accessToken);
        }
        if (refreshToken != null) {
            all.put("refresh", refreshToken);
        }
        if (id != null) {
            all.put("sid", id);
        }
        if (userInfo != null) {
            all.set("user", userInfo);
        }
        return all.put("begun", begunMillis)
                .put("fresh", freshUntilMillis)
                .put("ends", endsMillis)
                .toString();
    }

    /** @throws IOException when it was not written by {@link #text} */
    static Session read(String text) throws IOException {
        JsonNode all = StrictJson.read(text);
        if (!all.path("id").isTextual() || !all.path("ends").isNumber()) {
            throw new IOException("no session");
        }
        return new Session(
                all.path("id").asText(),
                all.path("access").asText(""),
                all.path("refresh").textValue(),
                all.path("sid").textValue(),
                all.get("user"),
                // Of an earlier version, which nobody could end: whoever has it logs in again where all of a time have
                // to.
                all.path("begun").asLong(),
                all.path("fresh").asLong(),
                all.path("ends").asLong());
    }

    /** What its ID token says, and of what that does not say what the UserInfo endpoint said. */
    JsonNode claims() throws SignedToken.MalformedException {
        JsonNode signed = SignedToken.read(idToken).claims();
        if (!(userInfo instanceof ObjectNode more)) {
            return signed;
        }
        ObjectNode all = more.deepCopy();
        signed.properties().forEach(each -> all.set(each.getKey(), each.getValue()));
        return all;
    }

    @Override
    public String toString() {
        return "Session[not shown]";
    }
}
