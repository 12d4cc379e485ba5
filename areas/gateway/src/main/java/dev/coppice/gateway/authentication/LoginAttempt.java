package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;

/**
 * A login that a browser was sent to the issuer for, as it lies sealed in that browser, so that nobody else can complete it. Immutable.
 *
 * @param state that comes back with the browser (RFC 6749, 10.12)
 * @param nonce that comes back in the ID token (OpenID Connect Core 1.0, 3.1.2.1)
 * @param verifier that the issuer gets with the code (RFC 7636, 4.1)
 * @param to where the browser wanted to go: a path, with its query
 * @param endsMillis since 1970
 */
record LoginAttempt(String state, String nonce, String verifier, String to, long endsMillis) {
    private static final int RANDOM_BYTES = 32;
    private static final int LONGEST_TO = 1024;
    private static final String HOME = "/";

    /** @param slot begins the state, so that the cookie is found */
    static LoginAttempt begin(int slot, String to, long endsMillis, SecureRandom random) {
        return new LoginAttempt(slot + text(random), text(random), text(random), safe(to), endsMillis);
    }

    private static String text(SecureRandom random) {
        byte[] bytes = new byte[RANDOM_BYTES];
        random.nextBytes(bytes);
        return base64(bytes);
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** A path that no browser takes for another host: such as {@code //host} and {@code /\host} are the home page instead. */
    static String safe(String to) {
        boolean other = to.length() > LONGEST_TO || !to.startsWith("/") || to.startsWith("//");
        for (int i = 0; i < to.length() && !other; i++) {
            char c = to.charAt(i);
            other = c <= ' ' || c >= 0x7F || c == '\\';
        }
        return other ? HOME : to;
    }

    /** What the issuer is told of the verifier (RFC 7636, 4.2). */
    String challenge() {
        try {
            return base64(MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK lacks SHA-256", e);
        }
    }

    String text() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("state", state)
                .put("nonce", nonce)
                .put("verifier", verifier)
                .put("to", to)
                .put("ends", endsMillis)
                .toString();
    }

    /** @throws IOException when it was not written by {@link #text} */
    static LoginAttempt read(String text) throws IOException {
        JsonNode all = StrictJson.read(text);
        return new LoginAttempt(
                all.path("state").asText(),
                all.path("nonce").asText(),
                all.path("verifier").asText(),
                safe(all.path("to").asText()),
                all.path("ends").asLong());
    }

    /** In a time that does not tell how far they are the same. */
    static boolean same(String a, String b) {
        return MessageDigest.isEqual(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
        return "LoginAttempt[to " + to + "]";
    }
}
