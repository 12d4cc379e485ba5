package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The entries of Secrets. */
final class SecretData {
    private SecretData() {}

    /** An entry; null when there is none, it is empty, or no base64. */
    static byte @Nullable [] bytes(ObjectNode secret, String entry) {
        String text = secret.path("data").path(entry).asText("");
        if (text.isEmpty()) {
            String plain = secret.path("stringData").path(entry).asText("");
            return plain.isEmpty() ? null : plain.getBytes(StandardCharsets.UTF_8);
        }
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** An entry as a text; null when there is none, or it is no UTF-8. */
    static @Nullable String text(ObjectNode secret, String entry) {
        byte[] bytes = bytes(secret, entry);
        try {
            return bytes == null
                    ? null
                    : StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes))
                            .toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** The names of all entries, sorted. */
    static Set<String> names(ObjectNode secret) {
        Set<String> names = new TreeSet<>();
        secret.path("data").fieldNames().forEachRemaining(names::add);
        secret.path("stringData").fieldNames().forEachRemaining(names::add);
        return names;
    }
}
