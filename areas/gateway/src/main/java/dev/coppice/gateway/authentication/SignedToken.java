package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * A JSON Web Token in its compact form (RFC 7515, 7.1; RFC 7519), taken apart and not yet verified. Nothing in its header that names or
 * holds keys is looked at. Immutable.
 *
 * @param type what its header says that it is ({@code typ}); null: nothing
 * @param keyId null: it names none
 * @param claims an object
 * @param signed what is signed
 * @param signature in base64url
 */
record SignedToken(
        String algorithm,
        @Nullable String type,
        @Nullable String keyId,
        JsonNode claims,
        byte[] signed,
        String signature) {
    /** Those of browsers do not fit into longer headers anyway. */
    static final int LONGEST = 16 << 10;

    private static final int LONGEST_HEADER = 2 << 10;
    private static final int LONGEST_SIGNATURE = 2 << 10;

    /** A token that cannot be one. */
    static final class MalformedException extends Exception {
        MalformedException(String message) {
            super(message, null, false, false);
        }

        /** Why, for the client. */
        String why() {
            return String.valueOf(getMessage());
        }
    }

    static SignedToken read(String token) throws MalformedException {
        if (token.length() > LONGEST) {
            throw new MalformedException("the token is too long");
        }
        int first = token.indexOf('.');
        int second = token.indexOf('.', first + 1);
        if (first <= 0
                || second < 0
                || token.indexOf('.', second + 1) >= 0
                || first > LONGEST_HEADER
                || token.length() - second > LONGEST_SIGNATURE) {
            throw new MalformedException("the token is malformed");
        }
        for (int i = 0; i < token.length(); i++) {
            if (i != first && i != second && !base64url(token.charAt(i))) {
                throw new MalformedException("the token is malformed");
            }
        }
        JsonNode header = object(token.substring(0, first));
        JsonNode algorithm = header.path("alg");
        JsonNode keyId = header.path("kid");
        if (!algorithm.isTextual() || !keyId.isMissingNode() && !keyId.isTextual()) {
            throw new MalformedException("the header of the token is malformed");
        }
        if (header.has("crit") || header.has("b64") || header.has("zip")) {
            // Whoever does not understand an extension has to refuse it (RFC 7515, 4.1.11).
            throw new MalformedException("the header of the token asks for an extension that is not supported");
        }
        return new SignedToken(
                algorithm.textValue(),
                header.path("typ").textValue(),
                keyId.isTextual() ? keyId.textValue() : null,
                object(token.substring(first + 1, second)),
                token.substring(0, second).getBytes(StandardCharsets.US_ASCII),
                token.substring(second + 1));
    }

    private static boolean base64url(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_';
    }

    private static JsonNode object(String encoded) throws MalformedException {
        try {
            JsonNode read = StrictJson.read(Base64.getUrlDecoder().decode(encoded));
            if (read.isObject()) {
                return read;
            }
        } catch (IOException | IllegalArgumentException e) {
            // Told below.
        }
        throw new MalformedException("the token is malformed");
    }
}
