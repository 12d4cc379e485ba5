package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.webhook.HttpsCall;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Asks for tokens in a client's name (RFC 6749, 3.2). Blocks its caller. Safe for use by many threads. */
final class TokenEndpoint {
    private static final int LARGEST = 64 << 10;
    /** Longer ones fit into no header. */
    private static final int LONGEST_TOKEN = 16 << 10;

    private static final long MOST_SECONDS = 366L * 24 * 3600;

    /**
     * What is given out (RFC 6749, 5.1).
     *
     * @param access for those who serve the user's data
     * @param refresh null: there is none
     * @param id null: there is none (OpenID Connect Core 1.0, 3.1.3.3)
     * @param expiresMillis how long the access token is good; 0: it is not said
     */
    record Tokens(
            String access,
            @Nullable String refresh,
            @Nullable String id,
            long expiresMillis) {
        @Override
        public String toString() {
            return "Tokens[not shown]";
        }
    }

    /** What was shown is not accepted (RFC 6749, 5.2). */
    static final class RefusedException extends Exception {
        RefusedException(String message) {
            super(message, null, false, false);
        }
    }

    private final IssuerClient client;
    private final String id;
    private final String secret;
    private final boolean inBody;

    /** @param inBody whether it wants the client's secret among the parameters, and not as those of basic authentication */
    TokenEndpoint(IssuerClient client, String id, String secret, boolean inBody) {
        this.client = client;
        this.id = id;
        this.secret = secret;
        this.inBody = inBody;
    }

    /**
     * Asks.
     *
     * @throws RefusedException what was shown in the parameters is not accepted
     * @throws IOException in words for people, when nobody can say, or the client itself is not accepted
     */
    Tokens ask(String uri, Map<String, String> parameters) throws IOException, RefusedException {
        Map<String, String> form = new LinkedHashMap<>(parameters);
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", "application/x-www-form-urlencoded");
        if (inBody) {
            form.put("client_id", id);
            form.put("client_secret", secret);
        } else {
            // Escaped first (RFC 6749, 2.3.1).
            String pair = escaped(id) + ":" + escaped(secret);
            headers.put(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
        }
        HttpsCall.Answer answer = client.send(uri, headers, query(form).getBytes(StandardCharsets.US_ASCII), LARGEST);
        if (answer.status() == 400) {
            throw new RefusedException(uri + " refuses it: " + answer.line());
        }
        if (answer.status() != 200) {
            throw new IOException(uri + " answered with status " + answer.status()
                    + (answer.status() > 400 ? ": " + answer.line() : ""));
        }
        return read(uri, new String(answer.body(), StandardCharsets.UTF_8));
    }

    private static Tokens read(String uri, String text) throws IOException {
        JsonNode all;
        try {
            all = StrictJson.read(text);
        } catch (JsonProcessingException e) {
            throw new IOException(uri + " answered with what is no JSON");
        }
        String access = token(uri, all, "access_token");
        if (access == null || !all.path("token_type").asText("").equalsIgnoreCase("bearer")) {
            throw new IOException(uri + " gave no access_token of the token_type Bearer");
        }
        // A number; some write it as a text.
        long seconds = all.path("expires_in").asLong(0);
        return new Tokens(
                access,
                token(uri, all, "refresh_token"),
                token(uri, all, "id_token"),
                Math.clamp(seconds, 0, MOST_SECONDS) * 1000);
    }

    private static @Nullable String token(String uri, JsonNode all, String name) throws IOException {
        String token = all.path(name).asText("");
        if (token.length() > LONGEST_TOKEN || !token.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
            throw new IOException(
                    uri + " gave a " + name + " that is longer than " + LONGEST_TOKEN + ", or not printable ASCII");
        }
        return token.isEmpty() ? null : token;
    }

    /** Parameters as in a query, without the question mark. */
    static String query(Map<String, String> parameters) {
        StringBuilder all = new StringBuilder();
        parameters.forEach((name, value) -> all.append(all.isEmpty() ? "" : "&")
                .append(escaped(name))
                .append('=')
                .append(escaped(value)));
        return all.toString();
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
