package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.jwk.JWK;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Public keys out of a JSON Web Key Set (RFC 7517, 5). Immutable. */
public final class VerificationKeys {
    /** Characters of a set. */
    public static final int LARGEST = 256 << 10;

    private static final int MOST_KEYS = 100;
    /** A token that names no key is tried with so many. */
    private static final int MOST_CANDIDATES = 4;

    private final List<VerificationKey> keys;
    private final String text;

    private VerificationKeys(List<VerificationKey> keys, String text) {
        this.keys = List.copyOf(keys);
        this.text = text;
    }

    /** A set that cannot be used. */
    public static final class InvalidKeySetException extends Exception {
        InvalidKeySetException(String message) {
            super(message);
        }

        /** What is wrong with it, as the end of a sentence about it. */
        public String problem() {
            return String.valueOf(getMessage());
        }
    }

    /**
     * Reads a set. Keys that cannot be used are passed over, as issuers may publish such for others (RFC 7517, 5).
     *
     * @throws InvalidKeySetException when no key is left
     */
    public static VerificationKeys read(String jwks) throws InvalidKeySetException {
        return read(jwks, false);
    }

    /**
     * Reads a set that was written for this gateway.
     *
     * @throws InvalidKeySetException when any key cannot be used
     */
    public static VerificationKeys readStrictly(String jwks) throws InvalidKeySetException {
        return read(jwks, true);
    }

    private static VerificationKeys read(String jwks, boolean strictly) throws InvalidKeySetException {
        if (jwks.length() > LARGEST) {
            throw new InvalidKeySetException("is larger than " + LARGEST + " characters");
        }
        JsonNode all;
        try {
            all = StrictJson.read(jwks).path("keys");
        } catch (JsonProcessingException e) {
            throw new InvalidKeySetException("is no JSON: expected {\"keys\": [...]}");
        }
        if (!all.isArray() || all.isEmpty() || all.size() > MOST_KEYS) {
            throw new InvalidKeySetException("has no list keys of 1 to " + MOST_KEYS + " keys");
        }
        List<VerificationKey> keys = new ArrayList<>();
        String problem = "";
        for (int i = 0; i < all.size(); i++) {
            try {
                keys.add(VerificationKey.of(JWK.parse(all.get(i).toString())));
            } catch (VerificationKey.UnusableException e) {
                problem = "has keys[" + i + "], which " + e.getMessage();
            } catch (ParseException | RuntimeException e) {
                problem = "has keys[" + i + "], which is no key (RFC 7517)";
            }
            if (strictly && !problem.isEmpty()) {
                throw new InvalidKeySetException(problem);
            }
        }
        if (keys.isEmpty()) {
            throw new InvalidKeySetException("has no key that can be used; the last one: " + problem);
        }
        return new VerificationKeys(keys, jwks);
    }

    /** The keys that may have signed a token. */
    List<VerificationKey> candidates(@Nullable String id, String algorithm) {
        List<VerificationKey> found = new ArrayList<>(1);
        for (VerificationKey each : keys) {
            if (found.size() < MOST_CANDIDATES && each.verifies(algorithm) && (id == null || id.equals(each.id()))) {
                found.add(each);
            }
        }
        return found;
    }

    /** Whether another set is the same. */
    boolean sameAs(String jwks) {
        return text.equals(jwks);
    }

    int size() {
        return keys.size();
    }
}
