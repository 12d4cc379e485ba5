package dev.coppice.gateway.authentication;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * A name and a password, as clients send them (RFC 7617, 2), in UTF-8. Immutable.
 *
 * @param name without colons
 */
record BasicCredentials(String name, String password) {
    private static final int MOST_CHARACTERS = 2048;

    /** Reads what stands after the scheme; null when it is malformed. */
    static @Nullable BasicCredentials read(String text) {
        if (text.length() > MOST_CHARACTERS) {
            return null;
        }
        try {
            String pair = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(Base64.getDecoder().decode(text)))
                    .toString();
            int colon = pair.indexOf(':');
            boolean controls = pair.chars().anyMatch(Character::isISOControl);
            return colon <= 0 || controls
                    ? null
                    : new BasicCredentials(pair.substring(0, colon), pair.substring(colon + 1));
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return null;
        }
    }

    @Override
    public String toString() {
        return "BasicCredentials[" + name + "]";
    }
}
