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
 * @param freshUntilMillis since 1970
 * @param endsMillis since 1970
 */
record Session(
        String idToken, String accessToken, @Nullable String refreshToken, long freshUntilMillis, long endsMillis) {

    String text() {
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        all.put("id", idToken);
        if (!accessToken.isEmpty()) {
            all.put("access", accessToken);
        }
        if (refreshToken != null) {
            all.put("refresh", refreshToken);
        }
        return all.put("fresh", freshUntilMillis).put("ends", endsMillis).toString();
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
                all.path("fresh").asLong(),
                all.path("ends").asLong());
    }

    /** What its ID token says. */
    JsonNode claims() throws SignedToken.MalformedException {
        return SignedToken.read(idToken).claims();
    }

    @Override
    public String toString() {
        return "Session[not shown]";
    }
}
